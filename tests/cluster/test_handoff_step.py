"""One test a path through the handoff of a slot, and random walks that must keep its rules."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors import handoff as said
from actors.messages import (
    Attestation,
    FenceRecord,
    FenceRefused,
    Granted,
    Opened,
    OpenRefused,
    Refusal,
)
from cluster import handoff_events as on
from cluster.handoff_state import (
    ADOPT_DEADLINE_MS,
    CREATE_DEADLINE_MS,
    FENCE_DEADLINE_MS,
    TAKE_BACK_TRIES_MAX,
    TRANSITIONS,
    UNPROVED_MAX,
    Handoff,
    Step,
)
from cluster.handoff_step import step

ID = "roll-1/btc-5m"
NOW = on.Now(wire_ms=1_000.0, market_ms=0)
DUE_MS, DEADLINE_MS = 320_000, 600_000


def later(wire_ms: float = 0.0, market_ms: int = 0) -> on.Now:
    return on.Now(wire_ms=NOW.wire_ms + wire_ms, market_ms=market_ms)


def planned(**changes: object) -> Handoff:
    fresh = Handoff(
        slot="btc-5m",
        handoff=ID,
        old_incarnation=1,
        old_fence=4,
        old_release="old",
        new_release="new",
        shadow=0,
        identical=False,
        recorded=False,
        confirmations=1,
    )
    return replace(fresh, **changes)


def attestation(release: str = "new") -> Attestation:
    return Attestation(
        release=release,
        commit="c",
        message_version=1,
        schema_version=1,
        fingerprint="f",
        root="r",
        pid=1,
        process_start=1,
    )


def record(fence: int = 5, incarnation: int = 2, handoff: str | None = ID) -> FenceRecord:
    return FenceRecord(
        slot="btc-5m",
        fence=fence,
        incarnation=incarnation,
        life="l",
        release="new",
        commit="c",
        params="p",
        journal_sequence=9,
        outbox_sequence=3,
        handoff=handoff,
    )


PINNED = said.BasePinned(
    handoff=ID,
    digest="b",
    journal_sequence=8,
    fence=4,
    life="old",
    attestation=attestation("old"),
    params="p",
)
WARMED = said.Warmed(
    handoff=ID, attestation=attestation(), life="l", params="p", logical_hash="b", proof="ok"
)
QUIESCED = said.Quiesced(
    handoff=ID,
    fence=4,
    journal_sequence=9,
    outbox_sequence=3,
    checkpoint="d",
    logical_hash="h",
    delta=b"delta",
)
ADOPTED = said.Adopted(handoff=ID, fence=5, logical_hash="h", verified="no trade")
ALLOWED = on.SwitchAllowed(next_due_ms=DUE_MS, next_deadline_ms=DEADLINE_MS)


def answered(answer: object) -> on.Answered:
    return on.Answered(answer=answer)


def decided(
    fence: int = 5,
    release: str = "new",
    failure: str | None = None,
    sequence: int = 10,
    proves: bool = True,  # noqa: FBT001, FBT002 a field of the event
) -> on.DecisionSeen:
    return on.DecisionSeen(
        due_ms=DUE_MS,
        sequence=sequence,
        fence=fence,
        release=release,
        failure=failure,
        proves=proves,
        next_due_ms=DUE_MS + 300_000,
        next_deadline_ms=DEADLINE_MS + 300_000,
    )


GOOD_PATH: tuple[on.Event, ...] = (
    on.Begin(),
    answered(PINNED),
    answered(Opened(incarnation=2)),
    on.Created(failure=None),
    answered(WARMED),
    ALLOWED,
    answered(QUIESCED),
    answered(Granted(record=record())),
    answered(ADOPTED),
    decided(),
    on.Left(),
)
GOOD_STEPS = (
    Step.PLANNED,
    Step.PINNING,
    Step.OPENING,
    Step.CREATING,
    Step.WARMING,
    Step.READY,
    Step.QUIESCING,
    Step.FENCING,
    Step.ADOPTING,
    Step.CONFIRMING,
    Step.RETIRING,
    Step.DONE,
)


def walked(to: Step, **changes: object) -> Handoff:
    handoff = planned(**changes)
    for event in GOOD_PATH[: GOOD_STEPS.index(to)]:
        handoff, _ = step(handoff, event, NOW)
    assert handoff.step is to
    return handoff


def after(handoff: Handoff, *events: on.Event, now: on.Now = NOW) -> tuple[Handoff, list[object]]:
    effects: list[object] = []
    for event in events:
        handoff, more = step(handoff, event, now)
        effects.extend(more)
    return handoff, effects


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


def test_a_process_that_does_not_start_is_discarded_with_its_reason() -> None:
    handoff, _ = after(walked(Step.CREATING), on.Created(failure="SyntaxError"), on.Left())
    assert handoff.step is Step.FAILED
    assert handoff.failure == "create: SyntaxError"


def test_a_process_that_never_answers_is_discarded_by_its_deadline() -> None:
    late = later(wire_ms=CREATE_DEADLINE_MS + 1)
    handoff, _ = after(walked(Step.CREATING), on.TimePassed(), now=late)
    assert handoff.step is Step.DISCARDING


def test_a_busy_owner_is_asked_again_and_keeps_deciding() -> None:
    busy = said.HandoffFailed(handoff=ID, reason="busy: deciding")
    handoff, effects = after(walked(Step.QUIESCING), answered(busy))
    assert handoff.step is Step.READY
    assert effects == []


def test_a_lost_fence_answer_asks_the_gateway_and_never_guesses() -> None:
    fencing, effects = after(walked(Step.FENCING), answered(Refusal(reason="timeout")))
    assert (fencing.step, effects) == (Step.FENCING, [])
    late = later(wire_ms=FENCE_DEADLINE_MS + 1)
    fencing, effects = after(fencing, on.TimePassed(), now=late)
    assert effects == [on.AskOwner()]
    landed, _ = after(fencing, on.OwnerSeen(record=record()))
    assert landed.step is Step.ADOPTING
    again, effects = after(
        fencing, on.OwnerSeen(record=record(fence=4, incarnation=1, handoff=None))
    )
    assert again.step is Step.FENCING
    assert isinstance(effects[0], on.AskFence)
    lost, _ = after(fencing, on.OwnerSeen(record=record(fence=5, incarnation=1, handoff=None)))
    assert lost.step is Step.DISCARDING


def test_a_refused_fence_lets_the_old_one_resume() -> None:
    refused = FenceRefused(reason="fence 5, not 4", owner=None)
    handoff, effects = after(walked(Step.FENCING), answered(refused))
    assert handoff.step is Step.RESUMING
    assert effects == [on.AskResume()]
    handoff, _ = after(handoff, answered(said.Resumed(handoff=ID, fence=5)), on.Left())
    assert handoff.step is Step.FAILED


def test_a_resume_that_finds_the_fence_landed_goes_on_to_adopt() -> None:
    resuming, _ = after(
        walked(Step.FENCING), answered(FenceRefused(reason="odd answer", owner=None))
    )
    refused = said.HandoffFailed(handoff=ID, reason="fenced: by roll-1")
    resuming, effects = after(resuming, answered(refused))
    assert effects == [on.AskOwner()]
    adopted, _ = after(resuming, on.OwnerSeen(record=record()))
    assert adopted.step is Step.ADOPTING


def test_a_successor_that_was_fenced_in_and_restarted_is_the_owner_too() -> None:
    resuming, _ = after(
        walked(Step.FENCING), answered(FenceRefused(reason="the fence is 6, not 4", owner=None))
    )
    restarted = record(fence=6, handoff=None)
    adopting, _ = after(resuming, on.OwnerSeen(record=restarted))
    assert (adopting.step, adopting.record) == (Step.ADOPTING, restarted)


def test_a_resume_that_finds_a_stranger_in_the_slot_ends() -> None:
    resuming, _ = after(
        walked(Step.FENCING), answered(FenceRefused(reason="the fence is 6, not 4", owner=None))
    )
    stranger = record(fence=6, incarnation=9, handoff=None)
    ended, effects = after(resuming, on.OwnerSeen(record=stranger))
    assert ended.step is Step.DISCARDING
    assert effects == [on.Dismiss(incarnation=2)]


def test_a_different_logical_hash_takes_the_slot_back() -> None:
    handoff, effects = after(
        walked(Step.ADOPTING), answered(replace(ADOPTED, logical_hash="other"))
    )
    assert handoff.step is Step.TAKING_BACK
    assert effects == [on.AskTakeBack(expected_fence=5, kept_sequence=9)]
    handoff, _ = after(
        handoff,
        answered(said.Adopted(handoff=ID, fence=6, logical_hash="", verified="")),
        on.Left(),
    )
    assert handoff.step is Step.FAILED


def test_a_take_back_that_finds_the_slot_in_good_hands_leaves_it_there() -> None:
    taking, _ = after(walked(Step.CONFIRMING), decided(failure="strategy_error: NaN"))
    refused = answered(FenceRefused(reason="neither a standby nor the last owner", owner=None))
    taking, effects = after(taking, refused)
    assert effects == [on.AskOwner()]
    stranger = record(fence=7, incarnation=9, handoff=None)
    ended, effects = after(taking, on.OwnerSeen(record=replace(stranger, release="old")))
    assert ended.step is Step.DISCARDING
    assert effects == [on.Dismiss(incarnation=2), on.Dismiss(incarnation=1)]
    taking, effects = after(taking, on.OwnerSeen(record=stranger))
    assert taking.step is Step.TAKING_BACK, "the bad release has it again"
    assert effects == [on.AskTakeBack(expected_fence=7, kept_sequence=9)]


def test_a_successor_that_dies_while_adopting_is_taken_back_by_deadline() -> None:
    late = later(wire_ms=ADOPT_DEADLINE_MS + 1)
    handoff, _ = after(walked(Step.ADOPTING), on.TimePassed(), now=late)
    assert handoff.step is Step.TAKING_BACK


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
    waiting, _ = after(walked(Step.CONFIRMING), on.TimePassed(), now=later(market_ms=half - 1))
    assert waiting.step is Step.CONFIRMING
    handoff, _ = after(waiting, on.TimePassed(), now=later(market_ms=half))
    assert handoff.step is Step.TAKING_BACK


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


def test_a_take_back_that_cannot_be_proved_ends_stuck_with_an_alarm() -> None:
    handoff, _ = after(walked(Step.CONFIRMING), decided(failure="raised"))
    refused = answered(said.HandoffFailed(handoff=ID, reason="gateway silent"))
    effects: list[object] = []
    for _ in range(TAKE_BACK_TRIES_MAX + 1):
        handoff, effects = after(handoff, refused)
    assert handoff.step is Step.STUCK
    assert isinstance(effects[0], on.Alarm)


def test_an_abort_while_shadowing_discards_and_while_fencing_lets_the_switch_end() -> None:
    asked = on.AbortAsked(reason="operator")
    assert after(walked(Step.READY), asked)[0].step is Step.DISCARDING
    assert after(walked(Step.FENCING), asked)[0].step is Step.FENCING
    assert after(walked(Step.CONFIRMING), asked)[0].step is Step.TAKING_BACK


def shadow(compared: int, differing: int = 0, failure: str | None = None) -> on.Answered:
    first = said.ShadowDifference(due_ms=1, field="action", owner="a", shadow="b")
    report = said.ShadowReport(
        handoff=ID,
        compared=compared,
        differences=(first,) * min(1, differing),
        differing=differing,
        failure=failure,
    )
    return answered(report)


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
        before = handoff
        handoff, effects = step(handoff, event, later(wire_ms=wire, market_ms=wire))
        assert handoff.step is before.step or handoff.step in TRANSITIONS[before.step]
        if on.Dismiss(incarnation=handoff.old_incarnation) in effects:
            assert handoff.confirmed == handoff.confirmations
        if any(isinstance(e, on.AskFence) for e in effects):
            assert handoff.quiesced is not None
