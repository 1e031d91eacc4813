"""Futures data shaped as Binance's REST. Its clock is market time, its stamps too."""

from typing import Final

import msgspec
from starlette.responses import Response

from cluster.sandbox.numbers import whole_number
from cluster.sandbox.server.binance_bodies import (
    INVALID_INTERVAL,
    INVALID_PARAMETER,
    INVALID_SYMBOL,
    ServiceError,
    asset_of,
    funding_body,
    kline_row,
    open_interest_body,
    open_interest_history_body,
    premium_body,
)
from cluster.sandbox.server.calls import Call, Entry
from cluster.sandbox.server.wire import answer

INTERVALS: Final = frozenset({"5m", "15m", "30m", "1h", "4h", "1d", "1w"})
PERIODS_MS: Final = {
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "2h": 7_200_000,
    "4h": 14_400_000,
    "6h": 21_600_000,
    "12h": 43_200_000,
    "1d": 86_400_000,
}
STAMP_MS_MAX: Final = 4 * 10**12
"""The year 2096: beyond it no series is generated."""
KLINES_MAX: Final = 1_500
FUNDING_MAX: Final = 1_000
HISTORY_MAX: Final = 500


class TimeBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    server_time: int


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """An error that the service wraps into HTTP 200."""

    status: str = "ERROR"
    type: str = "GENERAL"
    code: str = "99099990"
    errorData: str = "illegal params."  # noqa: N815 the service's field name
    data: None = None
    subData: None = None  # noqa: N815 the service's field name
    params: None = None


ENVELOPE: Final = Envelope()


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows a request wants."""

    start_ms: int | None
    end_ms: int | None
    limit: int


def _asset(call: Call) -> str | None:
    asset = asset_of(call.query.get("symbol", ""))
    return asset if asset in call.world.exchange.config.assets else None


def _span(call: Call, default: int, most: int) -> Span | None:
    """Read startTime, endTime and limit; None if one is not a number or the limit is too high."""
    texts = [call.query.get(name) for name in ("startTime", "endTime", "limit")]
    found = [None if text is None else whole_number(text, STAMP_MS_MAX) for text in texts]
    if any(text is not None and number is None for text, number in zip(texts, found, strict=True)):
        return None
    start_ms, end_ms, limit = found
    count = default if limit is None else limit
    if not 1 <= count <= most:
        return None
    return Span(start_ms=start_ms, end_ms=end_ms, limit=count)


def _too_many(call: Call, most: int) -> bool:
    limit = whole_number(call.query.get("limit", ""), STAMP_MS_MAX)
    return limit is not None and limit > most


def _refuse(error: ServiceError) -> Response:
    return answer(error, 400)


def klines(call: Call) -> Response:
    asset, span = _asset(call), _span(call, 500, KLINES_MAX)
    interval = call.query.get("interval", "")
    if asset is None:
        return _refuse(INVALID_SYMBOL)
    if interval not in INTERVALS:
        return _refuse(INVALID_INTERVAL)
    if span is None:
        return _refuse(INVALID_PARAMETER)
    rows = call.world.exchange.klines(
        asset,
        interval,
        call.now,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        limit=span.limit,
    )
    return answer([kline_row(row) for row in rows])


def funding(call: Call) -> Response:
    asset, span = _asset(call), _span(call, 100, FUNDING_MAX)
    if asset is None:
        return _refuse(INVALID_SYMBOL)
    if span is None and _too_many(call, FUNDING_MAX):
        return answer(ENVELOPE)
    if span is None:
        return _refuse(INVALID_PARAMETER)
    rows = call.world.exchange.funding(
        asset, call.now, start_ms=span.start_ms, end_ms=span.end_ms, limit=span.limit
    )
    return answer([funding_body(asset, row) for row in rows])


def premium(call: Call) -> Response:
    asset = _asset(call)
    if asset is None:
        return _refuse(INVALID_SYMBOL)
    return answer(premium_body(asset, call.world.exchange.premium(asset, call.now)))


def open_interest(call: Call) -> Response:
    asset = _asset(call)
    if asset is None:
        return _refuse(INVALID_SYMBOL)
    return answer(open_interest_body(asset, call.world.exchange.open_interest(asset, call.now)))


def open_interest_history(call: Call) -> Response:
    asset, span = _asset(call), _span(call, 30, HISTORY_MAX)
    period_ms = PERIODS_MS.get(call.query.get("period", ""))
    if asset is None:
        return _refuse(INVALID_SYMBOL)
    if span is None or period_ms is None:
        return _refuse(INVALID_PARAMETER)
    exchange = call.world.exchange
    rows = exchange.open_interest_history(
        asset,
        period_ms,
        call.now,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        limit=span.limit,
    )
    mark_price = exchange.premium(asset, call.now).mark_price
    return answer([open_interest_history_body(asset, row, mark_price) for row in rows])


def service_time(call: Call) -> Response:
    return answer(TimeBody(server_time=call.now.market_ms))


BINANCE_TABLE: Final = (
    Entry("GET", "/fapi/v1/klines", klines),
    Entry("GET", "/fapi/v1/fundingRate", funding),
    Entry("GET", "/fapi/v1/premiumIndex", premium),
    Entry("GET", "/fapi/v1/openInterest", open_interest),
    Entry("GET", "/fapi/v1/time", service_time),
    Entry("GET", "/futures/data/openInterestHist", open_interest_history),
)
