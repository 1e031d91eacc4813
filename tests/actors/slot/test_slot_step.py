"""The slot machine, one rule a test: claims and decisions."""

from typing import Any

import msgspec
from msgspec.structs import replace

from actors.messages import (
    ClaimRefused,
    Retired,
    Standby,
)
from actors.slot.events import (
    AppendEntries,
    AskSnapshot,
    ClaimAnswered,
    Leave,
    Recover,
    Recovered,
    RecoveryFailed,
    RunStrategy,
    SendClaim,
    SendIntent,
    SnapshotArrived,
    SnapshotMissing,
    TakeCheckpoint,
    Ticked,
)
from actors.slot.facts import DecisionFact, MissedFact
from actors.slot.seat import Phase
from actors.slot.state import SlotState
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
    trade,
)
from tests.actors.slot.stepped import Slot, facts, none, only
from tests.signals.builders import make_snapshot

# ---- claims -----------------------------------------------------------------------------------


def test_slot_claims_before_anything_else() -> None:
    slot = Slot()
    claim = only(slot.apply(Ticked), SendClaim)
    assert (claim.journal_sequence, claim.resume_of_fence) == (0, None)
    assert none(slot.apply(Ticked), SendClaim), "one claim is under way at a time"


def test_standby_waits_and_asks_again_and_writes_nothing() -> None:
    slot = Slot(now_ms=DUE_MS)
    slot.apply(Ticked)
    effects = slot.apply(ClaimAnswered, answer=Standby(owner=None))
    assert only(effects, SendClaim).delay_ms > 0
    assert slot.seat.phase is Phase.STANDBY
    slot.at(DUE_MS + 5_000).apply(Ticked)
    assert none(slot.effects, AppendEntries)
    assert none(slot.effects, AskSnapshot)


def test_retired_leaves_for_good() -> None:
    slot = Slot()
    slot.apply(Ticked)
    only(slot.apply(ClaimAnswered, answer=Retired(owner=granted(slot.seat).record)), Leave)
    assert slot.seat.phase is Phase.RETIRED
    assert slot.apply(Ticked) == []


def test_refused_claim_is_made_again() -> None:
    slot = Slot()
    slot.apply(Ticked)
    again = slot.apply(ClaimAnswered, answer=ClaimRefused(reason="not attested"))
    assert only(again, SendClaim).delay_ms > 0


def test_grant_from_another_sequence_reads_the_state_again_first() -> None:
    slot = Slot()
    slot.apply(Ticked)
    effects = slot.apply(ClaimAnswered, answer=granted(slot.seat, journal_sequence=7))
    assert only(effects, Recover).record.journal_sequence == 7
    assert none(effects, AppendEntries)


def test_a_slot_owns_only_what_was_recovered_up_to_the_record() -> None:
    slot = Slot()
    slot.apply(Ticked)
    slot.apply(ClaimAnswered, answer=granted(slot.seat, journal_sequence=7))
    again = only(slot.apply(RecoveryFailed, reason="damaged"), Recover)
    assert again.delay_ms > 0
    short = SlotState(slot="btc-5m", journal_sequence=6)
    only(slot.apply(Recovered, state=short, memory=Memory(calls=6)), Recover)
    assert slot.seat.phase is Phase.RECOVERING
    state = SlotState(slot="btc-5m", journal_sequence=7)
    slot.apply(Recovered, state=state, memory=Memory(calls=7))
    assert (slot.seat.phase, slot.seat.memory) == (Phase.ACTIVE, Memory(calls=7))
    assert slot.seat.state.journal_sequence > 7, "the claim is a row of its own"
    sequence = slot.seat.state.journal_sequence
    assert slot.apply(Recovered, state=short, memory=Memory(calls=6)) == []
    assert slot.seat.state.journal_sequence == sequence, "what comes late changes nothing"


def test_grant_of_another_life_is_no_grant() -> None:
    slot = Slot()
    slot.apply(Ticked)
    effects = slot.apply(ClaimAnswered, answer=granted(slot.seat, life="9-9"))
    only(effects, SendClaim)
    assert slot.seat.phase is Phase.CLAIMING


# ---- decisions --------------------------------------------------------------------------------


def test_due_point_leads_to_snapshot_strategy_row_and_only_then_the_intent() -> None:
    slot = Slot().start()
    assert only(slot.at(DUE_MS).apply(Ticked), AskSnapshot).due_ms == DUE_MS
    snapshot = make_snapshot(due_ms=DUE_MS)
    run = only(
        slot.apply(SnapshotArrived, due_ms=DUE_MS, digest="d", snapshot=snapshot), RunStrategy
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
    assert slot.seat.unsent == ()
    assert none(slot.durable(), SendIntent), "it is sent once"


def test_nothing_is_decided_before_the_slots_first_point() -> None:
    slot = Slot(now_ms=DUE_MS + 60_000).start()
    assert slot.seat.state.counts.missed == 0
    assert none(slot.effects, AskSnapshot)


def test_point_is_decided_once() -> None:
    slot = Slot().start()
    slot.decide(hold())
    assert none(slot.apply(Ticked), AskSnapshot)
    assert none(slot.answer(trade()), AppendEntries), "an answer nobody waits for"


def test_a_checkpoint_is_wanted_after_as_many_decisions_as_the_configuration_says() -> None:
    slot = Slot().start()
    timing = replace(slot.seat.rules.timing, checkpoint_every_decisions=3)
    rules = replace(slot.seat.rules, timing=timing)
    slot.seat = replace(slot.seat, rules=rules, checkpoint_wanted=False)
    slot.effects = []
    taken = []
    for place in range(3):
        slot.decide(hold(), DUE_MS + place * CYCLE_MS)
        slot.durable()
        taken.append(not none(slot.effects, TakeCheckpoint))
    assert taken == [False, False, True]


def test_missing_snapshot_is_a_decision_that_says_stale() -> None:
    slot = Slot().start()
    slot.at(DUE_MS).apply(Ticked)
    effects = slot.apply(SnapshotMissing, due_ms=DUE_MS, cause="no answer")
    fact: DecisionFact = facts(effects, DecisionFact)[0]
    assert fact.decision.reason.startswith("stale: no snapshot")
    assert not fact.complete


def test_snapshot_of_another_asset_is_not_used() -> None:
    slot = Slot().start()
    slot.at(DUE_MS).apply(Ticked)
    other = make_snapshot(due_ms=DUE_MS + 1)
    effects = slot.apply(SnapshotArrived, due_ms=DUE_MS, digest="d", snapshot=other)
    assert facts(effects, DecisionFact)[0].decision.reason.startswith("stale: wrong snapshot")


def test_late_answer_is_a_missed_point_and_is_not_traded() -> None:
    slot = Slot().start()
    slot.at(DUE_MS).apply(Ticked)
    slot.apply(SnapshotArrived, due_ms=DUE_MS, digest="d", snapshot=make_snapshot(due_ms=DUE_MS))
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
    slot.at(DUE_MS + CYCLE_MS).apply(Ticked)
    effects = slot.apply(SnapshotArrived, due_ms=DUE_MS + CYCLE_MS, digest="d", snapshot=same)
    position = only(effects, RunStrategy).position
    assert (position.resting_up_shares, position.resting_down_shares) == (10_000_000, 20_000_000)


def test_legs_for_a_window_that_is_not_the_decision_points_own_are_refused() -> None:
    slot = Slot().start()
    due_ms = DUE_MS
    old = make_snapshot(due_ms=due_ms - CYCLE_MS)
    stale = msgspec.structs.replace(make_snapshot(due_ms=due_ms), markets=old.markets)
    slot.at(due_ms).apply(Ticked)
    slot.apply(SnapshotArrived, due_ms=due_ms, digest="d", snapshot=stale)
    fact: DecisionFact = facts(slot.answer(trade()), DecisionFact)[0]
    assert fact.decision.reason.startswith("strategy_error: legs without a market")
