"""The way forward of a slot's handoff, and random walks that must keep its rules."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.messages import (
    FenceRefused,
    Granted,
    OpenRefused,
    Refusal,
)
from actors.rollout import handoff_events as on
from actors.rollout import handoff_messages as said
from actors.rollout.handoff_state import (
    QUIESCE_TRIES_MAX,
    UNPROVED_MAX,
    Step,
)
from actors.rollout.handoff_step import step
from tests.actors.rollout.handoffs import (
    ADOPTED,
    ALLOWED,
    DEADLINE_MS,
    DUE_MS,
    GOOD_PATH,
    GOOD_STEPS,
    ID,
    NOW,
    WARMED,
    after,
    answered,
    attestation,
    decided,
    later,
    planned,
    record,
    shadow,
    walked,
)


def test_a_good_release_walks_every_step_to_done() -> None:
    handoff = planned()
    seen = [handoff.step]
    for event in GOOD_PATH:
        handoff, _ = step(handoff, event, NOW)
        seen.append(handoff.step)
    assert tuple(seen) == GOOD_STEPS


def test_the_delta_that_the_old_one_gave_reaches_the_new_one_with_the_fence_record() -> None:
    _, effects = after(walked(Step.FENCING), answered(Granted(record=record())))
    assert effects == [on.AskAdopt(incarnation=2, record=record(), delta=b"delta")]


def test_a_release_that_its_files_are_not_is_discarded_before_anything_is_touched() -> None:
    lie = replace(WARMED, attestation=attestation("other"))
    handoff, effects = after(walked(Step.WARMING), answered(lie))
    assert handoff.step is Step.DISCARDING
    assert effects == [on.Dismiss(incarnation=2)]
    assert "attestation" in (handoff.failure or "")


def test_a_busy_owner_is_asked_again_and_keeps_deciding() -> None:
    busy = said.HandoffFailed(handoff=ID, reason="busy: deciding")
    handoff, effects = after(walked(Step.QUIESCING), answered(busy))
    assert handoff.step is Step.READY
    assert effects == []
    asked = 1
    while handoff.step is Step.READY:
        handoff, _ = after(handoff, ALLOWED, answered(busy))
        asked += 1
    assert (handoff.step, asked) == (Step.RESUMING, QUIESCE_TRIES_MAX + 1)


def test_how_long_a_slot_was_dark_is_counted_from_the_quiesce_to_the_adopt() -> None:
    handoff, _ = after(walked(Step.ADOPTING), answered(ADOPTED), now=later(wire_ms=70.0))
    assert handoff.dark_ms == 70.0


def test_a_first_decision_that_fails_takes_the_slot_back() -> None:
    handoff, _ = after(walked(Step.CONFIRMING), decided(failure="strategy_error: NaN"))
    assert handoff.step is Step.TAKING_BACK


def test_a_decision_of_the_wrong_release_takes_the_slot_back() -> None:
    handoff, _ = after(walked(Step.CONFIRMING), decided(release="old"))
    assert handoff.step is Step.TAKING_BACK


def test_a_decision_under_a_lower_fence_confirms_nothing() -> None:
    handoff, _ = after(walked(Step.CONFIRMING), decided(fence=4))
    assert handoff.step is Step.CONFIRMING
    assert handoff.confirmed == 0


def test_a_silent_successor_is_taken_back_by_half_of_the_decisions_deadline() -> None:
    half = DUE_MS + (DEADLINE_MS - DUE_MS) // 2
    early, late = on.NothingDecided(looked_ms=half - 1), on.NothingDecided(looked_ms=half)
    waiting, _ = after(walked(Step.CONFIRMING), early, now=later(market_ms=half + 60_000))
    assert waiting.step is Step.CONFIRMING, "what came durable after that look is not known"
    handoff, _ = after(waiting, late, now=later(market_ms=half))
    assert handoff.step is Step.TAKING_BACK


def test_a_clock_alone_ends_the_waiting_only_where_the_journal_is_not_read() -> None:
    most = DUE_MS + (DEADLINE_MS - DUE_MS) * 3 // 4
    waiting, _ = after(walked(Step.CONFIRMING), on.TimePassed(), now=later(market_ms=most - 1))
    assert waiting.step is Step.CONFIRMING
    handoff, _ = after(waiting, on.TimePassed(), now=later(market_ms=most))
    assert handoff.step is Step.TAKING_BACK


def test_a_look_that_is_heard_of_after_the_confirmation_changes_nothing() -> None:
    retiring, _ = after(walked(Step.CONFIRMING), decided())
    late = on.NothingDecided(looked_ms=DEADLINE_MS)
    assert after(retiring, late, now=later(market_ms=DEADLINE_MS))[0] == retiring


def test_a_decision_that_is_read_twice_counts_once() -> None:
    handoff, _ = after(walked(Step.CONFIRMING, confirmations=2), decided(), decided())
    assert (handoff.step, handoff.confirmed) == (Step.CONFIRMING, 1)


def test_a_bake_keeps_the_old_one_warm_until_enough_decisions_were_good() -> None:
    handoff = walked(Step.CONFIRMING, confirmations=3)
    handoff, effects = after(handoff, decided(), decided(sequence=11))
    assert (handoff.step, effects) == (Step.CONFIRMING, [])
    bad, _ = after(handoff, decided(failure="raised", sequence=12))
    assert bad.step is Step.TAKING_BACK
    good, effects = after(handoff, decided(sequence=12))
    assert effects == [on.Dismiss(incarnation=1)]
    assert good.step is Step.RETIRING


def test_a_decision_without_a_snapshot_proves_no_release_and_the_next_one_is_waited_for() -> None:
    handoff, effects = after(walked(Step.CONFIRMING), decided(proves=False))
    assert (handoff.step, handoff.confirmed, effects) == (Step.CONFIRMING, 0, [])
    assert handoff.kept_sequence == 10  # the old one does not make that decision again
    assert handoff.confirm_deadline_ms == DEADLINE_MS + 300_000
    bad, _ = after(handoff, decided(failure="raised", sequence=11))
    assert bad.step is Step.TAKING_BACK
    good, _ = after(handoff, decided(sequence=11))
    assert good.step is Step.RETIRING


def test_a_release_that_cannot_be_proved_for_want_of_snapshots_goes_back_in_the_end() -> None:
    handoff = walked(Step.CONFIRMING)
    for sequence in range(10, 10 + UNPROVED_MAX):
        assert handoff.step is Step.CONFIRMING
        handoff, _ = after(handoff, decided(proves=False, sequence=sequence))
    assert handoff.step is Step.TAKING_BACK
    assert handoff.failure == f"confirm: no snapshot for {UNPROVED_MAX} decisions"


def test_shadow_waits_for_its_count_and_stops_on_failure_or_on_a_difference_not_expected() -> None:
    handoff, effects = after(planned(shadow=2, identical=True), *GOOD_PATH[:5])
    assert handoff.step is Step.SHADOWING
    assert effects[-1] == on.AskShadow(incarnation=2, recorded=0)
    assert after(handoff, shadow(1))[0].step is Step.SHADOWING
    assert after(handoff, shadow(2))[0].step is Step.READY
    assert after(handoff, shadow(1, differing=1))[0].step is Step.DISCARDING
    assert after(handoff, shadow(1, failure="late"))[0].step is Step.DISCARDING
    report = replace(handoff, identical=False)
    assert after(report, shadow(2, differing=2))[0].step is Step.READY


EVENTS = st.sampled_from(
    [
        *GOOD_PATH,
        on.TimePassed(),
        on.AbortAsked(reason="x"),
        on.Created(failure="x"),
        answered(Refusal(reason="lost")),
        answered(said.HandoffFailed(handoff=ID, reason="busy: page")),
        answered(said.HandoffFailed(handoff=ID, reason="raised")),
        answered(OpenRefused(reason="fence", fence=9)),
        answered(FenceRefused(reason="fence", owner=None)),
        answered(said.Resumed(handoff=ID, fence=5)),
        answered(said.Adopted(handoff=ID, fence=6, logical_hash="", verified="")),
        decided(failure="NaN"),
        on.OwnerSeen(record=record()),
        on.OwnerSeen(record=record(fence=4, incarnation=1, handoff=None)),
        on.OwnerSeen(record=record(fence=6, incarnation=1, handoff=None)),
        shadow(3),
        shadow(1, failure="x"),
    ]
)


@given(st.lists(st.tuples(EVENTS, st.integers(0, 60_000)), max_size=60))
def test_any_order_of_events_keeps_the_table_and_never_retires_an_unconfirmed_switch(
    walk: list[tuple[on.Event, int]],
) -> None:
    handoff, wire = planned(shadow=1), 0
    for event, passed in walk:
        wire += passed
        handoff, effects = step(handoff, event, later(wire_ms=wire, market_ms=wire))
        if on.Dismiss(incarnation=handoff.old_incarnation) in effects:
            assert handoff.confirmed == handoff.confirmations
        if any(isinstance(e, on.AskFence) for e in effects):
            assert handoff.quiesced is not None
