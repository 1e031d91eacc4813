"""Find a window's market by its slug, and read what it says of itself.

Traps: lists come as JSON text inside JSON; `startDate` is about a day before the open; the price to
beat comes late or never; which ids count (`version`) is said per market; so is the look-back of the
average that settles it.
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import Final

import httpx
import msgspec

from actors.feeds.http import Malformed, Missing, Unreachable, fetch
from actors.market_data.events import FetchMarket, MarketFound, MarketMissing
from actors.market_data.state import KnownMarket
from signals.market import Asset, Outcome, Window
from signals.units import MICRO, MicroShares

LOOK_BACK_TEXTS: Final = (re.compile(r"twap-(\d+)s"), re.compile(r"(\d+)[- ]second"))
"""In the resolution source's address, or in the description."""
MS_PER_S: Final = 1_000


class _FeeSchedule(msgspec.Struct):
    rate: float = 0.0


class _Config(msgspec.Struct, rename="camel"):
    twap_lookback_seconds: int | None = None


class _Market(msgspec.Struct, rename="camel"):
    condition_id: str
    outcomes: str
    order_min_size: float
    order_price_min_tick_size: float
    version: str | None = None
    clob_token_ids: str | None = None
    position_ids: list[str] | None = None
    accepting_orders: bool = False
    closed: bool = False
    fees_enabled: bool = False
    fee_schedule: _FeeSchedule | None = None
    event_start_time: str | None = None
    resolution_source: str | None = None
    description: str | None = None
    crypto_market_config: _Config | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    price_to_beat: float | None = None


class _Event(msgspec.Struct, rename="camel"):
    markets: list[_Market]
    event_metadata: _Metadata | None = None


_event = msgspec.json.Decoder(_Event)


def parse_event(body: bytes, asset: Asset, window: Window, now_ms: int) -> KnownMarket:
    """Read an event body as the market of this window; raise `Malformed`."""
    try:
        event = _event.decode(body)
    except msgspec.DecodeError as error:
        raise Malformed(f"{error}; it begins {body[:80]!r}") from error
    if len(event.markets) != 1:
        raise Malformed(f"{len(event.markets)} markets in one event")
    price = None if event.event_metadata is None else event.event_metadata.price_to_beat
    return parse_market(event.markets[0], asset, window, now_ms, price)


def parse_market(
    market: _Market, asset: Asset, window: Window, now_ms: int, price_to_beat: float | None
) -> KnownMarket:
    _check_open(market, window)
    tokens = _tokens(market)
    return KnownMarket(
        asset=asset,
        window=window,
        condition_id=market.condition_id,
        up_token_id=tokens[Outcome.UP],
        down_token_id=tokens[Outcome.DOWN],
        accepting_orders=market.accepting_orders and not market.closed,
        fee_rate=_fee_rate(market),
        min_order_shares=MicroShares(_micro(market.order_min_size)),
        tick_micro_usd=_micro(market.order_price_min_tick_size),
        twap_lookback_seconds=_look_back(market),
        price_to_beat=price_to_beat if price_to_beat and price_to_beat > 0 else None,
        version=market.version or "v1",
        checked_ms=now_ms,
    )


def _check_open(market: _Market, window: Window) -> None:
    if market.event_start_time is None:
        return
    try:
        opened = datetime.fromisoformat(market.event_start_time)
    except ValueError as error:
        raise Malformed(f"eventStartTime {market.event_start_time!r}") from error
    if int(opened.timestamp()) * MS_PER_S != window.open_ms:
        raise Malformed(f"the market opens {market.event_start_time}, not with its slug's window")


def _tokens(market: _Market) -> dict[Outcome, str]:
    """Pair outcomes with ids by place; the names are Up and Down, in any order."""
    ids = market.position_ids if market.version == "v2" else _texts(market.clob_token_ids)
    try:
        names = [Outcome(name) for name in _texts(market.outcomes)]
        tokens = dict(zip(names, ids or [], strict=True))
    except ValueError as error:
        raise Malformed(f"outcomes {market.outcomes}, ids {ids}") from error
    if set(tokens) != set(Outcome) or not all(token.isdecimal() for token in tokens.values()):
        raise Malformed(f"outcomes {market.outcomes}, ids {ids}")
    return tokens


def _texts(text: str | None) -> list[str]:
    try:
        return msgspec.json.decode(text or "[]", type=list[str])
    except msgspec.DecodeError as error:
        raise Malformed(f"not a list of text inside text: {text!r}") from error


def _fee_rate(market: _Market) -> str:
    if not market.fees_enabled or market.fee_schedule is None:
        return "0"
    return str(market.fee_schedule.rate)


def _look_back(market: _Market) -> int:
    config = market.crypto_market_config
    if config is not None and config.twap_lookback_seconds:
        return config.twap_lookback_seconds
    for text in (market.resolution_source, market.description):
        for pattern in LOOK_BACK_TEXTS:
            found = pattern.search(text or "")
            if found:
                return int(found[1])
    raise Malformed("the market does not say over how many seconds it averages")


def _micro(value: float) -> int:
    return int(Decimal(str(value)) * MICRO)


async def fetch_market(
    client: httpx.AsyncClient, ask: FetchMarket, now_ms: int
) -> MarketFound | MarketMissing | Unreachable:
    body = await fetch(client, f"/events/slug/{ask.slug}")
    match body:
        case Missing():
            return MarketMissing(slug=ask.slug)
        case Unreachable():
            return body
        case _:
            market = parse_event(body, ask.asset, ask.window, now_ms)
            return MarketFound(slug=ask.slug, market=market)
