"""Make market data's columns and points of a source's values. Pure."""

from collections.abc import Sequence

from actors.market_data.events import (
    FetchFunding,
    FetchKlines,
    FetchOpenInterest,
    FundingReceived,
    OpenInterestReceived,
)
from actors.market_data.sources.port import (
    Ask,
    Candle,
    CandlesAsk,
    Funding,
    FundingAsk,
    InterestAsk,
    NextFunding,
    OpenInterest,
    Value,
)
from actors.market_data.state import CANDLES_KEPT, FUNDING_KEPT, OPEN_INTEREST_KEPT
from signals.market import Asset
from signals.snapshot import Candles, FundingPoint, Interval, OpenInterestPoint

ExchangeFetch = FetchKlines | FetchFunding | FetchOpenInterest


def ask_of(fetch: ExchangeFetch) -> Ask:
    match fetch:
        case FetchKlines(asset=asset, interval=interval, limit=limit):
            return CandlesAsk(asset=asset, interval=interval, count=limit)
        case FetchFunding(asset=asset):
            return FundingAsk(asset=asset, count=FUNDING_KEPT)
        case FetchOpenInterest(asset=asset, history=history):
            return InterestAsk(asset=asset, history=OPEN_INTEREST_KEPT if history else 0)


def whole_history(asset: Asset) -> tuple[Ask, ...]:
    """Return every question whose answers a snapshot is made of."""
    return (
        *(
            CandlesAsk(asset=asset, interval=interval, count=count)
            for interval, count in CANDLES_KEPT.items()
        ),
        FundingAsk(asset=asset, count=FUNDING_KEPT),
        InterestAsk(asset=asset, history=OPEN_INTEREST_KEPT),
    )


def candles_of(values: Sequence[Value]) -> list[Candle]:
    return [value for value in values if isinstance(value, Candle)]


def columns(rows: Sequence[Candle], interval: Interval) -> Candles:
    return Candles(
        interval=interval,
        open_time_ms=tuple(row.open_time_ms for row in rows),
        open=tuple(row.open for row in rows),
        high=tuple(row.high for row in rows),
        low=tuple(row.low for row in rows),
        close=tuple(row.close for row in rows),
        volume=tuple(row.volume for row in rows),
        taker_buy=tuple(row.taker_buy for row in rows),
    )


def funding_of(asset: Asset, values: Sequence[Value]) -> FundingReceived:
    points = tuple(
        FundingPoint(time_ms=value.time_ms, rate=value.rate)
        for value in values
        if isinstance(value, Funding)
    )
    following = [value.due_ms for value in values if isinstance(value, NextFunding)]
    return FundingReceived(
        asset=asset, points=points, next_funding_ms=following[0] if following else None
    )


def interest_of(asset: Asset, values: Sequence[Value]) -> OpenInterestReceived:
    points = tuple(
        OpenInterestPoint(time_ms=value.time_ms, base_units=value.base_units)
        for value in values
        if isinstance(value, OpenInterest)
    )
    return OpenInterestReceived(asset=asset, points=points)
