"""What a slot says about itself: the rows of `status`, and what the supervisor watches."""

import msgspec

from actors.slot.seat import Seat
from actors.slot.state import Counts, LastDecision, PositionRecord
from signals.market import Window
from signals.units import MicroUsd


class SlotStatus(msgspec.Struct, frozen=True, kw_only=True, tag="slot_status"):
    slot: str
    state: str
    """Phase of the slot machine, see docs/states.md."""
    incarnation: int
    fence: int
    life: str
    release: str
    commit: str
    params: str
    strategy: str
    window_open_ms: int
    position: tuple[PositionRecord, ...]
    """Markets not settled yet."""
    last_decision: LastDecision | None
    counts: Counts
    open_orders: int
    unanswered_intents: int
    oldest_intent_due_ms: int | None
    provisional_fills: int
    overdue_settlements: int
    """Markets whose expected resolution has passed."""
    realized_pnl_micro_usd: MicroUsd
    cash_micro_usd: MicroUsd
    regime: str | None
    journal_sequence: int
    durable_sequence: int
    outbox_sequence: int
    checkpoint_sequence: int
    decided_due_ms: int
    started_ms: int
    journal_failure: str | None
    outbox_gaps: int
    recovery_damage: tuple[str, ...]
    blocked_ms: int
    """Wire ms since which the strategy has not returned; 0 while it is not blocked."""
    market_ms: int
    wire_ms: int
    pid: int
    process_start: int
    node_id: str
    root: str = ""
    """Folder that the process says its code came from."""


class SlotNotRunning(msgspec.Struct, frozen=True, kw_only=True, tag="slot_not_running"):
    """The process is up and its loop is not: still reading, or kept from it."""

    slot: str
    reason: str


AnySlotStatus = SlotStatus | SlotNotRunning


def status_of(
    seat: Seat,
    market_ms: int,
    wire_ms: int,
    blocked_ms: int = 0,
    damage: tuple[str, ...] = (),
) -> SlotStatus:
    state, who = seat.state, seat.who
    unsettled = tuple(p for p in state.positions.values() if p.winner is None)
    return SlotStatus(
        slot=who.slot,
        state=str(seat.phase),
        incarnation=who.incarnation,
        fence=seat.fence,
        life=who.life,
        release=who.attestation.release,
        commit=who.attestation.commit,
        params=seat.params_id,
        strategy=seat.rules.strategy,
        window_open_ms=Window.at(market_ms, who.seat.timeframe).open_ms,
        position=unsettled,
        last_decision=state.last_decision,
        counts=state.counts,
        open_orders=state.open_orders,
        unanswered_intents=len(state.intents),
        oldest_intent_due_ms=min((i.due_ms for i in state.intents.values()), default=None),
        provisional_fills=len(state.fills),
        overdue_settlements=sum(p.expected_resolution_ms < market_ms for p in unsettled),
        realized_pnl_micro_usd=state.realized_pnl_micro_usd,
        cash_micro_usd=state.cash_micro_usd,
        regime=state.regime,
        journal_sequence=state.journal_sequence,
        durable_sequence=seat.durable_sequence,
        outbox_sequence=state.outbox_sequence,
        checkpoint_sequence=seat.checkpoint_sequence,
        decided_due_ms=state.decided_due_ms,
        started_ms=state.started_ms,
        journal_failure=seat.journal_failure,
        outbox_gaps=seat.outbox_gaps,
        recovery_damage=damage,
        blocked_ms=blocked_ms,
        market_ms=market_ms,
        wire_ms=wire_ms,
        pid=who.attestation.pid,
        process_start=who.attestation.process_start,
        node_id=who.attestation.node_id,
        root=who.attestation.root,
    )
