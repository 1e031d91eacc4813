"""Do a snapshot's inputs agree with each other? Pure; a feed that fails counts as never seen.

What came in was judged alone (`actors.market_data.plausible`); here sisters are compared, at the
instant at which somebody is about to bet on them.
"""

from collections.abc import Iterator

from actors.market_data.inputs import (
    AHEAD_MS,
    CANDLE_CANDLE,
    PAIR_MICRO_USD,
    STRIKE_TICK,
    TICK_CANDLE,
    TICK_FROZEN_MS,
    TICK_LEAP,
    Name,
    Odd,
    odd,
)
from actors.market_data.opening import opening_of
from actors.market_data.plausible import MINUTE_MS, log_gap, reference_close
from actors.market_data.state import INTERVAL_MS, AssetFeeds, BookBuffer, KnownMarket
from signals.market import market_slug
from signals.snapshot import Feed, Interval, Ticks
from signals.units import MICRO

Faults = dict[Feed, Odd]


def faults(
    feeds: AssetFeeds,
    markets: tuple[KnownMarket, ...],
    books: dict[str, BookBuffer],
    taken_ms: int,
) -> Faults:
    """Return the first fault of each feed that has one."""
    found: Faults = {}
    rows = (
        (Feed.TICKS, _tick_faults(feeds, taken_ms)),
        (Feed.CANDLES, _candle_faults(feeds, taken_ms)),
        (Feed.FUNDING, _ahead(Name.FUNDING_TIME, [p.time_ms for p in feeds.funding], taken_ms)),
        (
            Feed.OPEN_INTEREST,
            _ahead(Name.INTEREST_TIME, [p.time_ms for p in feeds.open_interest], taken_ms),
        ),
        (Feed.BOOKS, _book_faults(markets, books)),
        (Feed.MARKETS, _market_faults(feeds.ticks, markets)),
    )
    for feed, wrong in rows:
        for first in wrong:
            found[feed] = first
            break
    return found


def _ahead(name: Name, times_ms: list[int], taken_ms: int) -> Iterator[Odd]:
    newest_ms = max(times_ms, default=taken_ms)
    if newest_ms - taken_ms > AHEAD_MS:
        yield odd(name, f"stamped {newest_ms - taken_ms} ms ahead")


# ---- prices -------------------------------------------------------------------------------------


def _tick_faults(feeds: AssetFeeds, taken_ms: int) -> Iterator[Odd]:
    ticks = feeds.ticks
    if not ticks.observed_ms:
        return
    yield from _ahead(Name.TICK_TIME, [ticks.observed_ms[-1]], taken_ms)
    yield from _leaps(ticks)
    still_ms = _still_ms(ticks)
    if still_ms >= TICK_FROZEN_MS:
        yield odd(Name.TICK_PRICE, f"{ticks.twap[-1]:g} has not moved for {still_ms} ms of stamps")
    close = reference_close(feeds.candles[Interval.M5], taken_ms)
    if close is not None and log_gap(ticks.twap[-1], close) > TICK_CANDLE:
        yield odd(Name.TICK_PRICE, f"{ticks.twap[-1]:g}, where candles closed at {close:g}")


def _leaps(ticks: Ticks) -> Iterator[Odd]:
    """Compare each average with the one before; nearly all are nearer than a quick look tells."""
    before_ms, before = ticks.observed_ms[0], ticks.twap[0]
    for now_ms, now in zip(ticks.observed_ms, ticks.twap, strict=True):
        near = 0.95 * before < now < 1.05 * before
        if not near and now_ms - before_ms <= MINUTE_MS and log_gap(now, before) > TICK_LEAP:
            yield odd(Name.TICK_PRICE, f"{now:g} within a minute of {before:g}")
        before_ms, before = now_ms, now


def _still_ms(ticks: Ticks) -> int:
    """Return for how long of their own stamps the newest ticks have been the same."""
    since_ms = newest_ms = ticks.observed_ms[-1]
    for now_ms, now in zip(reversed(ticks.observed_ms), reversed(ticks.twap), strict=True):
        if now != ticks.twap[-1]:
            break
        since_ms = now_ms
    return newest_ms - since_ms


def _candle_faults(feeds: AssetFeeds, taken_ms: int) -> Iterator[Odd]:
    fast = feeds.candles[Interval.M5]
    if not len(fast):
        return
    closes = {
        open_ms + INTERVAL_MS[Interval.M5]: close
        for open_ms, close in zip(fast.open_time_ms, fast.close, strict=True)
    }
    yield from _ahead(Name.CANDLE_TIME, [max(closes)], taken_ms)
    for interval, candles in feeds.candles.items():
        if interval is Interval.M5 or not len(candles):
            continue
        closed_ms = candles.open_time_ms[-1] + INTERVAL_MS[interval]
        yield from _ahead(Name.CANDLE_TIME, [closed_ms], taken_ms)
        sister = closes.get(closed_ms)
        if sister is not None and log_gap(candles.close[-1], sister) > CANDLE_CANDLE:
            yield odd(
                Name.CANDLE_PRICE,
                f"{interval} closed at {candles.close[-1]:g}, 5m at {sister:g} at that instant",
            )
        if taken_ms - closed_ms > 2 * INTERVAL_MS[interval] + INTERVAL_MS[Interval.M5]:
            late_ms = taken_ms - closed_ms
            yield odd(Name.CANDLE_TIME, f"the newest {interval} candle closed {late_ms} ms ago")


# ---- books and markets --------------------------------------------------------------------------


def _book_faults(markets: tuple[KnownMarket, ...], books: dict[str, BookBuffer]) -> Iterator[Odd]:
    for market in markets:
        up, down = books.get(market.up_token_id), books.get(market.down_token_id)
        slug = market_slug(market.asset, market.window)
        for side, book in (("Up", up), ("Down", down)):
            if book is not None:
                yield from _own_faults(f"{slug} {side}", book)
        if up is not None and down is not None:
            yield from _pair_faults(slug, up, down)


def _own_faults(which: str, book: BookBuffer) -> Iterator[Odd]:
    off = next(
        (p for side in (book.bids, book.asks) for p in side if p % book.tick_micro_usd), None
    )
    if off is not None:
        yield odd(Name.TICK_SIZE, f"{which}: a price of {off} off its tick {book.tick_micro_usd}")
    if book.contradicted:
        yield odd(Name.BOOK_DOUBT, f"{which}: {book.contradicted}")
    if book.bids and book.asks and max(book.bids) >= min(book.asks):
        name = Name.BOOK_DOUBT if book.suspect else Name.BOOK_PRICE
        yield odd(name, f"{which}: bid {max(book.bids)} meets ask {min(book.asks)}")


def _pair_faults(slug: str, up: BookBuffer, down: BookBuffer) -> Iterator[Odd]:
    """Up and Down pay 1 USD together: nobody bids more for both, nobody asks less."""
    if up.bids and down.bids and max(up.bids) + max(down.bids) > MICRO + PAIR_MICRO_USD:
        told = f"bids {max(up.bids)} and {max(down.bids)}"
        yield odd(Name.BOOK_PRICE, f"{slug}: {told} for what pays {MICRO} together")
    if up.asks and down.asks and min(up.asks) + min(down.asks) < MICRO - PAIR_MICRO_USD:
        told = f"asks {min(up.asks)} and {min(down.asks)}"
        yield odd(Name.BOOK_PRICE, f"{slug}: {told} for what pays {MICRO} together")


def _market_faults(ticks: Ticks, markets: tuple[KnownMarket, ...]) -> Iterator[Odd]:
    for market in markets:
        opening = opening_of(market, ticks)
        strike = market.price_to_beat
        if strike is None or not ticks.twap:
            continue
        slug = market_slug(market.asset, market.window)
        if opening is not None and abs(strike - opening) > STRIKE_TICK * opening:
            yield odd(Name.STRIKE, f"{slug}: {strike:g}, observed at the open: {opening:g}")
        if opening is None and log_gap(strike, ticks.twap[-1]) > TICK_CANDLE:
            yield odd(Name.STRIKE, f"{slug}: {strike:g}, where the average is {ticks.twap[-1]:g}")
