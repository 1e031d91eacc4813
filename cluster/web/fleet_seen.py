"""What the console knows of a fleet: the newest answers, and for whoever is silent the last. Pure.

A slot that stops answering keeps its row, with the time of its last answer. So does the gateway,
and so do the feeds.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.gateway.status import GatewayStatus, OpenOrder
from cluster.status.page import SILENT, STARTING, FeedView, GatewayView, SlotView, StatusReport

NOT_SAID: Final = frozenset({SILENT, STARTING})
"""States of a slot that did not tell anything of itself."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One round of answers, as the reader sends it."""

    wire_ms: int
    """When they were there."""
    report: StatusReport
    account: "Account | None" = None
    """None: the gateway did not answer."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Of the gateway's status: what the page of `status` leaves out."""

    trading_who: str
    heartbeat_age_ms: int | None
    cash_micro_usd: int | None
    listed_age_ms: int | None
    open_orders: tuple[OpenOrder, ...]


class SlotSeen(msgspec.Struct, frozen=True, kw_only=True):
    view: SlotView
    wire_ms: int
    """Of what stands in the view."""
    silent: str = ""
    """Its state since, where it says nothing now; empty: it answered the newest question."""


class FleetSeen(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known; times are UTC ms of this machine's clock."""

    slots: Mapping[str, SlotSeen] = {}
    gateway: GatewayView | None = None
    account: Account | None = None
    gateway_wire_ms: int | None = None
    feeds: tuple[FeedView, ...] = ()
    feeds_wire_ms: int | None = None
    newest: StatusReport | None = None
    """For what has no age of its own: labels, trouble, gate, mode."""
    read_wire_ms: int | None = None
    """Of the newest round; None: nobody answered since the console began."""
    problem: str = ""
    """Why there is no newer one; empty: the fleet answers."""


def learn(known: FleetSeen, seen: Seen) -> FleetSeen:
    """Put a round of answers over what was known."""
    report = seen.report
    gateway_answered = report.gateway.phase != SILENT
    return FleetSeen(
        slots={view.slot: _slot(known.slots.get(view.slot), view, seen) for view in report.slots},
        gateway=report.gateway if gateway_answered else known.gateway,
        account=seen.account if gateway_answered else known.account,
        gateway_wire_ms=seen.wire_ms if gateway_answered else known.gateway_wire_ms,
        feeds=report.feeds or known.feeds,
        feeds_wire_ms=seen.wire_ms if report.feeds else known.feeds_wire_ms,
        newest=report,
        read_wire_ms=seen.wire_ms,
    )


def lose(known: FleetSeen, problem: str) -> FleetSeen:
    """Keep what was known while nobody answers."""
    return replace(known, problem=problem)


def _slot(before: SlotSeen | None, view: SlotView, seen: Seen) -> SlotSeen:
    if view.state not in NOT_SAID:
        return SlotSeen(view=view, wire_ms=seen.wire_ms)
    if before is None or before.view.incarnation != view.incarnation:
        return SlotSeen(view=view, wire_ms=seen.wire_ms, silent=view.state)
    return replace(before, silent=view.state)


def account_of(status: GatewayStatus) -> Account:
    return Account(
        trading_who=status.trading_who,
        heartbeat_age_ms=status.heartbeat_age_ms,
        cash_micro_usd=status.cash_micro_usd,
        listed_age_ms=status.listed_age_ms,
        open_orders=status.open_orders,
    )
