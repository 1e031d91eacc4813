"""The slot machine: `step(seat, event) -> (seat, effects)`, pure; its states in `slot.seat`.

Order of durability: a decision's row is on disk before its intents leave; an outbox event's row is
on disk before a checkpoint acknowledges it; a checkpoint holds nothing that the journal does not.
"""

from typing import Final, assert_never

from actors.messages import IntentFenced
from actors.slot.books import (
    apply_checkpoint,
    apply_intent_answer,
    apply_outbox,
    apply_row_failure,
    apply_rows,
)
from actors.slot.deciding import apply_snapshot, apply_strategy_answer, keep_time
from actors.slot.events import (
    AdoptAsked,
    AnyEvent,
    CheckpointDurable,
    CheckpointFailed,
    ClaimAnswered,
    ClaimFailed,
    DecidingEvent,
    GatewayEvent,
    HandoffEvent,
    IntentAnswered,
    LifeEvent,
    OperatorEvent,
    OutboxArrived,
    OutboxFailed,
    ParamsAsked,
    QuiesceAsked,
    Recovered,
    RecoveryFailed,
    ResumeAsked,
    RetireAsked,
    RowsDurable,
    RowsFailed,
    SendFailed,
    SnapshotArrived,
    SnapshotMissing,
    StopAsked,
    StorageEvent,
    StrategyAnswered,
    Ticked,
)
from actors.slot.owning import (
    apply_adopt,
    apply_claim,
    apply_params,
    apply_quiesce,
    apply_recovery,
    apply_resume,
    apply_retire,
    apply_stop,
    claim,
    keep_lease,
    leave,
    settle_quiesce,
    settle_stop,
)
from actors.slot.seat import PHASES, Phase, Seat, Step

OWNING: Final = (Phase.ACTIVE, Phase.QUIESCING, Phase.STOPPING)
"""Phases in which news of a higher fence means that another life has taken the slot."""


def step(seat: Seat, event: AnyEvent) -> Step:
    """Apply one event; never raises for an event that can happen.

    Raises `MoveRefusedError` for a change of phase that is not in the table.
    """
    before = seat.phase
    seat, effects = _apply(seat, event)
    seat, quiesced = settle_quiesce(seat)
    seat, stopped = settle_stop(seat)
    PHASES.move(before, seat.phase, event)
    return seat, (*effects, *quiesced, *stopped)


def _apply(seat: Seat, event: AnyEvent) -> Step:
    match event:
        case Ticked() | ClaimAnswered() | ClaimFailed() | Recovered() | RecoveryFailed():
            return _live(seat, event)
        case SnapshotArrived() | SnapshotMissing() | StrategyAnswered():
            return _decide(seat, event)
        case RowsDurable() | RowsFailed() | CheckpointDurable() | CheckpointFailed():
            return _store(seat, event)
        case IntentAnswered() | SendFailed() | OutboxArrived() | OutboxFailed():
            return _trade(seat, event)
        case StopAsked() | RetireAsked() | ParamsAsked():
            return _obey(seat, event)
        case QuiesceAsked() | AdoptAsked() | ResumeAsked():
            return _hand_over(seat, event)
        case _ as never:
            assert_never(never)


def _live(seat: Seat, event: LifeEvent) -> Step:
    match event:
        case Ticked():
            seat, leased = keep_lease(seat, event)
            seat, claims = claim(seat)
            seat, times = keep_time(seat, event)
            return seat, (*leased, *claims, *times)
        case ClaimAnswered() | ClaimFailed():
            return apply_claim(seat, event)
        case Recovered() | RecoveryFailed():
            return apply_recovery(seat, event)
        case _ as never:
            assert_never(never)


def _decide(seat: Seat, event: DecidingEvent) -> Step:
    match event:
        case SnapshotArrived() | SnapshotMissing():
            return apply_snapshot(seat, event)
        case StrategyAnswered():
            return apply_strategy_answer(seat, event)
        case _ as never:
            assert_never(never)


def _store(seat: Seat, event: StorageEvent) -> Step:
    match event:
        case RowsDurable():
            return apply_rows(seat, event)
        case RowsFailed():
            return apply_row_failure(seat, event)
        case CheckpointDurable() | CheckpointFailed():
            return apply_checkpoint(seat, event)
        case _ as never:
            assert_never(never)


def _trade(seat: Seat, event: GatewayEvent) -> Step:
    match event:
        case IntentAnswered(answer=IntentFenced(reason=reason)) if seat.phase in OWNING:
            return leave(seat, f"fenced: {reason}")
        case OutboxArrived(page=page) if page.fence > seat.fence and seat.phase in OWNING:
            return leave(seat, f"fenced: the owner has fence {page.fence}")
        case IntentAnswered() | SendFailed():
            return apply_intent_answer(seat, event)
        case OutboxArrived() | OutboxFailed():
            return apply_outbox(seat, event)
        case _ as never:
            assert_never(never)


def _obey(seat: Seat, event: OperatorEvent) -> Step:
    match event:
        case StopAsked():
            return apply_stop(seat, event)
        case RetireAsked():
            return apply_retire(seat, event)
        case ParamsAsked():
            return apply_params(seat, event)
        case _ as never:
            assert_never(never)


def _hand_over(seat: Seat, event: HandoffEvent) -> Step:
    match event:
        case QuiesceAsked():
            return apply_quiesce(seat, event)
        case AdoptAsked():
            return apply_adopt(seat, event)
        case ResumeAsked():
            return apply_resume(seat, event)
        case _ as never:
            assert_never(never)
