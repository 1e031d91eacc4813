"""The slot machine, one rule a test; every phase change is in its table."""

from typing import Any

import msgspec

from actors.handoff import Quiesce, Resume
from actors.messages import (
    ClaimRefused,
    IntentFenced,
    OrderOpened,
    OutboxPage,
    Retired,
    Standby,
)
from actors.slot.events import (
    AdoptAsked,
    AnyEffect,
    AnyEvent,
    AppendEntries,
    AskSnapshot,
    CheckpointDurable,
    ClaimAnswered,
    IntentAnswered,
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
    RowsDurable,
    RunStrategy,
    SendClaim,
    SendIntent,
    SnapshotArrived,
    SnapshotMissing,
    StopAsked,
    StrategyAnswered,
    TakeCheckpoint,
    Ticked,
)
from actors.slot.facts import DecisionFact, MissedFact, NoteFact
from actors.slot.seat import TRANSITIONS, Phase, Seat
from actors.slot.state import SlotState
from actors.slot.step import step
from signals.decision import Decision
from signals.market import Outcome, Timeframe
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.slot.builders import (
    CYCLE_MS,
    DUE_MS,
    OPEN_MS,
    Memory,
    granted,
    hold,
    leg,
    seat,
    trade,
)
from tests.signals.builders import make_snapshot

ALLOWED = {(t.source, t.event, t.target) for t in TRANSITIONS}
QUIESCE = Quiesce(handoff="h1", expected_fence=1, lease_ms=1_000)


class Slot:
    """Steps a seat, remembers effects, and holds each phase change against the table."""

    def __init__(self, now_ms: int = OPEN_MS, **changes: Any) -> None:
        self.seat: Seat = seat(**changes)
        self.now_ms = now_ms
        self.effects: list[AnyEffect] = []

    def hear(self, kind: type[Any], **fields: Any) -> list[AnyEffect]:
        event: AnyEvent = kind(market_ms=self.now_ms, wire_ms=self.now_ms, **fields)
        before = self.seat.phase
        self.seat, effects = step(self.seat, event)
        if self.seat.phase is not before:
            assert (before, kind.__name__, self.seat.phase) in ALLOWED
        self.effects += effects
        return list(effects)

    def at(self, now_ms: int) -> "Slot":
        self.now_ms = now_ms
        return self

    def start(self, fence: int = 1) -> "Slot":
        self.hear(Ticked)
        self.hear(ClaimAnswered, answer=granted(self.seat, fence))
        self.durable()
        return self

    def durable(self) -> list[AnyEffect]:
        return self.hear(RowsDurable, sequence=self.seat.state.journal_sequence)

    def decide(self, decision: Decision, due_ms: int = DUE_MS) -> list[AnyEffect]:
        self.at(due_ms).hear(Ticked)
        self.hear(SnapshotArrived, due_ms=due_ms, digest="d", snapshot=make_snapshot(due_ms=due_ms))
        return self.answer(decision, due_ms)

    def answer(self, decision: Any, due_ms: int = DUE_MS, **changes: Any) -> list[AnyEffect]:
        fields = {
            "due_ms": due_ms,
            "decision": decision,
            "failed": False,
            "memory": Memory(calls=1),
            "memory_changes": (),
            "pre_state_hash": "pre",
            "memory_hash": "post",
        }
        return self.hear(StrategyAnswered, **{**fields, **changes})


def only(effects: list[AnyEffect], kind: type[Any]) -> Any:
    found = [effect for effect in effects if isinstance(effect, kind)]
    assert len(found) == 1, f"{len(found)} of {kind.__name__} in {effects}"
    return found[0]


def none(effects: list[AnyEffect], kind: type[Any]) -> bool:
    return not any(isinstance(effect, kind) for effect in effects)


def facts(effects: list[AnyEffect], kind: type[Any]) -> list[Any]:
    entries = [e for effect in effects if isinstance(effect, AppendEntries) for e in effect.entries]
    return [entry.fact for entry in entries if isinstance(entry.fact, kind)]


# ---- claims -----------------------------------------------------------------------------------


def test_slot_claims_before_anything_else() -> None:
    slot = Slot()
    claim = only(slot.hear(Ticked), SendClaim)
    assert (claim.journal_sequence, claim.resume_of_fence) == (0, None)
    assert none(slot.hear(Ticked), SendClaim), "one claim is under way at a time"


def test_standby_waits_and_asks_again_and_writes_nothing() -> None:
    slot = Slot(now_ms=DUE_MS)
    slot.hear(Ticked)
    effects = slot.hear(ClaimAnswered, answer=Standby(owner=None))
    assert only(effects, SendClaim).delay_ms > 0
    assert slot.seat.phase is Phase.STANDBY
    slot.at(DUE_MS + 5_000).hear(Ticked)
    assert none(slot.effects, AppendEntries)
    assert none(slot.effects, AskSnapshot)


def test_retired_leaves_for_good() -> None:
    slot = Slot()
    slot.hear(Ticked)
    only(slot.hear(ClaimAnswered, answer=Retired(owner=granted(slot.seat).record)), Leave)
    assert slot.seat.phase is Phase.RETIRED
    assert slot.hear(Ticked) == []


def test_refused_claim_is_made_again() -> None:
    slot = Slot()
    slot.hear(Ticked)
    again = slot.hear(ClaimAnswered, answer=ClaimRefused(reason="not attested"))
    assert only(again, SendClaim).delay_ms > 0


def test_grant_from_another_sequence_reads_the_state_again_first() -> None:
    slot = Slot()
    slot.hear(Ticked)
    effects = slot.hear(ClaimAnswered, answer=granted(slot.seat, journal_sequence=7))
    assert only(effects, Recover).record.journal_sequence == 7
    assert none(effects, AppendEntries)


def test_grant_of_another_life_is_no_grant() -> None:
    slot = Slot()
    slot.hear(Ticked)
    effects = slot.hear(ClaimAnswered, answer=granted(slot.seat, life="9-9"))
    only(effects, SendClaim)
    assert slot.seat.phase is Phase.CLAIMING


# ---- decisions --------------------------------------------------------------------------------


def test_due_point_leads_to_snapshot_strategy_row_and_only_then_the_intent() -> None:
    slot = Slot().start()
    assert only(slot.at(DUE_MS).hear(Ticked), AskSnapshot).due_ms == DUE_MS
    snapshot = make_snapshot(due_ms=DUE_MS)
    run = only(
        slot.hear(SnapshotArrived, due_ms=DUE_MS, digest="d", snapshot=snapshot), RunStrategy
    )
    assert run.position.allocation_micro_usd == 100_000_000
    effects = slot.answer(trade())
    assert none(effects, SendIntent), "the row is not durable yet"
    fact: DecisionFact = facts(effects, DecisionFact)[0]
    assert (fact.snapshot, fact.pre_state_hash, len(fact.intents)) == ("d", "pre", 1)
    sent = only(slot.durable(), SendIntent).intent
    assert sent.intent_id == f"btc-5m/{OPEN_MS}/{DUE_MS}/0"
    assert sent.fence == 1
    assert slot.seat.memory == Memory(calls=1)


def test_nothing_is_decided_before_the_slots_first_point() -> None:
    slot = Slot(now_ms=DUE_MS + 60_000).start()
    assert slot.seat.state.counts.missed == 0
    assert none(slot.effects, AskSnapshot)


def test_point_is_decided_once() -> None:
    slot = Slot().start()
    slot.decide(hold())
    assert none(slot.hear(Ticked), AskSnapshot)
    assert none(slot.answer(trade()), AppendEntries), "an answer nobody waits for"


def test_missing_snapshot_is_a_decision_that_says_stale() -> None:
    slot = Slot().start()
    slot.at(DUE_MS).hear(Ticked)
    effects = slot.hear(SnapshotMissing, due_ms=DUE_MS, cause="no answer")
    fact: DecisionFact = facts(effects, DecisionFact)[0]
    assert fact.decision.reason.startswith("stale: no snapshot")
    assert not fact.complete


def test_snapshot_of_another_asset_is_not_used() -> None:
    slot = Slot().start()
    slot.at(DUE_MS).hear(Ticked)
    other = make_snapshot(due_ms=DUE_MS + 1)
    effects = slot.hear(SnapshotArrived, due_ms=DUE_MS, digest="d", snapshot=other)
    assert facts(effects, DecisionFact)[0].decision.reason.startswith("stale: wrong snapshot")


def test_late_answer_is_a_missed_point_and_is_not_traded() -> None:
    slot = Slot().start()
    slot.at(DUE_MS).hear(Ticked)
    slot.hear(SnapshotArrived, due_ms=DUE_MS, digest="d", snapshot=make_snapshot(due_ms=DUE_MS))
    effects = slot.at(OPEN_MS + CYCLE_MS).answer(trade())
    assert facts(effects, DecisionFact) == []
    assert facts(effects, MissedFact)[0].cause.startswith("late")
    assert slot.seat.state.counts.missed == 1


def test_point_still_open_after_downtime_is_decided_and_closed_ones_are_noted() -> None:
    state = SlotState(slot="btc-5m", journal_sequence=4, started_ms=OPEN_MS, decided_due_ms=DUE_MS)
    slot = Slot(now_ms=DUE_MS + 3 * CYCLE_MS + 1_000, state=state).start()
    missed: MissedFact = facts(slot.effects, MissedFact)[0]
    assert (missed.count, missed.cause, missed.declared) == (2, "downtime", False)
    assert only(slot.effects, AskSnapshot).due_ms == DUE_MS + 3 * CYCLE_MS


def test_points_inside_an_ordered_stop_are_skipped_not_missed() -> None:
    state = SlotState(
        slot="btc-5m", journal_sequence=4, started_ms=1, decided_due_ms=DUE_MS, stopped=True
    )
    slot = Slot(now_ms=DUE_MS + 3 * CYCLE_MS, state=state).start()
    assert (slot.seat.state.counts.skipped, slot.seat.state.counts.missed) == (2, 0)


def test_slot_of_fifteen_minutes_decides_three_times_a_window() -> None:
    from tests.actors.slot.builders import identity

    slot = Slot(who=identity(slot="btc-15m")).start()
    windows = []
    for cycle in range(3):
        effects = slot.decide(hold(), DUE_MS + cycle * CYCLE_MS)
        windows.append(facts(effects, DecisionFact)[0].window_open_ms)
        assert facts(effects, DecisionFact)[0].timeframe is Timeframe.M15
    assert windows == [OPEN_MS] * 3


def bad_answers() -> list[Any]:
    return [
        None,
        trade(leg(shares=MicroShares(0))),
        trade(leg(shares=MicroShares(10_001))),
        trade(leg(price=PriceMicroUsd(490_001))),
        trade(leg(price=PriceMicroUsd(1_000_000))),
        trade(*[leg()] * 5),
        msgspec.structs.replace(trade(), legs=()),
        msgspec.structs.replace(hold(), legs=(leg(),)),
        msgspec.structs.replace(hold(), probability_up=float("nan")),
        msgspec.structs.replace(hold(), spread_points=float("inf")),
        msgspec.structs.replace(hold(), probability_up=1.0),
        msgspec.structs.replace(hold(), legs=7),
    ]


def test_bad_answers_become_no_trade_and_keep_the_old_memory() -> None:
    for answer in bad_answers():
        slot = Slot().start()
        effects = slot.decide(answer)
        fact: DecisionFact = facts(effects, DecisionFact)[0]
        assert fact.decision.reason.startswith("strategy_error: "), answer
        assert fact.intents == ()


def test_resting_orders_and_unanswered_intents_are_in_the_position() -> None:
    slot = Slot().start()
    slot.decide(trade(leg(), leg(outcome=Outcome.DOWN, shares=MicroShares(20_000_000))))
    slot.durable()
    later = make_snapshot(due_ms=DUE_MS + CYCLE_MS)
    same = msgspec.structs.replace(later, markets=make_snapshot(due_ms=DUE_MS).markets)
    slot.at(DUE_MS + CYCLE_MS).hear(Ticked)
    effects = slot.hear(SnapshotArrived, due_ms=DUE_MS + CYCLE_MS, digest="d", snapshot=same)
    position = only(effects, RunStrategy).position
    assert (position.resting_up_shares, position.resting_down_shares) == (10_000_000, 20_000_000)


def test_legs_for_a_window_that_is_not_the_decision_points_own_are_refused() -> None:
    slot = Slot().start()
    due_ms = DUE_MS
    old = make_snapshot(due_ms=due_ms - CYCLE_MS)
    stale = msgspec.structs.replace(make_snapshot(due_ms=due_ms), markets=old.markets)
    slot.at(due_ms).hear(Ticked)
    slot.hear(SnapshotArrived, due_ms=due_ms, digest="d", snapshot=stale)
    fact: DecisionFact = facts(slot.answer(trade()), DecisionFact)[0]
    assert fact.decision.reason.startswith("strategy_error: legs without a market")


# ---- outbox -----------------------------------------------------------------------------------


def opened(sequence: int) -> OrderOpened:
    return OrderOpened(sequence=sequence, order_id="o", at_ms=0)


def page(*sequences: int, fence: int = 1) -> OutboxPage:
    events = tuple(opened(sequence) for sequence in sequences)
    return OutboxPage(slot="btc-5m", fence=fence, last_sequence=99, events=events)


def test_outbox_repeats_are_skipped_and_order_is_restored() -> None:
    slot = Slot().start()
    slot.hear(OutboxArrived, page=page(2, 1, 1))
    slot.hear(OutboxArrived, page=page(1, 2, 3))
    assert slot.seat.state.outbox_sequence == 3


def test_gap_is_refused_and_asked_again_and_at_last_noted() -> None:
    slot = Slot().start()
    for _ in range(3):
        effects = slot.hear(OutboxArrived, page=page(1, 3))
        assert slot.seat.state.outbox_sequence == 1
        assert only(effects, PollOutbox).after_sequence == 1
    assert facts(slot.effects, NoteFact)[0].code == "outbox_gap"
    effects = slot.decide(trade())
    assert facts(effects, DecisionFact)[0].decision.reason.startswith("held: ")
    slot.hear(OutboxArrived, page=page(2, 3))
    assert slot.seat.outbox_gaps == 0


def test_acknowledged_sequence_is_that_of_the_last_durable_checkpoint() -> None:
    slot = Slot().start()
    effects = slot.hear(OutboxArrived, page=page(1))
    assert only(effects, PollOutbox).acknowledged_sequence == 0
    slot.hear(CheckpointDurable, sequence=2, outbox_sequence=1, digest="x")
    assert only(slot.hear(OutboxArrived, page=page(2)), PollOutbox).acknowledged_sequence == 1


def test_higher_fence_in_the_outbox_or_a_refused_intent_ends_the_life() -> None:
    slot = Slot().start()
    only(slot.hear(OutboxArrived, page=page(1, fence=2)), Leave)
    slot = Slot().start()
    slot.decide(trade())
    sent = only(slot.durable(), SendIntent).intent
    fenced = IntentFenced(intent_id=sent.intent_id, reason="fence 2")
    only(slot.hear(IntentAnswered, intent_id=sent.intent_id, answer=fenced), Leave)
    assert slot.seat.phase is Phase.RETIRED


def test_new_owner_sends_unanswered_intents_under_its_own_fence_and_their_own_tags() -> None:
    slot = Slot().start()
    slot.decide(trade())
    state = slot.seat.state
    again = Slot(now_ms=DUE_MS + 1_000, state=state).start(fence=5)
    sent = only(again.effects, SendIntent).intent
    assert (sent.fence, sent.due_ms, sent.release) == (5, DUE_MS, "ab" * 32)


# ---- checkpoints, stop, handoff ---------------------------------------------------------------


def test_checkpoint_is_taken_only_of_durable_rows() -> None:
    slot = Slot().start()
    assert none(slot.decide(hold()), TakeCheckpoint)
    taken = only(slot.durable(), TakeCheckpoint)
    assert taken.state.journal_sequence == slot.seat.durable_sequence


def test_stop_writes_its_row_and_a_checkpoint_before_it_reports() -> None:
    slot = Slot().start()
    assert none(slot.hear(StopAsked, reason="end"), ReportStopped)
    only(slot.durable(), TakeCheckpoint)
    sequence = slot.seat.state.journal_sequence
    effects = slot.hear(CheckpointDurable, sequence=sequence, outbox_sequence=0, digest="x")
    only(effects, ReportStopped)
    assert none(slot.at(DUE_MS).hear(Ticked), AskSnapshot)


def test_quiesce_waits_for_the_decision_at_work_and_for_its_row() -> None:
    slot = Slot().start()
    slot.at(DUE_MS).hear(Ticked)
    assert none(slot.hear(QuiesceAsked, ask=QUIESCE), ReportQuiesced)
    snapshot = make_snapshot(due_ms=DUE_MS)
    slot.hear(SnapshotArrived, due_ms=DUE_MS, digest="d", snapshot=snapshot)
    slot.answer(trade())
    effects = slot.durable()
    quiesced = only(effects, ReportQuiesced)
    assert quiesced.state.journal_sequence == slot.seat.durable_sequence
    assert len(quiesced.state.intents) == 1, "the unanswered intent travels"
    assert none(slot.at(DUE_MS + 100).hear(OutboxArrived, page=page(1)), AppendEntries)


def test_quiesce_of_another_fence_is_refused() -> None:
    slot = Slot().start(fence=2)
    assert "other_fence" in only(slot.hear(QuiesceAsked, ask=QUIESCE), ReportRefused).reason


def quiesced() -> Slot:
    slot = Slot().start()
    slot.hear(QuiesceAsked, ask=QUIESCE)
    slot.durable()
    assert slot.seat.phase is Phase.QUIESCED
    return slot


def test_end_of_the_lease_is_a_claim_of_the_next_fence() -> None:
    slot = quiesced()
    assert none(slot.hear(Ticked), SendClaim)
    assert only(slot.at(OPEN_MS + 1_000).hear(Ticked), SendClaim).resume_of_fence == 1
    effects = slot.hear(ClaimAnswered, answer=granted(slot.seat, 2))
    only(effects, ReportResumed)
    assert (slot.seat.phase, slot.seat.fence) == (Phase.ACTIVE, 2)


def test_former_owner_stays_quiesced_and_hears_from_the_gateway_that_it_is_back() -> None:
    slot = quiesced()
    only(slot.hear(ResumeAsked, ask=Resume(handoff="h1")), SendClaim)
    refused = only(slot.hear(ClaimAnswered, answer=Standby(owner=None)), ReportRefused)
    assert refused.reason.startswith("fenced_out")
    assert slot.seat.phase is Phase.QUIESCED
    effects = slot.at(DUE_MS).hear(Ticked)
    assert none(effects, AskSnapshot)
    only(effects, SendClaim)
    slot.hear(ClaimAnswered, answer=granted(slot.seat, 3, handoff="h1-back"))
    assert (slot.seat.phase, slot.seat.fence) == (Phase.ACTIVE, 3)


def test_lease_over_before_the_quiesce_was_acknowledged_goes_on_under_the_same_fence() -> None:
    slot = Slot().start()
    slot.hear(QuiesceAsked, ask=QUIESCE)
    effects = slot.at(OPEN_MS + 1_000).hear(Ticked)
    only(effects, ReportRefused)
    assert (slot.seat.phase, slot.seat.fence) == (Phase.ACTIVE, 1)


def test_successor_adopts_exactly_the_records_sequence() -> None:
    slot = Slot()
    slot.hear(Ticked)
    slot.hear(ClaimAnswered, answer=Standby(owner=None))
    state = SlotState(slot="btc-5m", journal_sequence=9, outbox_sequence=3)
    record = granted(slot.seat, 4, journal_sequence=8).record
    fields = {"handoff": "h", "state": state, "memory": Memory(calls=3)}
    assert not none(slot.hear(AdoptAsked, record=record, **fields), ReportRefused)
    record = granted(slot.seat, 4, journal_sequence=9).record
    effects = slot.hear(AdoptAsked, record=record, **fields)
    assert only(effects, PollOutbox).after_sequence == 3
    assert (slot.seat.fence, slot.seat.memory) == (4, Memory(calls=3))


def test_a_later_life_does_not_adopt_from_the_record_of_the_life_before_it() -> None:
    slot = Slot()
    slot.hear(Ticked)
    slot.hear(ClaimAnswered, answer=Standby(owner=None))
    record = granted(slot.seat, 4, life="the process before").record
    effects = slot.hear(
        AdoptAsked, handoff="h", record=record, state=slot.seat.state, memory=Memory()
    )
    assert only(effects, ReportRefused).reason.startswith("not_adoptable")
    assert slot.seat.phase is Phase.STANDBY


def test_a_standby_that_is_fenced_in_reads_the_state_whose_hash_the_record_names() -> None:
    slot = Slot()
    slot.hear(Ticked)
    slot.hear(ClaimAnswered, answer=Standby(owner=None))
    slot.hear(Ticked)
    grant = granted(slot.seat, 4, handoff="h", logical_hash="ab")
    assert only(slot.hear(ClaimAnswered, answer=grant), Recover).record == grant.record
    assert slot.seat.phase is Phase.RECOVERING


def test_retire_is_obeyed_in_every_phase() -> None:
    for slot in (Slot(), Slot().start(), quiesced()):
        only(slot.hear(RetireAsked, reason="confirmed"), Leave)
