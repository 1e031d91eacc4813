"""The tiles above the slots: what holds of the whole fleet, each with its age. Pure."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec

from checkpoints.alarms import AlarmState
from checkpoints.severity import Severity
from cluster.status.fleet_page import ACTIVE, HEARTBEAT_LIMIT_MS, releases
from cluster.status.page import SERVING
from cluster.terminal.plain_text import plain
from cluster.web.fleet_seen import FleetSeen
from cluster.web.wording import age, gib, seconds, signed_usd, usd

STALE_MS: Final = 6_000
"""Wire: the fleet is asked every two seconds, and two rounds of questions take three at most."""
TEXT_LETTERS: Final = 300


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What the console reads by itself, whoever is silent."""

    now_ms: int
    alarms: tuple[AlarmState, ...] = ()
    halted: str | None = None
    """The reason in the HALT file; None: there is none."""
    disk_free_bytes: int | None = None
    speed: int = 1
    problem: str = ""
    """Why alarms or disk cannot be read."""


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    value: str
    note: str = ""
    mark: str = ""
    """`good`, `bad` or `warn`: the colour of what the words say already."""
    since_ms: int | None = None
    """Of a stale one: when its numbers came; None: it is fresh."""


def since_when(answered_ms: int | None, now_ms: int) -> int | None:
    """Return when an answer came where that is too long ago."""
    return answered_ms if answered_ms is not None and now_ms - answered_ms > STALE_MS else None


def fleet_tiles(seen: FleetSeen, around: Surroundings) -> Iterator[Tile]:
    yield _trading(seen, around)
    since = since_when(seen.gateway_wire_ms, around.now_ms)
    gateway, account = seen.gateway, seen.account
    cash = None if account is None else account.cash_micro_usd
    at_stake = None if gateway is None else gateway.fleet_exposure_micro_usd
    yield Tile(
        id="equity",
        name="Equity",
        value=f"{usd(cash)} cash",
        note=f"{usd(at_stake)} at stake: holdings at cost and open buys",
        since_ms=since,
    )
    day = None if gateway is None else gateway.day_realized_micro_usd
    yield Tile(
        id="pnl",
        name="P&L today",
        value="unknown" if day is None else f"{signed_usd(day)} USD",
        note="realized, this market day",
        mark="" if not day else "bad" if day < 0 else "good",
        since_ms=since,
    )
    yield _heartbeat(seen, since)
    yield _feeds(seen, around.now_ms)
    yield _regime(seen, around.now_ms)
    yield _alarms(around)
    yield _disk(around)
    yield _release(seen, around.now_ms)


def _trading(seen: FleetSeen, around: Surroundings) -> Tile:
    gateway, account = seen.gateway, seen.account
    since = since_when(seen.gateway_wire_ms, around.now_ms)
    if around.halted is not None:
        return Tile(
            id="trading",
            name="Trading",
            value="HALTED",
            note=plain(f"the HALT file stands: {around.halted}", TEXT_LETTERS),
            mark="bad",
        )
    if gateway is None or gateway.trading_state is None:
        said = "no gateway has answered" if gateway is None else f"gateway: {gateway.phase}"
        return Tile(id="trading", name="Trading", value="unknown", note=plain(said), mark="bad")
    if gateway.phase != SERVING:
        said = f"gateway: {gateway.phase}; nothing is sent meanwhile"
        return Tile(
            id="trading",
            name="Trading",
            value="waits",
            note=plain(said),
            mark="bad",
            since_ms=since,
        )
    state = gateway.trading_state
    who = f" ({account.trading_who})" if account is not None and account.trading_who else ""
    return Tile(
        id="trading",
        name="Trading",
        value=state.upper(),
        note=plain(f"{gateway.trading_reason or ''}{who}", TEXT_LETTERS),
        mark="good" if state == ACTIVE else "bad",
        since_ms=since,
    )


def _heartbeat(seen: FleetSeen, since: int | None) -> Tile:
    gap = None if seen.gateway is None else seen.gateway.heartbeat_gap_ms_max
    beat = None if seen.account is None else seen.account.heartbeat_age_ms
    late = beat is not None and beat > STALE_MS
    now = "no heartbeat is known" if beat is None else "LATE now" if late else "on time now"
    return Tile(
        id="heartbeat",
        name="Heartbeat gap",
        value="unknown" if gap is None else f"{seconds(gap)} at most",
        note=f"{now}; the venue cancels all orders after {HEARTBEAT_LIMIT_MS // 1_000} s",
        mark="bad" if late or (gap or 0) > STALE_MS else "",
        since_ms=since,
    )


def _feeds(seen: FleetSeen, now_ms: int) -> Tile:
    if not seen.feeds:
        return Tile(id="feeds", name="Feeds", value="unknown", note="no market data has answered")
    ages = ", ".join(
        f"{feed.feed} {age(feed.age_ms)} of {age(feed.limit_ms)}" for feed in seen.feeds
    )
    stale = [f"{feed.feed} ({feed.worst})" for feed in seen.feeds if not feed.fresh]
    return Tile(
        id="feeds",
        name="Feeds",
        value=f"STALE: {', '.join(stale)}" if stale else f"all {len(seen.feeds)} fresh",
        note=plain(ages, TEXT_LETTERS),
        mark="bad" if stale else "good",
        since_ms=since_when(seen.feeds_wire_ms, now_ms),
    )


def _regime(seen: FleetSeen, now_ms: int) -> Tile:
    counts = Counter(one.view.regime for one in seen.slots.values() if one.view.regime)
    regimes = [f"{count} {name}" for name, count in counts.most_common()]
    return Tile(
        id="regime",
        name="Regime",
        value=plain(", ".join(regimes)) or "none yet",
        note="of the slots' last decisions",
        since_ms=since_when(seen.read_wire_ms, now_ms),
    )


def _alarms(around: Surroundings) -> Tile:
    counts = Counter(state.alarm.severity for state in around.alarms)
    latched = [f"{counts[one]} {one}" for one in Severity if counts[one]]
    worst = counts[Severity.CRITICAL] + counts[Severity.WARNING]
    unread = "unknown" if around.problem else ""
    return Tile(
        id="alarms",
        name="Alarms",
        value=", ".join(filter(None, (*latched, unread))) or "none",
        note="latched until a person clears them",
        mark="bad" if worst or unread else "warn" if latched else "good",
    )


def _disk(around: Surroundings) -> Tile:
    free = around.disk_free_bytes
    value = "unknown" if free is None else f"{gib(free)} free"
    return Tile(id="disk", name="Disk", value=value, note="of the fleet's state folder")


def _release(seen: FleetSeen, now_ms: int) -> Tile:
    newest = seen.newest
    shown = "unknown" if newest is None else releases(newest)
    return Tile(
        id="releases",
        name="Releases",
        value=shown,
        note="" if newest is None else plain(newest.gate),
        mark="warn" if shown.startswith("MIXED") else "",
        since_ms=since_when(seen.read_wire_ms, now_ms),
    )
