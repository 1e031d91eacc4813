"""Rows that became durable, intents on their way, and the outbox: nothing lost, nothing twice."""

from msgspec.structs import replace

from actors.messages import Intent, IntentFenced, IntentReceived
from actors.slot.events import (
    CheckpointDurable,
    CheckpointFailed,
    Event,
    IntentAnswered,
    OutboxArrived,
    OutboxFailed,
    PollOutbox,
    RowsDurable,
    RowsFailed,
    SendFailed,
    SendIntent,
    TakeCheckpoint,
)
from actors.slot.facts import NoteFact, OrderFact
from actors.slot.seat import OUTBOX_GAPS_MAX, OUTBOX_RETRY_MS, RESEND_MS, Phase, Seat, Step, record

POLLING = (Phase.ACTIVE,)
SENDING = (Phase.ACTIVE, Phase.QUIESCING)


def poll(seat: Seat, delay_ms: int = 0) -> Step:
    if seat.polling or seat.phase not in POLLING:
        return seat, ()
    ask = PollOutbox(
        fence=seat.fence,
        after_sequence=seat.state.outbox_sequence,
        acknowledged_sequence=seat.checkpoint_outbox_sequence,
        delay_ms=delay_ms,
    )
    return replace(seat, polling=True), (ask,)


def apply_rows(seat: Seat, event: RowsDurable) -> Step:
    """Let go what waited for these rows: intents first, then a checkpoint."""
    durable = max(seat.durable_sequence, event.sequence)
    seat = replace(seat, durable_sequence=durable, journal_failure=None)
    seat, sends = send_durable(seat)
    seat, takes = take_checkpoint(seat, event)
    return seat, (*sends, *takes)


def send_durable(seat: Seat) -> Step:
    if seat.phase not in SENDING:
        return seat, ()
    ready = [intent for sequence, intent in seat.unsent if sequence <= seat.durable_sequence]
    if not ready:
        return seat, ()
    unsent = tuple(item for item in seat.unsent if item[0] > seat.durable_sequence)
    sending = (*seat.sending, *(intent.intent_id for intent in ready))
    seat = replace(seat, unsent=unsent, sending=sending)
    return seat, tuple(SendIntent(intent=under_fence(seat, intent)) for intent in ready)


def resend_known(seat: Seat) -> Step:
    """Send again what has no terminal answer; the gateway answers a known id with the first."""
    waiting = {intent.intent_id for _, intent in seat.unsent} | set(seat.sending)
    again = [intent for key, intent in seat.state.intents.items() if key not in waiting]
    unsent = (*seat.unsent, *((seat.state.journal_sequence, intent) for intent in again))
    return send_durable(replace(seat, unsent=unsent))


def under_fence(seat: Seat, intent: Intent) -> Intent:
    """Return the intent as sent by the present owner; its tags stay those of its decision."""
    return replace(intent, fence=seat.fence, incarnation=seat.who.incarnation)


def take_checkpoint(seat: Seat, event: Event) -> Step:
    """Ask for a checkpoint if one is wanted, none is under way and every row is durable."""
    if not seat.checkpoint_wanted or seat.checkpointing or not seat.all_durable:
        return seat, ()
    take = TakeCheckpoint(
        state=seat.state, memory=seat.memory, fence=seat.fence, market_ms=event.market_ms
    )
    return replace(seat, checkpointing=True, checkpoint_wanted=False), (take,)


def apply_checkpoint(seat: Seat, event: CheckpointDurable | CheckpointFailed) -> Step:
    seat = replace(seat, checkpointing=False)
    match event:
        case CheckpointDurable():
            seat = replace(
                seat,
                checkpoint_sequence=event.sequence,
                checkpoint_outbox_sequence=event.outbox_sequence,
            )
            return take_checkpoint(seat, event)
        case CheckpointFailed():
            again = seat.phase is not Phase.STOPPING  # the journal has all that it would have had
            return replace(seat, checkpoint_wanted=again), ()


def apply_row_failure(seat: Seat, event: RowsFailed) -> Step:
    return replace(seat, journal_failure=event.reason), ()


def apply_intent_answer(seat: Seat, event: IntentAnswered | SendFailed) -> Step:
    sending = tuple(key for key in seat.sending if key != event.intent_id)
    seat = replace(seat, sending=sending)
    match event:
        case IntentAnswered(answer=IntentReceived() | IntentFenced()):
            return seat, ()
        case SendFailed():
            intent = seat.state.intents.get(event.intent_id)
            if intent is None or seat.phase not in SENDING:
                return seat, ()
            again = SendIntent(intent=under_fence(seat, intent), delay_ms=RESEND_MS)
            return replace(seat, sending=(*sending, event.intent_id)), (again,)


def apply_outbox(seat: Seat, event: OutboxArrived | OutboxFailed) -> Step:
    seat = replace(seat, polling=False)
    if seat.phase not in POLLING:
        return seat, ()
    if isinstance(event, OutboxFailed):
        return poll(seat, OUTBOX_RETRY_MS)
    after = seat.state.outbox_sequence
    once = {e.sequence: e for e in event.page.events if e.sequence > after}
    fresh = [once[sequence] for sequence in sorted(once)]
    expected = range(after + 1, after + 1 + len(fresh))
    whole = 0
    for sequence, outbox_event in zip(expected, fresh, strict=True):
        if outbox_event.sequence != sequence:
            break
        whole += 1
    seat, rows = _apply(seat, event, [OrderFact(event=e) for e in fresh[:whole]])
    if whole < len(fresh):
        seat, gap = _refuse_gap(seat, event, fresh[whole].sequence)
        rows = (*rows, *gap)
        delay_ms = OUTBOX_RETRY_MS
    else:
        seat = replace(seat, outbox_gaps=0)
        delay_ms = 0
    seat, again = poll(seat, delay_ms)
    return seat, (*rows, *again)


def _apply(seat: Seat, event: OutboxArrived, facts: list[OrderFact]) -> Step:
    if not facts:
        return seat, ()
    return record(seat, event, *facts)


def _refuse_gap(seat: Seat, event: OutboxArrived, found: int) -> Step:
    gaps = seat.outbox_gaps + 1
    seat = replace(seat, outbox_gaps=gaps)
    if gaps != OUTBOX_GAPS_MAX:
        return seat, ()
    detail = f"expected {seat.state.outbox_sequence + 1}, got {found}, {gaps} times"
    return record(seat, event, NoteFact(code="outbox_gap", detail=detail))
