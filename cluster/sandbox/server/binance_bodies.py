"""Bodies of the futures-data service, shaped as Binance's `/fapi`. All stamps are market time."""

from typing import Final

import msgspec

from cluster.sandbox.model import FundingRate, Kline, OpenInterest, Premium

QUOTE: Final = "USDT"

KlineRow = tuple[int, str, str, str, str, str, int, str, int, str | None, str | None, str]


def symbol_of(asset: str) -> str:
    return asset.upper() + QUOTE


def asset_of(symbol: str) -> str:
    """Return the asset of ``BTCUSDT``; an unknown symbol gives a name no asset has."""
    return symbol.removesuffix(QUOTE).lower() if symbol.endswith(QUOTE) else ""


def number(value: float) -> str:
    """Write a price or quantity with eight decimals, as the service does."""
    return f"{value:.8f}"


def kline_row(kline: Kline) -> KlineRow:
    """Twelve columns; the taker-buy columns are null where the recording does not say.

    Binance itself never sends null there. A zero would be read as "all sellers", which is false.
    """
    middle = (kline.high + kline.low) / 2
    taker = kline.taker_buy
    return (
        kline.open_market_ms,
        number(kline.open),
        number(kline.high),
        number(kline.low),
        number(kline.close),
        number(kline.volume),
        kline.close_market_ms,
        number(kline.volume * middle),
        kline.trades,
        None if taker is None else number(taker),
        None if taker is None else number(taker * middle),
        "0",
    )


class FundingBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    symbol: str
    funding_time: int
    funding_rate: str
    mark_price: str


def funding_body(asset: str, rate: FundingRate) -> FundingBody:
    return FundingBody(
        symbol=symbol_of(asset),
        funding_time=rate.market_ms,
        funding_rate=number(rate.rate),
        mark_price="",
    )


class PremiumBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    symbol: str
    mark_price: str
    index_price: str
    estimated_settle_price: str
    last_funding_rate: str
    interest_rate: str
    next_funding_time: int
    time: int


def premium_body(asset: str, premium: Premium) -> PremiumBody:
    return PremiumBody(
        symbol=symbol_of(asset),
        mark_price=number(premium.mark_price),
        index_price=number(premium.index_price),
        estimated_settle_price=number(premium.index_price),
        last_funding_rate=number(premium.last_funding_rate),
        interest_rate="0.00010000",
        next_funding_time=premium.next_funding_market_ms,
        time=premium.market_ms,
    )


class OpenInterestBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    symbol: str
    open_interest: str
    time: int


def open_interest_body(asset: str, row: OpenInterest) -> OpenInterestBody:
    return OpenInterestBody(
        symbol=symbol_of(asset),
        open_interest=f"{row.base_units:.3f}",
        time=row.market_ms,
    )


class OpenInterestHistoryBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    symbol: str
    sum_open_interest: str
    sum_open_interest_value: str
    timestamp: int


def open_interest_history_body(
    asset: str, row: OpenInterest, mark_price: float
) -> OpenInterestHistoryBody:
    """`mark_price` is the present one: the value column is approximate for older rows."""
    return OpenInterestHistoryBody(
        symbol=symbol_of(asset),
        sum_open_interest=number(row.base_units),
        sum_open_interest_value=number(row.base_units * mark_price),
        timestamp=row.market_ms,
    )


class ServiceError(msgspec.Struct, frozen=True, kw_only=True):
    code: int
    msg: str


INVALID_SYMBOL: Final = ServiceError(code=-1121, msg="Invalid symbol.")
INVALID_INTERVAL: Final = ServiceError(code=-1120, msg="Invalid interval.")
INVALID_PARAMETER: Final = ServiceError(code=-1130, msg="A parameter was sent with invalid data.")
