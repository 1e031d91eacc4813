"""Fold what the feeds send into buffers: pure, tolerant of repeats and of late messages."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from actors.market_data.events import BookLevels, LevelChange
from actors.market_data.state import (
    CANDLES_KEPT,
    FUNDING_KEPT,
    OPEN_INTEREST_KEPT,
    TICKS_KEPT_MS,
    BookBuffer,
)
from signals.snapshot import Candles, FundingPoint, OpenInterestPoint, Ticks

COLUMNS = ("open_time_ms", "open", "high", "low", "close", "volume", "taker_buy")

_Point = TypeVar("_Point", FundingPoint, OpenInterestPoint)


def merge_candles(known: Candles, fresh: Candles) -> Candles:
    """Join by open time; a fresh candle replaces a known one; the newest are kept."""
    if not len(fresh):
        return known
    keep = bisect_left(known.open_time_ms, fresh.open_time_ms[0])
    after = bisect_left(known.open_time_ms, fresh.open_time_ms[-1] + 1)
    limit = CANDLES_KEPT[known.interval]
    return Candles(
        interval=known.interval,
        **{
            name: (
                getattr(known, name)[:keep] + getattr(fresh, name) + getattr(known, name)[after:]
            )[-limit:]
            for name in COLUMNS
        },
    )


def merge_ticks(known: Ticks, fresh: Ticks, now_ms: int) -> tuple[Ticks, int]:
    """Add ticks in order of observation, first value kept; return how many came late or twice."""
    observed, twap = list(known.observed_ms), list(known.twap)
    late = 0
    for time_ms, value in zip(fresh.observed_ms, fresh.twap, strict=True):
        if not observed or time_ms > observed[-1]:
            observed.append(time_ms)
            twap.append(value)
            continue
        late += 1
        place = bisect_left(observed, time_ms)
        if observed[place] != time_ms:
            observed.insert(place, time_ms)
            twap.insert(place, value)
    start = bisect_left(observed, now_ms - TICKS_KEPT_MS)
    return Ticks(observed_ms=tuple(observed[start:]), twap=tuple(twap[start:]), spot=()), late


def merge_points(
    known: tuple[_Point, ...], fresh: Iterable[_Point], limit: int
) -> tuple[_Point, ...]:
    by_time = {point.time_ms: point for point in known} | {point.time_ms: point for point in fresh}
    return tuple(by_time[time_ms] for time_ms in sorted(by_time))[-limit:]


def merge_funding(
    known: tuple[FundingPoint, ...], fresh: Iterable[FundingPoint]
) -> tuple[FundingPoint, ...]:
    return merge_points(known, fresh, FUNDING_KEPT)


def merge_open_interest(
    known: tuple[OpenInterestPoint, ...], fresh: Iterable[OpenInterestPoint]
) -> tuple[OpenInterestPoint, ...]:
    return merge_points(known, fresh, OPEN_INTEREST_KEPT)


def replace_book(
    known: BookBuffer | None, fresh: BookLevels, tick_micro_usd: int, received_ms: int
) -> BookBuffer | None:
    """Take a whole book; None if it is older than what is known. An unstamped one is taken."""
    stamp_wire_ms = fresh.stamp_wire_ms or (0 if known is None else known.stamp_wire_ms)
    if known is not None and stamp_wire_ms < known.stamp_wire_ms:
        return None
    known_tick = tick_micro_usd if known is None else known.tick_micro_usd
    return BookBuffer(
        bids=fresh.bids,
        asks=fresh.asks,
        tick_micro_usd=fresh.tick_micro_usd or known_tick,
        stamp_wire_ms=stamp_wire_ms,
        received_ms=received_ms,
        suspect=_doubtful(fresh.bids, fresh.asks, fresh.tick_micro_usd or known_tick),
    )


def newly_received_ms(known: BookBuffer | None, stamp_wire_ms: int, now_ms: int) -> int:
    """Return when a stream's message counts as received: one that repeats a stamp is not news.

    A feed that says its last word again and again would otherwise look fresh for ever.
    """
    repeats = known is not None and stamp_wire_ms <= known.stamp_wire_ms
    return known.received_ms if known is not None and repeats else now_ms


def change_book(
    known: BookBuffer, change: LevelChange, stamp_wire_ms: int, now_ms: int
) -> BookBuffer:
    """Set one level. A late change is not applied: it makes the book suspect instead."""
    now_ms = newly_received_ms(known, stamp_wire_ms, now_ms)
    if stamp_wire_ms < known.stamp_wire_ms:
        return _changed(known, known.bids, known.asks, known.stamp_wire_ms, now_ms, suspect=True)
    side = dict(known.bids if change.bid else known.asks)
    if change.shares:
        side[change.price] = change.shares
    else:
        side.pop(change.price, None)
    bids, asks = (side, known.asks) if change.bid else (known.bids, side)
    crossed = bool(bids) and bool(asks) and max(bids) >= min(asks)
    doubtful = crossed or bool(change.shares and change.price % known.tick_micro_usd)
    return _changed(known, bids, asks, stamp_wire_ms, now_ms, suspect=known.suspect or doubtful)


def change_tick(known: BookBuffer, tick_micro_usd: int) -> BookBuffer:
    """Set the tick; a book that does not fit it is taken anew."""
    doubtful = known.suspect or _doubtful(known.bids, known.asks, tick_micro_usd)
    return msgspec.structs.replace(known, tick_micro_usd=tick_micro_usd, suspect=doubtful)


def _doubtful(bids: dict[int, int], asks: dict[int, int], tick_micro_usd: int) -> bool:
    """Tell whether a book is crossed, or has a price off its tick: a message was missed."""
    crossed = bool(bids) and bool(asks) and max(bids) >= min(asks)
    return crossed or any(price % tick_micro_usd for side in (bids, asks) for price in side)


def _changed(
    known: BookBuffer,
    bids: dict[int, int],
    asks: dict[int, int],
    stamp_wire_ms: int,
    now_ms: int,
    *,
    suspect: bool,
) -> BookBuffer:
    return BookBuffer(
        bids=bids,
        asks=asks,
        tick_micro_usd=known.tick_micro_usd,
        stamp_wire_ms=stamp_wire_ms,
        received_ms=now_ms,
        suspect=suspect,
    )
