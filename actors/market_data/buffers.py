"""Fold what the feeds send into buffers: pure, tolerant of repeats and of late messages."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

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
from signals.units import MICRO

COLUMNS = ("open_time_ms", "open", "high", "low", "close", "volume", "taker_buy")

LATER_MAX = 512
"""Changes kept of a book in doubt: some ten seconds of a busy one, and it is asked for each second.
"""

_Point = TypeVar("_Point", FundingPoint, OpenInterestPoint)


def merge_candles(known: Candles, fresh: Candles) -> Candles:
    """Join by open time; a fresh candle replaces a known one; the newest are kept.

    A known candle that the fresh ones leave out stays: an answer with a hole makes none.
    """
    if not len(fresh):
        return known
    keep = bisect_left(known.open_time_ms, fresh.open_time_ms[0])
    after = bisect_left(known.open_time_ms, fresh.open_time_ms[-1] + 1)
    middle = {name: getattr(fresh, name) for name in COLUMNS}
    if not set(fresh.open_time_ms).issuperset(known.open_time_ms[keep:after]):
        middle = _both(known, keep, after, fresh)
    limit = CANDLES_KEPT[known.interval]
    return Candles(
        interval=known.interval,
        **{
            name: (getattr(known, name)[:keep] + middle[name] + getattr(known, name)[after:])[
                -limit:
            ]
            for name in COLUMNS
        },
    )


def _both(known: Candles, keep: int, after: int, fresh: Candles) -> dict[str, tuple[Any, ...]]:
    """Return the columns of the known candles of that range and the fresh ones, row by row."""
    old = zip(*(getattr(known, name)[keep:after] for name in COLUMNS), strict=True)
    new = zip(*(getattr(fresh, name) for name in COLUMNS), strict=True)
    by_time = {row[0]: row for row in (*old, *new)}
    rows = (by_time[open_ms] for open_ms in sorted(by_time))
    return dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))


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
    """Take a whole book; None if it is older than what is known. An unstamped one is taken.

    Where what is known is in doubt an older one is taken too, with the changes that came since: in
    a busy market an answer by REST is always older than the stream.
    """
    stamp_wire_ms = fresh.stamp_wire_ms or (0 if known is None else known.stamp_wire_ms)
    since = () if known is None or not known.suspect else known.later
    if known is not None and stamp_wire_ms < known.stamp_wire_ms and not since:
        return None
    known_tick = tick_micro_usd if known is None else known.tick_micro_usd
    tick = fresh.tick_micro_usd or known_tick
    bids, asks = dict(fresh.bids), dict(fresh.asks)
    newest_wire_ms = stamp_wire_ms
    for later_wire_ms, bid, price, shares in since:
        if later_wire_ms >= stamp_wire_ms:
            _set_level(bids if bid else asks, price, shares)
            newest_wire_ms = max(newest_wire_ms, later_wire_ms)
    return BookBuffer(
        bids=bids,
        asks=asks,
        tick_micro_usd=tick,
        stamp_wire_ms=newest_wire_ms,
        whole_stamp_wire_ms=stamp_wire_ms,
        received_ms=received_ms,
        suspect=_doubtful(bids, asks, tick),
    )


def _set_level(side: dict[int, int], price: int, shares: int) -> None:
    if shares:
        side[price] = shares
    else:
        side.pop(price, None)


def newly_received_ms(known: BookBuffer | None, stamp_wire_ms: int, now_ms: int) -> int:
    """Return when a stream's message counts as received: one that repeats a stamp is not news.

    A feed that says its last word again and again would otherwise look fresh for ever.
    """
    repeats = known is not None and stamp_wire_ms <= known.stamp_wire_ms
    return known.received_ms if known is not None and repeats else now_ms


def change_book(
    known: BookBuffer, change: LevelChange, stamp_wire_ms: int, now_ms: int
) -> BookBuffer:
    """Set one level. A late change is not applied: it makes the book suspect instead.

    One that is older than the newest whole book is in it already.
    """
    if stamp_wire_ms < known.whole_stamp_wire_ms:
        return known
    now_ms = newly_received_ms(known, stamp_wire_ms, now_ms)
    if stamp_wire_ms < known.stamp_wire_ms:
        return _changed(known, known.bids, known.asks, known.stamp_wire_ms, now_ms, suspect=True)
    side = dict(known.bids if change.bid else known.asks)
    _set_level(side, change.price, change.shares)
    bids, asks = (side, known.asks) if change.bid else (known.bids, side)
    crossed = bool(bids) and bool(asks) and max(bids) >= min(asks)
    doubtful = crossed or bool(change.shares and change.price % known.tick_micro_usd)
    book = _changed(known, bids, asks, stamp_wire_ms, now_ms, suspect=known.suspect or doubtful)
    if not book.suspect:
        return book
    newest = (stamp_wire_ms, change.bid, change.price, change.shares)
    return msgspec.structs.replace(book, later=(*known.later[1 - LATER_MAX :], newest))


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
        whole_stamp_wire_ms=known.whole_stamp_wire_ms,
        received_ms=now_ms,
        suspect=suspect,
        later=known.later,
        contradicted=known.contradicted,
    )


def checked_book(book: BookBuffer, change: LevelChange) -> BookBuffer:
    """Compare a book with the best prices that the stream says it has after a message."""
    told = (*_differs("bid", max(book.bids, default=0), change.best_bid, empty=0),)
    asked = change.best_ask or MICRO if change.best_ask is not None else None
    told += (*_differs("ask", min(book.asks, default=MICRO), asked, empty=MICRO),)
    if not told:
        return book
    return msgspec.structs.replace(book, suspect=True, contradicted="; ".join(told))


def _differs(side: str, mine: int, said: int | None, *, empty: int) -> Iterator[str]:
    if said is not None and said != mine:
        names = [("none" if price == empty else str(price)) for price in (mine, said)]
        yield f"best {side} {names[0]}, the stream says {names[1]}"
