"""The slot machine, one rule a test: checkpoints, stop, and the two sides of a handoff."""

from actors.messages import (
    Standby,
)
from actors.rollout.handoff_messages import Quiesce, Resume
from actors.slot.events import (
    AdoptAsked,
    AppendEntries,
    AskSnapshot,
    CheckpointDurable,
    CheckpointFailed,
    ClaimAnswered,
    Leave,
    OutboxArrived,
    PollOutbox,
    QuiesceAsked,
    Recover,
    ReportQuiesced,
    ReportRefused,
    ReportResumed,
    ReportStopped,
    ResumeAsked,
    RetireAsked,
    SendClaim,
    SnapshotArrived,
    StopAsked,
    TakeCheckpoint,
    Ticked,
)
from actors.slot.seat import Phase
from actors.slot.state import SlotState
from tests.actors.slot.builders import (
    DUE_MS,
    OPEN_MS,
    Memory,
    granted,
    hold,
    trade,
)
from tests.actors.slot.stepped import Slot, none, only, page
from tests.signals.builders import make_snapshot

QUIESCE = Quiesce(handoff="h1", expected_fence=1, lease_ms=1_000)


def test_checkpoint_is_taken_only_of_durable_rows() -> None:
    slot = Slot().start()
    assert none(slot.decide(hold()), TakeCheckpoint)
    taken = only(slot.durable(), TakeCheckpoint)
    assert taken.state.journal_sequence == slot.seat.durable_sequence


def test_stop_writes_its_row_and_a_checkpoint_before_it_reports() -> None:
    slot = Slot().start()
    assert none(slot.apply(StopAsked, reason="end"), ReportStopped)
    only(slot.durable(), TakeCheckpoint)
    sequence = slot.seat.state.journal_sequence
    effects = slot.apply(CheckpointDurable, sequence=sequence, outbox_sequence=0, digest="x")
    only(effects, ReportStopped)
    assert none(slot.at(DUE_MS).apply(Ticked), AskSnapshot)


def test_a_stop_whose_checkpoint_failed_before_its_row_was_durable_ends_with_the_row() -> None:
    slot = Slot().start()
    slot.decide(hold())
    only(slot.durable(), TakeCheckpoint)
    slot.apply(StopAsked, reason="end")
    assert none(slot.apply(CheckpointFailed, reason="the disk is full"), ReportStopped)
    only(slot.durable(), ReportStopped)
    assert slot.seat.phase is Phase.STOPPED


def test_quiesce_waits_for_the_decision_at_work_and_for_its_row() -> None:
    slot = Slot().start()
    slot.at(DUE_MS).apply(Ticked)
    assert none(slot.apply(QuiesceAsked, ask=QUIESCE), ReportQuiesced)
    snapshot = make_snapshot(due_ms=DUE_MS)
    slot.apply(SnapshotArrived, due_ms=DUE_MS, digest="d", snapshot=snapshot)
    slot.answer(trade())
    effects = slot.durable()
    quiesced = only(effects, ReportQuiesced)
    assert quiesced.state.journal_sequence == slot.seat.durable_sequence
    assert len(quiesced.state.intents) == 1, "the unanswered intent travels"
    assert none(slot.at(DUE_MS + 100).apply(OutboxArrived, page=page(1)), AppendEntries)


def test_quiesce_of_another_fence_is_refused() -> None:
    slot = Slot().start(fence=2)
    assert "other_fence" in only(slot.apply(QuiesceAsked, ask=QUIESCE), ReportRefused).reason


def quiesced() -> Slot:
    slot = Slot().start()
    slot.apply(QuiesceAsked, ask=QUIESCE)
    slot.durable()
    assert slot.seat.phase is Phase.QUIESCED
    return slot


def test_end_of_the_lease_is_a_claim_of_the_next_fence() -> None:
    slot = quiesced()
    assert none(slot.apply(Ticked), SendClaim)
    assert only(slot.at(OPEN_MS + 1_000).apply(Ticked), SendClaim).resume_of_fence == 1
    effects = slot.apply(ClaimAnswered, answer=granted(slot.seat, 2))
    only(effects, ReportResumed)
    assert (slot.seat.phase, slot.seat.fence) == (Phase.ACTIVE, 2)


def test_former_owner_stays_quiesced_and_hears_from_the_gateway_that_it_is_back() -> None:
    slot = quiesced()
    only(slot.apply(ResumeAsked, ask=Resume(handoff="h1")), SendClaim)
    refused = only(slot.apply(ClaimAnswered, answer=Standby(owner=None)), ReportRefused)
    assert refused.reason.startswith("fenced_out")
    assert slot.seat.phase is Phase.QUIESCED
    assert none(slot.apply(Ticked), SendClaim), "it asks again after a pause"
    effects = slot.at(DUE_MS).apply(Ticked)
    assert none(effects, AskSnapshot)
    only(effects, SendClaim)
    slot.apply(ClaimAnswered, answer=granted(slot.seat, 3, handoff="h1-back"))
    assert (slot.seat.phase, slot.seat.fence) == (Phase.ACTIVE, 3)


def test_lease_over_before_the_quiesce_was_acknowledged_goes_on_under_the_same_fence() -> None:
    slot = Slot().start()
    slot.apply(QuiesceAsked, ask=QUIESCE)
    effects = slot.at(OPEN_MS + 1_000).apply(Ticked)
    only(effects, ReportRefused)
    assert (slot.seat.phase, slot.seat.fence) == (Phase.ACTIVE, 1)


def test_successor_adopts_exactly_the_records_sequence() -> None:
    slot = Slot()
    slot.apply(Ticked)
    slot.apply(ClaimAnswered, answer=Standby(owner=None))
    state = SlotState(slot="btc-5m", journal_sequence=9, outbox_sequence=3)
    record = granted(slot.seat, 4, journal_sequence=8).record
    fields = {"handoff": "h", "state": state, "memory": Memory(calls=3)}
    assert not none(slot.apply(AdoptAsked, record=record, **fields), ReportRefused)
    record = granted(slot.seat, 4, journal_sequence=9).record
    effects = slot.apply(AdoptAsked, record=record, **fields)
    assert only(effects, PollOutbox).after_sequence == 3
    assert (slot.seat.fence, slot.seat.memory) == (4, Memory(calls=3))


def test_a_later_life_does_not_adopt_from_the_record_of_the_life_before_it() -> None:
    slot = Slot()
    slot.apply(Ticked)
    slot.apply(ClaimAnswered, answer=Standby(owner=None))
    record = granted(slot.seat, 4, life="the process before").record
    effects = slot.apply(
        AdoptAsked, handoff="h", record=record, state=slot.seat.state, memory=Memory()
    )
    assert only(effects, ReportRefused).reason.startswith("not_adoptable")
    assert slot.seat.phase is Phase.STANDBY


def test_a_standby_that_is_fenced_in_reads_the_state_whose_hash_the_record_names() -> None:
    slot = Slot()
    slot.apply(Ticked)
    slot.apply(ClaimAnswered, answer=Standby(owner=None))
    slot.apply(Ticked)
    grant = granted(slot.seat, 4, handoff="h", logical_hash="ab")
    assert only(slot.apply(ClaimAnswered, answer=grant), Recover).record == grant.record
    assert slot.seat.phase is Phase.RECOVERING


def test_retire_is_obeyed_in_every_phase() -> None:
    for slot in (Slot(), Slot().start(), quiesced()):
        only(slot.apply(RetireAsked, reason="confirmed"), Leave)
