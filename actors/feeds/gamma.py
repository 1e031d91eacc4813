"""Find a window's market by its slug, then in the lists, and read what it says of itself.

Traps: lists come as JSON text inside JSON; `startDate` is about a day before the open; the price to
beat comes late or never; which ids count (`version`) is said per market. Whether it is the market
that a slot trades is judged by `actors.venue.polymarket.market_rule`.
"""

from decimal import Decimal

import httpx
import msgspec

from actors.feeds.http import UNREADABLE, Malformed, Missing, Unreachable, fetch
from actors.market_data.events import FetchMarket, MarketFound, MarketMissing
from actors.market_data.state import KnownMarket
from actors.venue.polymarket.market_lists import find_event, list_path
from actors.venue.polymarket.market_rule import (
    LOOK_BACK_S,
    EventRule,
    MarketRule,
    disagreements,
    fee_rate,
)
from signals.market import Asset, Outcome, Window
from signals.units import MicroShares, to_micro

TOLD_MAX = 3
"""Of the reasons why a market is another one: the first are enough to look it up."""


class OtherMarket(Malformed):
    """What is listed here is not the market that settles as the slot believes."""


class _Market(MarketRule, kw_only=True, rename="camel"):
    condition_id: str
    outcomes: str
    order_min_size: float
    order_price_min_tick_size: float
    version: str | None = None
    clob_token_ids: str | None = None
    position_ids: list[str] | None = None
    active: bool = True
    archived: bool = False
    enable_order_book: bool = True
    accepting_orders: bool = False
    closed: bool = False


class _Metadata(msgspec.Struct, rename="camel"):
    price_to_beat: float | None = None


class _Event(EventRule, kw_only=True, rename="camel"):
    markets: list[_Market]
    event_metadata: _Metadata | None = None


_event = msgspec.json.Decoder(_Event)


def parse_event(body: bytes, asset: Asset, window: Window, now_ms: int) -> KnownMarket:
    """Read an event body as the market of this window; raise `Malformed`, or `OtherMarket`."""
    try:
        event = _event.decode(body)
    except UNREADABLE as error:
        raise Malformed(f"{error}; it begins {body[:80]!r}") from error
    if len(event.markets) != 1:
        raise OtherMarket(f"{len(event.markets)} markets in one event")
    market = event.markets[0]
    wrong = disagreements(market, event, asset, window)
    if wrong:
        raise OtherMarket("; ".join(wrong[:TOLD_MAX]))
    price = None if event.event_metadata is None else event.event_metadata.price_to_beat
    return _known(market, asset, window, now_ms, price)


def _known(
    market: _Market, asset: Asset, window: Window, now_ms: int, price_to_beat: float | None
) -> KnownMarket:
    tokens = _tokens(market)
    return KnownMarket(
        asset=asset,
        window=window,
        condition_id=market.condition_id,
        up_token_id=tokens[Outcome.UP],
        down_token_id=tokens[Outcome.DOWN],
        accepting_orders=_is_open(market),
        fee_rate=fee_rate(market),
        min_order_shares=MicroShares(_micro(market.order_min_size)),
        tick_micro_usd=_micro(market.order_price_min_tick_size),
        twap_lookback_seconds=LOOK_BACK_S,
        price_to_beat=price_to_beat if price_to_beat and price_to_beat > 0 else None,
        version=market.version or "v1",
        checked_ms=now_ms,
    )


def _is_open(market: _Market) -> bool:
    over = market.closed or market.archived
    return market.accepting_orders and market.active and market.enable_order_book and not over


def _tokens(market: _Market) -> dict[Outcome, str]:
    """Pair outcomes with ids by place; the names are Up and Down, in any order."""
    ids = market.position_ids if market.version == "v2" else _texts(market.clob_token_ids)
    try:
        names = [Outcome(name) for name in _texts(market.outcomes)]
        tokens = dict(zip(names, ids or [], strict=True))
    except ValueError as error:
        raise OtherMarket(f"outcomes {market.outcomes}, ids {ids}") from error
    numbers = {token for token in tokens.values() if token.isascii() and token.isdecimal()}
    if len(numbers) != len(Outcome):
        raise OtherMarket(f"outcomes {market.outcomes}, ids {ids}")
    return tokens


def _texts(text: str | None) -> list[str]:
    try:
        return msgspec.json.decode(text or "[]", type=list[str])
    except UNREADABLE as error:
        raise OtherMarket(f"not a list of text inside text: {text!r}") from error


def _micro(value: float) -> int:
    try:
        return to_micro(Decimal(str(value)))
    except (ArithmeticError, ValueError) as error:
        raise Malformed(f"{value!r} is not a number") from error


async def fetch_market(
    client: httpx.AsyncClient, ask: FetchMarket, now_ms: int
) -> MarketFound | MarketMissing | Unreachable:
    body = await _by_slug_or_list(client, ask)
    match body:
        case None:
            return MarketMissing(slug=ask.slug)
        case Unreachable():
            return body
        case _:
            market = parse_event(body, ask.asset, ask.window, now_ms)
            return MarketFound(slug=ask.slug, market=market)


async def _by_slug_or_list(
    client: httpx.AsyncClient, ask: FetchMarket
) -> bytes | Unreachable | None:
    body = await fetch(client, f"/events/slug/{ask.slug}")
    if not isinstance(body, Missing):
        return body
    listed = await fetch(client, list_path(ask.window))
    return find_event(listed, ask.slug) if isinstance(listed, bytes) else None
