"""Is this datum of this world? Each is judged where it comes in; what is odd never gets further.

Pure. Each function returns what may be kept, and what was refused with its cause.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from actors.market_data.events import BookLevels
from actors.market_data.inputs import (
    CANDLE_LEAP,
    INPUTS,
    INTEREST_LEAP,
    INTEREST_NEAR_MS,
    STRIKE_TICK,
    TICK_CANDLE,
    TICK_LEAP,
    TICK_SIZES,
    Name,
    Odd,
    odd,
)
from actors.market_data.state import INTERVAL_MS, AssetFeeds, KnownMarket, Now, last_boundary_ms
from signals.market import market_slug
from signals.snapshot import Candles, FundingPoint, Interval, OpenInterestPoint, Ticks

MINUTE_MS = 60_000
REFERENCE_MS = 900_000
"""Market ms: a close that is older says nothing of a price now."""
FAR_MS = 10**15
"""30,000 years: a stamp that is further away is told as this far away."""
ROWS_MIN = 3
"""Of candles, to tell another interval's from a gap."""


def in_time(name: Name, time_ms: int, now_ms: int) -> Odd | None:
    """Judge a stamp against our own time."""
    ahead_ms = max(-FAR_MS, min(time_ms - now_ms, FAR_MS))
    if INPUTS[name].holds(ahead_ms):
        return None
    when = f"{ahead_ms} ms ahead" if ahead_ms > 0 else f"{-ahead_ms} ms ago"
    return odd(name, f"stamped {when}")


def in_range(name: Name, value: float) -> Odd | None:
    row = INPUTS[name]
    return None if row.holds(value) else odd(name, f"{value!r} {row.unit} is out of range")


def log_gap(one: float, other: float) -> float:
    """Return the log distance of two positive values."""
    return abs(math.log(one / other))


# ---- settlement price ---------------------------------------------------------------------------


def fit_ticks(fresh: Ticks, known: AssetFeeds, now: Now) -> tuple[Ticks, list[Odd]]:
    kept: list[tuple[int, float]] = []
    refused: list[Odd] = []
    close = reference_close(known.candles[Interval.M5], now.market_ms)
    last = _last_tick(known.ticks)
    for time_ms, value in zip(fresh.observed_ms, fresh.twap, strict=True):
        wrong = (
            in_time(Name.TICK_TIME, time_ms, now.market_ms)
            or in_range(Name.TICK_PRICE, value)
            or _off_tick(time_ms, value, close, last)
        )
        if wrong is not None:
            refused.append(wrong)
            continue
        kept.append((time_ms, value))
        last = (time_ms, value)
    if not refused:
        return fresh, refused
    return _ticks(kept), refused


def _ticks(pairs: list[tuple[int, float]]) -> Ticks:
    return Ticks(
        observed_ms=tuple(time_ms for time_ms, _ in pairs),
        twap=tuple(value for _, value in pairs),
        spot=(),
    )


def _last_tick(ticks: Ticks) -> tuple[int, float] | None:
    return (ticks.observed_ms[-1], ticks.twap[-1]) if ticks.observed_ms else None


def reference_close(candles: Candles, now_ms: int) -> float | None:
    """Return the newest close, if it is recent enough to compare a price with."""
    if not len(candles):
        return None
    closed_ms = candles.open_time_ms[-1] + INTERVAL_MS[candles.interval]
    return candles.close[-1] if now_ms - closed_ms <= REFERENCE_MS else None


def _off_tick(
    time_ms: int, value: float, close: float | None, last: tuple[int, float] | None
) -> Odd | None:
    """Compare with the candles; without them with the tick before, which may be the odd one."""
    if close is not None:
        if log_gap(value, close) > TICK_CANDLE:
            return odd(Name.TICK_PRICE, f"{value:g}, where candles closed at {close:g}")
        return None
    if last is None or abs(time_ms - last[0]) > MINUTE_MS:
        return None
    if log_gap(value, last[1]) > TICK_LEAP:
        return odd(Name.TICK_PRICE, f"{value:g} within a minute of {last[1]:g}")
    return None


# ---- candles ------------------------------------------------------------------------------------


def fit_candles(fresh: Candles, known: Candles, now_ms: int) -> Odd | None:
    """Judge an answer as a whole: an exchange that is wrong in one row is believed in none."""
    for wrong in _candle_faults(fresh, now_ms):
        return wrong
    return _grid_fault(fresh) or _leap(fresh, known)


def _candle_faults(fresh: Candles, now_ms: int) -> Iterator[Odd]:
    length_ms = INTERVAL_MS[fresh.interval]
    for place, open_ms in enumerate(fresh.open_time_ms):
        high, low = fresh.high[place], fresh.low[place]
        inner = (fresh.open[place], fresh.close[place])
        for price in (high, low, *inner):
            if (wrong := in_range(Name.CANDLE_PRICE, price)) is not None:
                yield wrong
        if not low <= min(inner) or not max(inner) <= high:
            yield odd(Name.CANDLE_PRICE, f"open or close outside {low:g} .. {high:g}")
        yield from _volume_faults(fresh.volume[place], fresh.taker_buy[place])
        late = in_time(Name.CANDLE_TIME, open_ms + length_ms, now_ms)
        if late is not None:
            yield late


def _volume_faults(volume: float, taker: float | None) -> Iterator[Odd]:
    if (wrong := in_range(Name.CANDLE_VOLUME, volume)) is not None:
        yield wrong
    if taker is None:
        return
    if (wrong := in_range(Name.CANDLE_TAKER, taker)) is not None:
        yield wrong
    elif taker > volume * (1 + 1e-6):
        yield odd(Name.CANDLE_TAKER, f"{taker:g} of a volume of {volume:g}")


def _grid_fault(fresh: Candles) -> Odd | None:
    for open_ms in fresh.open_time_ms:
        if last_boundary_ms(fresh.interval, open_ms) != open_ms:
            return odd(Name.CANDLE_TIME, f"{open_ms} opens no {fresh.interval} candle")
    steps = [later - earlier for earlier, later in pairwise(fresh.open_time_ms)]
    length_ms = INTERVAL_MS[fresh.interval]
    if any(step < length_ms for step in steps):
        return odd(Name.CANDLE_TIME, f"{fresh.interval} candles overlap or are out of order")
    if len(steps) >= ROWS_MIN - 1 and min(steps) > length_ms:
        return odd(Name.CANDLE_TIME, f"every {min(steps)} ms one, of {fresh.interval} candles")
    return None


def _leap(fresh: Candles, known: Candles) -> Odd | None:
    """Find the close that leaps from the one before, in the answer or from what is known."""
    limit = math.log(CANDLE_LEAP[fresh.interval])
    before = [
        close
        for open_ms, close in zip(known.open_time_ms, known.close, strict=True)
        if fresh.open_time_ms and open_ms < fresh.open_time_ms[0]
    ]
    for earlier, later in pairwise((*before[-1:], *fresh.close)):
        if log_gap(later, earlier) > limit:
            return odd(Name.CANDLE_PRICE, f"{fresh.interval} close {later:g} after {earlier:g}")
    return None


# ---- funding and open interest ------------------------------------------------------------------


def fit_funding(
    points: tuple[FundingPoint, ...], now_ms: int
) -> tuple[tuple[FundingPoint, ...], list[Odd]]:
    kept: list[FundingPoint] = []
    refused: list[Odd] = []
    for point in points:
        wrong = in_time(Name.FUNDING_TIME, point.time_ms, now_ms) or in_range(
            Name.FUNDING_RATE, point.rate
        )
        if wrong is None:
            kept.append(point)
        else:
            refused.append(wrong)
    return tuple(kept), refused


def fit_next_funding(next_ms: int | None, now_ms: int) -> tuple[int | None, list[Odd]]:
    wrong = None if next_ms is None else in_time(Name.FUNDING_NEXT, next_ms, now_ms)
    return (next_ms, []) if wrong is None else (None, [wrong])


def fit_open_interest(
    points: tuple[OpenInterestPoint, ...], known: tuple[OpenInterestPoint, ...], now_ms: int
) -> tuple[tuple[OpenInterestPoint, ...], list[Odd]]:
    kept: list[OpenInterestPoint] = []
    refused: list[Odd] = []
    last = known[-1] if known else None
    for point in sorted(points, key=lambda point: point.time_ms):
        wrong = (
            in_time(Name.INTEREST_TIME, point.time_ms, now_ms)
            or in_range(Name.INTEREST, point.base_units)
            or _interest_leap(point, last)
        )
        if wrong is not None:
            refused.append(wrong)
            continue
        kept.append(point)
        last = point
    return tuple(kept), refused


def _interest_leap(point: OpenInterestPoint, last: OpenInterestPoint | None) -> Odd | None:
    if last is None or abs(point.time_ms - last.time_ms) > INTEREST_NEAR_MS:
        return None
    if log_gap(point.base_units, last.base_units) > math.log(INTEREST_LEAP):
        return odd(Name.INTEREST, f"{point.base_units:g} soon after {last.base_units:g}")
    return None


# ---- books and markets --------------------------------------------------------------------------


def fit_book(book: BookLevels, now: Now) -> Odd | None:
    """Judge a whole book; an unstamped one is taken."""
    tick = None if book.tick_micro_usd is None else fit_tick_size(book.tick_micro_usd)
    if tick is not None:
        return tick
    for shares in (*book.bids.values(), *book.asks.values()):
        if (wrong := in_range(Name.BOOK_SHARES, shares)) is not None:
            return wrong
    return fit_stamp(book.stamp_wire_ms, now) if book.stamp_wire_ms else None


def fit_stamp(stamp_wire_ms: int, now: Now) -> Odd | None:
    """Refuse a stamp from the future: every later message would look late, for ever."""
    return in_time(Name.BOOK_STAMP, stamp_wire_ms, now.wire_ms)


def fit_tick_size(tick_micro_usd: int) -> Odd | None:
    if tick_micro_usd in TICK_SIZES:
        return None
    return odd(Name.TICK_SIZE, f"{tick_micro_usd} micro-USD is no tick of the venue")


def fit_market(market: KnownMarket) -> tuple[KnownMarket | None, list[Odd]]:
    """Judge what a market says of itself; without its price to beat it can still be traded."""
    wrong = (
        in_range(Name.MIN_ORDER, market.min_order_shares)
        or in_range(Name.LOOK_BACK, market.twap_lookback_seconds)
        or fit_tick_size(market.tick_micro_usd)
    )
    if wrong is not None:
        return None, [wrong]
    strike = None if market.price_to_beat is None else in_range(Name.STRIKE, market.price_to_beat)
    if strike is not None:
        return msgspec.structs.replace(market, price_to_beat=None), [strike]
    return market, []


def one_strike(market: KnownMarket, known: KnownMarket | None) -> tuple[KnownMarket, list[Odd]]:
    """Keep the price to beat that was said first; one that changes is not believed at all."""
    if known is None:
        return market, []
    before, said = known.price_to_beat, market.price_to_beat
    if known.strike_changed:
        return msgspec.structs.replace(market, price_to_beat=None, strike_changed=True), []
    if before is None or said is None or abs(said - before) <= STRIKE_TICK * before:
        return msgspec.structs.replace(market, price_to_beat=before or said), []
    slug = market_slug(market.asset, market.window)
    wrong = odd(Name.STRIKE, f"{slug}: {said:g}, before it was {before:g}")
    return msgspec.structs.replace(market, price_to_beat=None, strike_changed=True), [wrong]
