"""Bodies of the discovery service (Gamma): camelCase, some lists as JSON text inside the JSON."""

from typing import Final

import msgspec

from cluster.sandbox.model import Market, Outcome
from cluster.sandbox.server.gamma_extras import GammaExtras
from cluster.sandbox.server.market_bodies import BASE_FEE_BPS
from cluster.sandbox.server.wire import decimal_number, iso_text, to_json

DATE_CHARS: Final = 10
NAMES: Final = {
    "btc": "Bitcoin",
    "eth": "Ethereum",
    "sol": "Solana",
    "xrp": "XRP",
    "doge": "Dogecoin",
    "bnb": "BNB",
    "hype": "Hyperliquid",
    "zec": "Zcash",
}


class FeeSchedule(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    rate: float
    exponent: int
    taker_only: bool
    rebate_rate: float


class CryptoMarketConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a market says how it settles: the look-back of its closing average."""

    id: str
    asset: str
    duration: str
    twap_enabled: bool
    twap_lookback_seconds: int


class GammaMarket(GammaExtras, frozen=True, kw_only=True, rename="camel"):
    """One market. All dates are market time."""

    id: str
    slug: str
    version: str
    question: str
    description: str
    condition_id: str
    question_id: str = msgspec.field(name="questionID")
    outcomes: str
    """JSON text."""
    outcome_prices: str
    """JSON text."""
    clob_token_ids: str
    """JSON text."""
    active: bool
    closed: bool
    archived: bool
    accepting_orders: bool
    accepting_orders_timestamp: str
    enable_order_book: bool
    created_at: str
    start_date: str
    """When the row was made, about a day before the window: not the window's open."""
    event_start_time: str
    end_date: str
    closed_time: str | None
    order_price_min_tick_size: float
    order_min_size: float
    fees_enabled: bool
    fee_type: str
    fee_schedule: FeeSchedule
    maker_base_fee: int
    taker_base_fee: int
    neg_risk: bool
    seconds_delay: int
    resolution_source: str
    uma_resolution_status: str | None
    automatically_resolved: bool
    crypto_market_config_id: str
    crypto_market_config: CryptoMarketConfig


class EventMetadata(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`price_to_beat` comes some seconds after the open, and for some windows never."""

    price_to_beat: float | None = None
    final_price: float | None = None


class GammaEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    slug: str
    ticker: str
    title: str
    description: str
    active: bool
    closed: bool
    archived: bool
    start_date: str
    start_time: str
    end_date: str
    series_slug: str
    resolution_source: str
    event_metadata: EventMetadata | None
    markets: tuple[GammaMarket, ...]


def _name(market: Market) -> str:
    return NAMES.get(market.asset, market.asset.upper())


def _title(market: Market) -> str:
    opened = iso_text(market.open_market_ms)
    return f"{_name(market)} Up or Down - {opened} {market.timeframe}"


def _description(market: Market) -> str:
    look_back = market.twap_lookback_seconds
    return (
        f'Sandbox market on invented or replayed prices. Resolves to "Up" if the {look_back}-second'
        f" time-weighted average price of {_name(market)} at the end of the window is at or"
        ' above the one at its beginning, otherwise to "Down".'
    )


def _closed_text(time_ms: int) -> str:
    """Write the closing time in Gamma's other form: ``2026-07-24 00:05:18+00``."""
    return iso_text(time_ms // 1_000 * 1_000).replace("T", " ").replace("Z", "+00")


def _source(market: Market) -> str:
    look_back = market.twap_lookback_seconds
    return f"https://data.chain.link/streams/{market.asset}-usd-twap-{look_back}s-streams"


def gamma_market(market: Market) -> GammaMarket:
    outcomes = tuple(Outcome)
    config_id = f"{market.asset}-{market.timeframe}-twap-{market.twap_lookback_seconds}"
    resolved_ms = market.resolved_market_ms
    return GammaMarket(
        id=market.gamma_id,
        slug=market.slug,
        version="v1",
        question=_title(market),
        description=_description(market),
        condition_id=market.condition_id,
        question_id=market.question_id,
        outcomes=to_json([str(outcome) for outcome in outcomes]).decode(),
        outcome_prices=to_json([market.outcome_price(o) for o in outcomes]).decode(),
        clob_token_ids=to_json([market.token_id(o) for o in outcomes]).decode(),
        active=True,
        closed=market.closed,
        archived=False,
        accepting_orders=market.accepting_orders,
        accepting_orders_timestamp=iso_text(market.accepting_from_market_ms),
        enable_order_book=True,
        created_at=iso_text(market.created_market_ms),
        start_date=iso_text(market.created_market_ms),
        event_start_time=iso_text(market.open_market_ms),
        end_date=iso_text(market.close_market_ms),
        closed_time=None if resolved_ms is None else _closed_text(resolved_ms),
        uma_end_date=None if resolved_ms is None else iso_text(resolved_ms),
        start_date_iso=iso_text(market.created_market_ms)[:DATE_CHARS],
        end_date_iso=iso_text(market.close_market_ms)[:DATE_CHARS],
        updated_at=iso_text(resolved_ms or market.created_market_ms),
        order_price_min_tick_size=decimal_number(market.tick_micro_usd),
        order_min_size=decimal_number(market.min_order_shares),
        fees_enabled=True,
        fee_type="crypto_fees_v2",
        fee_schedule=FeeSchedule(
            rate=float(market.fee_rate),
            exponent=market.fee_exponent,
            taker_only=True,
            rebate_rate=float(market.rebate_rate),
        ),
        maker_base_fee=BASE_FEE_BPS,
        taker_base_fee=BASE_FEE_BPS,
        neg_risk=False,
        seconds_delay=0,
        resolution_source=_source(market),
        uma_resolution_status=(market.resolution_status if market.winner is None else "resolved"),
        automatically_resolved=market.winner is not None,
        crypto_market_config_id=config_id,
        crypto_market_config=CryptoMarketConfig(
            id=config_id,
            asset=market.asset,
            duration=market.timeframe,
            twap_enabled=True,
            twap_lookback_seconds=market.twap_lookback_seconds,
        ),
    )


def _metadata(market: Market) -> EventMetadata | None:
    if market.price_to_beat is None and market.final_price is None:
        return None
    return EventMetadata(
        price_to_beat=None if market.price_to_beat is None else float(market.price_to_beat),
        final_price=None if market.final_price is None else float(market.final_price),
    )


def gamma_event(market: Market) -> GammaEvent:
    return GammaEvent(
        id=f"{market.gamma_id}0",
        slug=market.slug,
        ticker=market.slug,
        title=_title(market),
        description=_description(market),
        active=True,
        closed=market.closed,
        archived=False,
        start_date=iso_text(market.created_market_ms),
        start_time=iso_text(market.open_market_ms),
        end_date=iso_text(market.close_market_ms),
        series_slug=f"{market.asset}-up-or-down-{market.timeframe}",
        resolution_source=_source(market),
        event_metadata=_metadata(market),
        markets=(gamma_market(market),),
    )
