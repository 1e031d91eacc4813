"""Candles, funding and open interest from a Binance-shaped futures service.

The service answers some errors with HTTP 200 and an object where a list belongs: that is malformed,
never empty.
"""

import math
from itertools import pairwise
from typing import Any, Final

import httpx
import msgspec

from actors.feeds.http import Malformed, Missing, Unreachable, fetch
from actors.market_data.events import (
    FetchFunding,
    FetchKlines,
    FetchOpenInterest,
    FundingReceived,
    KlinesReceived,
    OpenInterestReceived,
)
from actors.market_data.state import FUNDING_KEPT, INTERVAL_MS, OPEN_INTEREST_KEPT
from signals.market import Asset
from signals.snapshot import Candles, FundingPoint, Interval, OpenInterestPoint

HISTORY_PERIOD: Final = "5m"

KlineRow = tuple[int, str, str, str, str, str, int, Any, Any, str | None, Any, Any]


class _Funding(msgspec.Struct, rename="camel"):
    funding_time: int
    funding_rate: str


class _Premium(msgspec.Struct, rename="camel"):
    next_funding_time: int


class _OpenInterest(msgspec.Struct, rename="camel"):
    open_interest: str
    time: int


class _OpenInterestRow(msgspec.Struct, rename="camel"):
    sum_open_interest: str
    timestamp: int


_klines = msgspec.json.Decoder(list[KlineRow])
_funding = msgspec.json.Decoder(list[_Funding])
_premium = msgspec.json.Decoder(_Premium)
_open_interest = msgspec.json.Decoder(_OpenInterest)
_open_interest_rows = msgspec.json.Decoder(list[_OpenInterestRow])


def symbol_of(asset: Asset) -> str:
    return f"{asset.upper()}USDT"


def parse_klines(body: bytes, interval: Interval, now_ms: int) -> Candles:
    """Read the closed candles of a klines body; raise `Malformed`."""
    rows = [row for row in _decode(_klines, body) if row[6] < now_ms]
    times = tuple(row[0] for row in rows)
    if any(later - earlier < INTERVAL_MS[interval] for earlier, later in pairwise(times)):
        raise Malformed(f"{interval} candles overlap or are out of order")
    candles = Candles(
        interval=interval,
        open_time_ms=times,
        open=tuple(_price(row[1]) for row in rows),
        high=tuple(_price(row[2]) for row in rows),
        low=tuple(_price(row[3]) for row in rows),
        close=tuple(_price(row[4]) for row in rows),
        volume=tuple(_quantity(row[5]) for row in rows),
        taker_buy=tuple(None if row[9] is None else _quantity(row[9]) for row in rows),
    )
    if any(high < low for high, low in zip(candles.high, candles.low, strict=True)):
        raise Malformed(f"a {interval} candle's high is below its low")
    return candles


def parse_funding(body: bytes) -> tuple[FundingPoint, ...]:
    return tuple(
        FundingPoint(time_ms=row.funding_time, rate=_number(row.funding_rate))
        for row in _decode(_funding, body)
    )


def parse_next_funding_ms(body: bytes) -> int | None:
    """Read when funding is due next; the service says 0 where there is none."""
    return _decode(_premium, body).next_funding_time or None


def parse_open_interest(body: bytes) -> tuple[OpenInterestPoint, ...]:
    row = _decode(_open_interest, body)
    return (OpenInterestPoint(time_ms=row.time, base_units=_quantity(row.open_interest)),)


def parse_open_interest_history(body: bytes) -> tuple[OpenInterestPoint, ...]:
    return tuple(
        OpenInterestPoint(time_ms=row.timestamp, base_units=_quantity(row.sum_open_interest))
        for row in _decode(_open_interest_rows, body)
    )


def _decode(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise Malformed(f"{error}; it begins {body[:80]!r}") from error


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise Malformed(f"{text!r} is not a number") from error
    if not math.isfinite(value):
        raise Malformed(f"{text!r} is not finite")
    return value


def _price(text: str) -> float:
    value = _number(text)
    if value <= 0:
        raise Malformed(f"price {text!r}")
    return value


def _quantity(text: str) -> float:
    value = _number(text)
    if value < 0:
        raise Malformed(f"quantity {text!r}")
    return value


# ---- fetching ---------------------------------------------------------------------------------


async def fetch_klines(
    client: httpx.AsyncClient, ask: FetchKlines, now_ms: int
) -> KlinesReceived | Unreachable:
    symbol = symbol_of(ask.asset)
    body = await fetch(
        client, f"/fapi/v1/klines?symbol={symbol}&interval={ask.interval}&limit={ask.limit}"
    )
    if not isinstance(body, bytes):
        return _unreachable(body)
    return KlinesReceived(asset=ask.asset, candles=parse_klines(body, ask.interval, now_ms))


async def fetch_funding(
    client: httpx.AsyncClient, ask: FetchFunding
) -> FundingReceived | Unreachable:
    symbol = symbol_of(ask.asset)
    rates = await fetch(client, f"/fapi/v1/fundingRate?symbol={symbol}&limit={FUNDING_KEPT}")
    if not isinstance(rates, bytes):
        return _unreachable(rates)
    premium = await fetch(client, f"/fapi/v1/premiumIndex?symbol={symbol}")
    if not isinstance(premium, bytes):
        return _unreachable(premium)
    return FundingReceived(
        asset=ask.asset,
        points=parse_funding(rates),
        next_funding_ms=parse_next_funding_ms(premium),
    )


async def fetch_open_interest(
    client: httpx.AsyncClient, ask: FetchOpenInterest
) -> OpenInterestReceived | Unreachable:
    """Read the present value, and before it the history if it is asked for."""
    symbol = symbol_of(ask.asset)
    points: tuple[OpenInterestPoint, ...] = ()
    if ask.history:
        rows = await fetch(
            client,
            f"/futures/data/openInterestHist?symbol={symbol}&period={HISTORY_PERIOD}"
            f"&limit={OPEN_INTEREST_KEPT}",
        )
        if not isinstance(rows, bytes):
            return _unreachable(rows)
        points = parse_open_interest_history(rows)
    body = await fetch(client, f"/fapi/v1/openInterest?symbol={symbol}")
    if not isinstance(body, bytes):
        return _unreachable(body)
    return OpenInterestReceived(asset=ask.asset, points=points + parse_open_interest(body))


def _unreachable(answer: Missing | Unreachable) -> Unreachable:
    return Unreachable(reason="HTTP 404") if isinstance(answer, Missing) else answer
