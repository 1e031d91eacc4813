"""The Fleet page as its template shows it: tiles above, a row for each slot. Pure.

A number that is fresh came with the newest reading, whose age the page shows once; any other has
the time of its own. Ages grow in the browser, so a tile changes only when what it says does.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from checkpoints.alarms import AlarmState
from checkpoints.severity import Severity
from cluster.status.alarm_groups import group_alarms
from cluster.status.fleet_page import ACTIVE, HEARTBEAT_LIMIT_MS, releases
from cluster.status.page import SERVING, SlotView
from cluster.terminal.plain_text import plain
from cluster.web.fleet_seen import FleetSeen, SlotSeen
from cluster.web.wording import age, clock, gib, seconds, shares, short_id, signed_usd, usd
from signals.market import Slot, Window

STALE_MS: Final = 6_000
"""Wire: the fleet is asked every two seconds, and two rounds of questions take three at most."""
REASON_LETTERS: Final = 300
ALARMS_SHOWN: Final = 8


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
    """Of a stale one: when it was last told; None: it is fresh."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    state: str
    mark: str
    release: str
    commit: str
    fence: str
    incarnation: str
    closes_ms: int | None
    """Market time: the page counts down to it."""
    decision: str
    reason: str
    due: str
    lateness: str
    position: str
    orders: str
    pnl: str
    missed: int
    regime: str
    since_ms: int | None = None
    silent: str = ""


class AlarmLine(msgspec.Struct, frozen=True, kw_only=True):
    severity: str
    kind: str
    about: str
    action: str
    since_ms: int
    count: int


class FleetView(msgspec.Struct, frozen=True, kw_only=True):
    tiles: tuple[Tile, ...]
    rows: tuple[Row, ...]
    alarms: tuple[AlarmLine, ...]
    more_alarms: int
    trouble: tuple[str, ...]
    read_wire_ms: int | None
    now_ms: int
    market_ms: int
    """At `read_wire_ms`; 0: not known."""
    speed: int
    problem: str
    labels: tuple[str, ...] = ()


def fleet_view(seen: FleetSeen, around: Surroundings) -> FleetView:
    """Put everything on one page."""
    newest = seen.newest
    groups = group_alarms(around.alarms)
    return FleetView(
        tiles=tuple(_tiles(seen, around)),
        rows=tuple(_row(one, around.now_ms) for one in seen.slots.values()),
        alarms=tuple(
            AlarmLine(
                severity=str(group.severity),
                kind=group.kind,
                about=plain(", ".join(group.subjects[:4])),
                action=plain(group.action),
                since_ms=group.alarms[0].alarm.raised_wire_ms,
                count=len(group.alarms),
            )
            for group in groups[:ALARMS_SHOWN]
        ),
        more_alarms=max(0, len(groups) - ALARMS_SHOWN),
        trouble=() if newest is None else tuple(plain(text) for text in newest.trouble),
        read_wire_ms=seen.read_wire_ms,
        now_ms=around.now_ms,
        market_ms=0 if newest is None else newest.market_ms,
        speed=around.speed,
        problem=plain(seen.problem or around.problem, 1_000),
        labels=() if newest is None else tuple(newest.labels.values()),
    )


def _since(told_ms: int | None, now_ms: int) -> int | None:
    """Return when it was told where that is too long ago."""
    return told_ms if told_ms is not None and now_ms - told_ms > STALE_MS else None


def _tiles(seen: FleetSeen, around: Surroundings) -> Iterator[Tile]:
    yield _trading(seen, around)
    since = _since(seen.gateway_wire_ms, around.now_ms)
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
    since = _since(seen.gateway_wire_ms, around.now_ms)
    if around.halted is not None:
        return Tile(
            id="trading",
            name="Trading",
            value="HALTED",
            note=plain(f"the HALT file stands: {around.halted}", REASON_LETTERS),
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
        note=plain(f"{gateway.trading_reason or ''}{who}", REASON_LETTERS),
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
        note=plain(ages, REASON_LETTERS),
        mark="bad" if stale else "good",
        since_ms=_since(seen.feeds_wire_ms, now_ms),
    )


def _regime(seen: FleetSeen, now_ms: int) -> Tile:
    counts = Counter(one.view.regime for one in seen.slots.values() if one.view.regime)
    told = [f"{count} {name}" for name, count in counts.most_common()]
    return Tile(
        id="regime",
        name="Regime",
        value=plain(", ".join(told)) or "none yet",
        note="of the slots' last decisions",
        since_ms=_since(seen.read_wire_ms, now_ms),
    )


def _alarms(around: Surroundings) -> Tile:
    counts = Counter(state.alarm.severity for state in around.alarms)
    told = [f"{counts[one]} {one}" for one in Severity if counts[one]]
    worst = counts[Severity.CRITICAL] + counts[Severity.WARNING]
    return Tile(
        id="alarms",
        name="Alarms",
        value=", ".join(told) or "none",
        note="latched until a person clears them",
        mark="bad" if worst else "warn" if told else "good",
    )


def _disk(around: Surroundings) -> Tile:
    free = around.disk_free_bytes
    value = "unknown" if free is None else f"{gib(free)} free"
    return Tile(id="disk", name="Disk", value=value, note="of the fleet's state folder")


def _release(seen: FleetSeen, now_ms: int) -> Tile:
    newest = seen.newest
    told = "unknown" if newest is None else releases(newest)
    return Tile(
        id="releases",
        name="Releases",
        value=told,
        note="" if newest is None else plain(newest.gate),
        mark="warn" if told.startswith("MIXED") else "",
        since_ms=_since(seen.read_wire_ms, now_ms),
    )


def _row(one: SlotSeen, now_ms: int) -> Row:
    view = one.view
    last = view.last_decision
    missed = view.counts.missed
    state = one.silent or view.state
    return Row(
        slot=view.slot,
        state=state,
        mark="bad" if one.silent or missed else "" if state == ACTIVE else "warn",
        release=short_id(view.release),
        commit=short_id(view.commit),
        fence=_text(view.fence),
        incarnation=_text(view.incarnation),
        closes_ms=_closes_ms(view),
        decision="" if last is None else plain(last.action),
        reason="" if last is None else plain(last.reason, REASON_LETTERS),
        due="" if last is None else clock(last.due_ms),
        lateness="" if last is None else f"{last.journaled_ms - last.due_ms} ms",
        position=_position(view),
        orders=_text(view.open_orders),
        pnl=signed_usd(view.realized_pnl_micro_usd),
        missed=missed,
        regime=view.regime or "",
        since_ms=one.wire_ms if one.silent else _since(one.wire_ms, now_ms),
        silent=one.silent,
    )


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _closes_ms(view: SlotView) -> int | None:
    if view.window_open_ms is None:
        return None
    return Window(view.window_open_ms, Slot.parse(view.slot).timeframe).close_ms


def _position(view: SlotView) -> str:
    up = sum(position.up_shares for position in view.position)
    down = sum(position.down_shares for position in view.position)
    told: Sequence[str] = [
        f"Up {shares(up)}" if up else "",
        f"Down {shares(down)}" if down else "",
    ]
    return " ".join(one for one in told if one) or "flat"
