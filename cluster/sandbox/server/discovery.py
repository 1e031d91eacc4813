"""Gamma's discovery by slug."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from starlette.responses import Response

from cluster.sandbox.faults import FaultKind
from cluster.sandbox.model import Market
from cluster.sandbox.server.calls import Call, Entry
from cluster.sandbox.server.gamma_bodies import gamma_event, gamma_market
from cluster.sandbox.server.wire import answer

PAGE_MAX: Final = 100
"""Larger pages are cut silently, as at the venue."""


class NotFound(msgspec.Struct, frozen=True, kw_only=True):
    """Gamma's own shape of an error."""

    type: str = "not found error"
    error: str = "slug not found"


class RegionBody(msgspec.Struct, frozen=True, kw_only=True):
    blocked: bool
    ip: str = "127.0.0.1"
    country: str = "ZZ"
    region: str = ""


def _by_slug(call: Call, slug: str) -> Market | None:
    return call.world.as_shown(call.world.exchange.market_by_slug(slug, call.now), call.now)


def event_by_slug(call: Call) -> Response:
    market = _by_slug(call, call.path["slug"])
    return answer(NotFound(), 404) if market is None else answer(gamma_event(market))


def market_by_slug(call: Call) -> Response:
    market = _by_slug(call, call.path["slug"])
    return answer(NotFound(), 404) if market is None else answer(gamma_market(market))


def events(call: Call) -> Response:
    """Answer `?slug=`, or what ends between `end_date_min` and `end_date_max`, with a list.

    Closed markets are shown only with `closed=true`, as there.
    """
    if "slug" not in call.query and "end_date_min" in call.query:
        return answer([gamma_event(market) for market in _ending(call)][:PAGE_MAX])
    market = _by_slug(call, call.query.get("slug", ""))
    shown = market is not None and _wanted(call, market)
    return answer([gamma_event(market)] if market is not None and shown else [])


def markets(call: Call) -> Response:
    """Answer `?slug=` or `?condition_ids=` with a list, closed ones only with `closed=true`."""
    condition_id = call.query.get("condition_ids", "")
    if condition_id:
        found = call.world.exchange.market(condition_id, call.now)
        market = call.world.as_shown(found, call.now)
    else:
        market = _by_slug(call, call.query.get("slug", ""))
    if market is None or not _wanted(call, market):
        return answer([])
    return answer([gamma_market(market)])


def _ending(call: Call) -> list[Market]:
    """Return the listed markets that end between the two dates, both included."""
    first, last = (_date_ms(call.query.get(f"end_date_{end}", "")) for end in ("min", "max"))
    if first is None or last is None:
        return []
    rows = (call.world.as_shown(m, call.now) for m in call.world.exchange.markets_listed(call.now))
    return [
        market
        for market in rows
        if market is not None and _wanted(call, market) and first <= market.close_market_ms <= last
    ]


def _date_ms(text: str) -> int | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(found.timestamp()) * 1_000


def _wanted(call: Call, market: Market) -> bool:
    return market.closed is (call.query.get("closed", "false") == "true")


def region(call: Call) -> Response:
    """Say whether orders from here are taken, in the shape of the venue's page."""
    return answer(RegionBody(blocked=call.world.faults.has(FaultKind.REGION_BLOCKED)))


GAMMA_TABLE: Final = (
    Entry("GET", "/events/slug/{slug}", event_by_slug),
    Entry("GET", "/markets/slug/{slug}", market_by_slug),
    Entry("GET", "/events", events),
    Entry("GET", "/markets", markets),
)
REGION_TABLE: Final = (Entry("GET", "/geoblock", region),)
