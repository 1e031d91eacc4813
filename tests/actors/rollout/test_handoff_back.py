"""The ways out of a slot's handoff: refusals, lost answers, deadlines and aborts."""

from msgspec.structs import replace

from actors.messages import (
    FenceRefused,
    Opened,
    Refusal,
)
from actors.rollout import handoff_events as on
from actors.rollout import handoff_messages as said
from actors.rollout.handoff_state import (
    ADOPT_DEADLINE_MS,
    BACK_ANSWER_MS,
    CREATE_DEADLINE_MS,
    FENCE_DEADLINE_MS,
    TAKE_BACK_TRIES_MAX,
    Step,
)
from tests.actors.rollout.handoffs import (
    ADOPTED,
    ID,
    after,
    answered,
    decided,
    later,
    record,
    walked,
)

GATEWAY_REPLACED_MS = 20_000
"""Wire: the supervisor has ended one that hangs, and another serves."""


def test_a_process_that_does_not_start_is_discarded_with_its_reason() -> None:
    handoff, _ = after(walked(Step.CREATING), on.Created(failure="SyntaxError"), on.Left())
    assert handoff.step is Step.FAILED
    assert handoff.failure == "create: SyntaxError"


def test_a_process_that_never_answers_is_discarded_by_its_deadline() -> None:
    late = later(wire_ms=CREATE_DEADLINE_MS + 1)
    handoff, _ = after(walked(Step.CREATING), on.TimePassed(), now=late)
    assert handoff.step is Step.DISCARDING


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


def test_a_take_back_that_the_old_one_cannot_make_goes_by_vacancy_for_its_release() -> None:
    handoff, _ = after(walked(Step.CONFIRMING), decided(failure="raised"))
    refused = answered(said.HandoffFailed(handoff=ID, reason="no journal"))
    effects: list[object] = []
    for _ in range(TAKE_BACK_TRIES_MAX + 1):
        handoff, effects = after(handoff, refused)
    assert handoff.step is Step.VACATING
    assert effects == [on.Dismiss(incarnation=2), on.AskOwner()]
    back_in = replace(record(fence=6, incarnation=1, handoff=None), release="old")
    handoff, effects = after(handoff, on.OwnerSeen(record=back_in))
    assert isinstance(effects[0], on.Vacate)
    handoff, _ = after(handoff, on.Vacated(answer=Opened(incarnation=3)), on.Filled(failure=None))
    assert (handoff.step, handoff.failure) == (Step.FAILED, "confirm: raised")


def test_a_vacancy_that_nobody_can_take_ends_stuck_with_an_alarm() -> None:
    handoff, _ = after(walked(Step.CONFIRMING), decided(failure="raised"))
    refused = answered(said.HandoffFailed(handoff=ID, reason="no journal"))
    for _ in range(TAKE_BACK_TRIES_MAX + 1):
        handoff, _ = after(handoff, refused)
    handoff, _ = after(
        handoff, on.OwnerSeen(record=record()), on.Vacated(answer=Opened(incarnation=3))
    )
    handoff, effects = after(handoff, on.Filled(failure="no memory"))
    assert handoff.step is Step.STUCK
    assert isinstance(effects[0], on.Alarm)


def test_a_gateway_that_hangs_until_it_is_replaced_leaves_no_slot_stuck() -> None:
    """Seed 4716 of the simulation."""
    handoff, _ = after(walked(Step.CONFIRMING), decided(failure="raised"))
    for wire_ms in range(0, GATEWAY_REPLACED_MS, 50):
        handoff, _ = after(handoff, on.TimePassed(), now=later(wire_ms=wire_ms))
    assert handoff.step is Step.TAKING_BACK


def test_an_abort_while_shadowing_discards_and_while_fencing_lets_the_switch_end() -> None:
    asked = on.AbortAsked(reason="operator")
    assert after(walked(Step.READY), asked)[0].step is Step.DISCARDING
    assert after(walked(Step.FENCING), asked)[0].step is Step.FENCING
    assert after(walked(Step.CONFIRMING), asked)[0].step is Step.TAKING_BACK


def test_a_resume_is_asked_again_while_the_old_ones_fence_is_the_old_one() -> None:
    resuming, _ = after(walked(Step.FENCING), answered(FenceRefused(reason="odd", owner=None)))
    same = record(fence=4, incarnation=1, handoff=None)
    again, effects = after(resuming, on.OwnerSeen(record=same))
    assert (again.step, effects) == (Step.RESUMING, [on.AskResume()])
    by_its_lease = record(fence=5, incarnation=1, handoff=None)
    ended, effects = after(resuming, on.OwnerSeen(record=by_its_lease))
    assert (ended.step, effects) == (Step.DISCARDING, [on.Dismiss(incarnation=2)])


def test_a_slow_owner_has_the_long_deadline_in_a_roll_and_the_short_one_on_the_way_back() -> None:
    late = later(wire_ms=BACK_ANSWER_MS + 1)
    slow, effects = after(walked(Step.PINNING), on.TimePassed(), now=late)
    assert (slow.step, effects) == (Step.PINNING, [])
    back = replace(walked(Step.PINNING), back=True)
    in_time, _ = after(back, on.TimePassed(), now=later(wire_ms=BACK_ANSWER_MS))
    assert in_time.step is Step.PINNING
    over, _ = after(back, on.TimePassed(), now=late)
    assert over.step is not Step.PINNING
