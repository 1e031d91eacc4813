"""The Fleet page as its template shows it: tiles above, a row for each slot. Pure.

A number that is fresh came with the newest reading, whose age the page shows once; any other has
the time of its own. Ages grow in the browser, so a tile changes only when what it says does.
"""

from typing import Final

import msgspec

from cluster.status.alarm_groups import group_alarms
from cluster.status.fleet_page import ACTIVE
from cluster.status.page import SlotView
from cluster.terminal.plain_text import plain
from cluster.web.fleet_seen import FleetSeen, SlotSeen
from cluster.web.fleet_tiles import Surroundings, Tile, fleet_tiles, since_when
from cluster.web.views.texts import clock
from cluster.web.wording import shares, short_id, signed_usd
from signals.market import Slot, Window

REASON_LETTERS: Final = 300
ALARMS_SHOWN: Final = 8


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
        tiles=tuple(fleet_tiles(seen, around)),
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
        problem=plain("; ".join(filter(None, (seen.problem, around.problem))), 1_000),
        labels=() if newest is None else tuple(newest.labels.values()),
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
        since_ms=one.wire_ms if one.silent else since_when(one.wire_ms, now_ms),
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
    held = (f"Up {shares(up)}" if up else "", f"Down {shares(down)}" if down else "")
    return " ".join(filter(None, held)) or "flat"
