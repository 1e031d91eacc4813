"""Altered snapshots: an input that was never seen, the market upside down."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from signals.market import Outcome
from signals.snapshot import (
    Book,
    Candles,
    Feed,
    FundingPoint,
    InputAge,
    MarketView,
    OpenInterestPoint,
    Snapshot,
    Ticks,
)

Point = TypeVar("Point", FundingPoint, OpenInterestPoint)


def without(snapshot: Snapshot, feed: Feed) -> Snapshot:
    """Return the snapshot as it looks when a feed was never seen."""
    ages = tuple(
        InputAge(feed=age.feed, age_ms=None, limit_ms=age.limit_ms) if age.feed is feed else age
        for age in snapshot.ages
    )
    bookless = tuple(
        msgspec.structs.replace(market, up_book=None, down_book=None) for market in snapshot.markets
    )
    changes: dict[Feed, dict[str, object]] = {
        Feed.CANDLES: {"candles": ()},
        Feed.TICKS: {"ticks": Ticks(observed_ms=(), twap=(), spot=())},
        Feed.FUNDING: {"funding": (), "next_funding_ms": None},
        Feed.OPEN_INTEREST: {"open_interest": ()},
        Feed.BOOKS: {"markets": bookless},
        Feed.MARKETS: {"markets": ()},
    }
    return msgspec.structs.replace(snapshot, ages=ages, **changes[feed])


def mirrored(snapshot: Snapshot, about: float) -> Snapshot:
    """Reflect all prices about `about`, negate funding, swap the outcomes' books."""

    def flip(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(2 * about - value for value in values)

    def flip_candles(candles: Candles) -> Candles:
        return msgspec.structs.replace(
            candles,
            open=flip(candles.open),
            high=flip(candles.low),
            low=flip(candles.high),
            close=flip(candles.close),
            taker_buy=tuple(
                None if bought is None else volume - bought
                for volume, bought in zip(candles.volume, candles.taker_buy, strict=True)
            ),
        )

    def flip_market(market: MarketView) -> MarketView:
        beat = market.price_to_beat
        return msgspec.structs.replace(
            market,
            up_book=market.book(Outcome.DOWN),
            down_book=market.book(Outcome.UP),
            price_to_beat=None if beat is None else 2 * about - beat,
        )

    return msgspec.structs.replace(
        snapshot,
        candles=tuple(flip_candles(candles) for candles in snapshot.candles),
        ticks=msgspec.structs.replace(
            snapshot.ticks, twap=flip(snapshot.ticks.twap), spot=flip(snapshot.ticks.spot)
        ),
        funding=tuple(
            msgspec.structs.replace(point, rate=-point.rate) for point in snapshot.funding
        ),
        markets=tuple(flip_market(market) for market in snapshot.markets),
    )


def later(snapshot: Snapshot, by_ms: int) -> Snapshot:
    """Return the snapshot as it looks if it is taken later and its inputs come as much later."""
    ticks = snapshot.ticks
    stamps = tuple(stamp + by_ms for stamp in ticks.observed_ms)
    candles = tuple(
        msgspec.structs.replace(one, open_time_ms=tuple(at + by_ms for at in one.open_time_ms))
        for one in snapshot.candles
    )
    return msgspec.structs.replace(
        snapshot,
        taken_ms=snapshot.taken_ms + by_ms,
        ticks=msgspec.structs.replace(ticks, observed_ms=stamps),
        candles=candles,
        funding=_points_later(snapshot.funding, by_ms),
        open_interest=_points_later(snapshot.open_interest, by_ms),
        markets=tuple(
            msgspec.structs.replace(
                one,
                up_book=_book_later(one.up_book, by_ms),
                down_book=_book_later(one.down_book, by_ms),
            )
            for one in snapshot.markets
        ),
    )


def _points_later(points: tuple[Point, ...], by_ms: int) -> tuple[Point, ...]:
    return tuple(msgspec.structs.replace(one, time_ms=one.time_ms + by_ms) for one in points)


def _book_later(book: Book | None, by_ms: int) -> Book | None:
    if book is None:
        return None
    return msgspec.structs.replace(book, received_ms=book.received_ms + by_ms)
