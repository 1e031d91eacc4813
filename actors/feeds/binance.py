"""Candles, funding and open interest from a Binance-shaped futures service.

The service answers some errors with HTTP 200 and an object where a list belongs: that is malformed,
never empty.
"""

import math
from collections.abc import Sequence
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
from actors.market_data.inputs import QUOTE_SHARE
from actors.market_data.state import FUNDING_KEPT, INTERVAL_MS, OPEN_INTEREST_KEPT
from signals.market import Asset
from signals.snapshot import Candles, FundingPoint, Interval, OpenInterestPoint

HISTORY_PERIOD: Final = "5m"

KlineRow = tuple[int, str, str, str, str, str, int, str | None, Any, str | None, Any, Any]


CLOSED_MS: Final = 3_000
"""Market ms after its close at which a candle counts as closed without a later row to prove it: a
clock of ours that is a little fast would take one that is still forming."""


class _Named(msgspec.Struct, rename="camel", kw_only=True):
    symbol: str | None = None
    """Whose row it is; it must be what was asked for."""


class _Funding(_Named, rename="camel", kw_only=True):
    funding_time: int
    funding_rate: str


class _Premium(_Named, rename="camel", kw_only=True):
    next_funding_time: int


class _OpenInterest(_Named, rename="camel", kw_only=True):
    open_interest: str
    time: int


class _OpenInterestRow(_Named, rename="camel", kw_only=True):
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
    read: list[KlineRow] = _decode(_klines, body)
    for row in read:
        _check_row(row, interval)
    times = tuple(row[0] for row in read)
    if any(later - earlier < INTERVAL_MS[interval] for earlier, later in pairwise(times)):
        raise Malformed(f"{interval} candles overlap or are out of order")
    rows = _closed(read, now_ms)
    times = times[: len(rows)]
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


def _check_row(row: KlineRow, interval: Interval) -> None:
    """A row says its own length, and its volume twice: in base units and in quote units."""
    if row[6] - row[0] + 1 != INTERVAL_MS[interval]:
        raise Malformed(f"a candle of {row[6] - row[0] + 1} ms among those of {interval}")
    volume, quote = _quantity(row[5]), None if row[7] is None else _quantity(row[7])
    if quote is None or not volume:
        return
    low, high = volume * _price(row[3]), volume * _price(row[2])
    if not low * (1 - QUOTE_SHARE) <= quote <= high * (1 + QUOTE_SHARE):
        raise Malformed(f"volume {row[5]} and quote volume {row[7]} name another price")


def _closed(rows: list[KlineRow], now_ms: int) -> list[KlineRow]:
    """Leave out the candle that still forms: no row follows it, and its end is not long past."""
    forming = bool(rows) and now_ms - rows[-1][6] <= CLOSED_MS
    ended = [row for row in rows if row[6] < now_ms]
    return ended[:-1] if forming and len(ended) == len(rows) else ended


def parse_funding(body: bytes, symbol: str | None = None) -> tuple[FundingPoint, ...]:
    """Read settled rates; of `symbol`, where it is given and the rows say whose they are."""
    rows = _decode(_funding, body)
    _check_symbols(rows, symbol)
    return tuple(
        FundingPoint(time_ms=row.funding_time, rate=_number(row.funding_rate)) for row in rows
    )


def parse_next_funding_ms(body: bytes, symbol: str | None = None) -> int | None:
    """Read when funding is due next; the service says 0 where there is none."""
    row = _decode(_premium, body)
    _check_symbols([row], symbol)
    return row.next_funding_time or None


def parse_open_interest(body: bytes, symbol: str | None = None) -> tuple[OpenInterestPoint, ...]:
    row = _decode(_open_interest, body)
    _check_symbols([row], symbol)
    return (OpenInterestPoint(time_ms=row.time, base_units=_quantity(row.open_interest)),)


def parse_open_interest_history(
    body: bytes, symbol: str | None = None
) -> tuple[OpenInterestPoint, ...]:
    rows = _decode(_open_interest_rows, body)
    _check_symbols(rows, symbol)
    return tuple(
        OpenInterestPoint(time_ms=row.timestamp, base_units=_quantity(row.sum_open_interest))
        for row in rows
    )


def _check_symbols(rows: Sequence[_Named], symbol: str | None) -> None:
    for row in rows:
        if symbol is not None and row.symbol not in (None, symbol):
            raise Malformed(f"asked for {symbol}, this is {row.symbol}")


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
        points=parse_funding(rates, symbol),
        next_funding_ms=parse_next_funding_ms(premium, symbol),
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
        points = parse_open_interest_history(rows, symbol)
    body = await fetch(client, f"/fapi/v1/openInterest?symbol={symbol}")
    if not isinstance(body, bytes):
        return _unreachable(body)
    return OpenInterestReceived(asset=ask.asset, points=points + parse_open_interest(body, symbol))


def _unreachable(answer: Missing | Unreachable) -> Unreachable:
    return Unreachable(reason="HTTP 404") if isinstance(answer, Missing) else answer
