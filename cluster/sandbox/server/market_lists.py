"""Lists of markets: the CLOB's pages, and Gamma's by keyset and series."""

import base64
import zlib
from typing import Final, TypeVar

import msgspec
from starlette.responses import Response

from cluster.sandbox.model import ASSETS, TIMEFRAMES, Market, Timeframe
from cluster.sandbox.numbers import whole_number
from cluster.sandbox.server.calls import Call, Entry
from cluster.sandbox.server.clob_account import page_of
from cluster.sandbox.server.gamma_bodies import GammaEvent, GammaMarket, gamma_event, gamma_market
from cluster.sandbox.server.market_bodies import MarketTokenBody, market_body
from cluster.sandbox.server.wire import answer, refuse

PAGE_MAX: Final = 100
"""Larger pages are cut silently, as at the venue."""
ROWS_MAX: Final = 10**9
KNOWN_SERIES: Final = {
    ("btc", Timeframe.M5): "10684",
    ("btc", Timeframe.M15): "10192",
    ("eth", Timeframe.M5): "10683",
    ("eth", Timeframe.M15): "10191",
}
"""The venue's own numbers; those of the other assets are the sandbox's."""
FIRST_OWN_SERIES: Final = 900_000
FIRST_OTHER_SERIES: Final = 1_000_000
"""Of assets and timeframes that are not listed by default."""

Shown = TypeVar("Shown")


class SimplifiedMarket(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str
    tokens: tuple[MarketTokenBody, ...]
    active: bool
    closed: bool
    archived: bool = False
    accepting_orders: bool


class EventPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    events: list[GammaEvent]
    next_cursor: str | None = None


class MarketPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    markets: list[GammaMarket]
    next_cursor: str | None = None


def series_id(market: Market) -> str:
    known = KNOWN_SERIES.get((market.asset, market.timeframe))
    if known is None and market.asset in ASSETS and market.timeframe in TIMEFRAMES:
        place = 2 * ASSETS.index(market.asset) + TIMEFRAMES.index(market.timeframe)
        known = str(FIRST_OWN_SERIES + place)
    named = f"{market.asset}-{market.timeframe}"
    return known or str(FIRST_OTHER_SERIES + zlib.crc32(named.encode()))


def _listed(call: Call) -> list[Market]:
    world = call.world
    markets = (world.as_shown(m, call.now) for m in world.exchange.markets_listed(call.now))
    return [market for market in markets if market is not None]


def clob_markets(call: Call) -> Response:
    return page_of(_listed(call), call.query.get("next_cursor", ""), market_body)


def simplified_markets(call: Call) -> Response:
    return page_of(_listed(call), call.query.get("next_cursor", ""), _simplified)


def _simplified(market: Market) -> SimplifiedMarket:
    body = market_body(market)
    return SimplifiedMarket(
        condition_id=body.condition_id,
        tokens=body.tokens,
        active=body.active,
        closed=body.closed,
        accepting_orders=body.accepting_orders,
    )


def _named(call: Call) -> list[Market]:
    """Return the markets of `condition_ids`, settled ones too."""
    world = call.world
    found = world.exchange.market(call.query["condition_ids"], call.now)
    shown = world.as_shown(found, call.now)
    return [] if shown is None else [shown]


class _Slice(msgspec.Struct, frozen=True, kw_only=True):
    markets: list[Market]
    next_cursor: str | None


def _slice(call: Call) -> _Slice | Response:
    """Choose one keyset page by `series_id`, `condition_ids`, `closed`, `limit`, `after_cursor`."""
    query = call.query
    limit = whole_number(query.get("limit", str(PAGE_MAX)), ROWS_MAX)
    start = _place(query.get("after_cursor", query.get("next_cursor", "")))
    if limit is None or start is None:
        return refuse(400, "invalid limit or cursor")
    rows = _chosen(call)
    end = start + max(1, min(limit, PAGE_MAX))
    more = base64.b64encode(str(end).encode()).decode() if end < len(rows) else None
    return _Slice(markets=rows[start:end], next_cursor=more)


def _chosen(call: Call) -> list[Market]:
    closed = call.query.get("closed", "false") == "true"
    series = call.query.get("series_id", "")
    among = _named(call) if "condition_ids" in call.query else _listed(call)
    return [m for m in among if m.closed is closed and series in ("", series_id(m))]


def _place(cursor: str) -> int | None:
    if not cursor:
        return 0
    try:
        text = base64.b64decode(cursor, validate=True).decode("ascii")
    except ValueError:
        return None
    return whole_number(text, ROWS_MAX)


def events_by_keyset(call: Call) -> Response:
    found = _slice(call)
    if isinstance(found, Response):
        return found
    events = [gamma_event(market) for market in found.markets]
    return answer(EventPage(events=events, next_cursor=found.next_cursor))


def markets_by_keyset(call: Call) -> Response:
    found = _slice(call)
    if isinstance(found, Response):
        return found
    markets = [gamma_market(market) for market in found.markets]
    return answer(MarketPage(markets=markets, next_cursor=found.next_cursor))


CLOB_LIST_TABLE: Final = (
    Entry("GET", "/markets", clob_markets),
    Entry("GET", "/simplified-markets", simplified_markets),
    Entry("GET", "/sampling-markets", clob_markets),
    Entry("GET", "/sampling-simplified-markets", simplified_markets),
)
GAMMA_LIST_TABLE: Final = (
    Entry("GET", "/events/keyset", events_by_keyset),
    Entry("GET", "/markets/keyset", markets_by_keyset),
)
