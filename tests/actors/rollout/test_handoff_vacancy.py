"""The way back: a handoff where the owner answers, the gateway's vacancy where it does not."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.messages import FenceRefused, Opened, OpenRefused, Refusal
from actors.rollout import handoff_events as on
from actors.rollout import handoff_messages as said
from actors.rollout.handoff_state import (
    BACK_ANSWER_MS,
    FILL_DEADLINE_MS,
    QUIESCE_DEADLINE_MS,
    VACATE_DEADLINE_MS,
    VACATE_TRIES_MAX,
    Handoff,
    Step,
)
from actors.rollout.handoff_table import ENDED
from tests.actors.rollout.handoffs import (
    ADOPTED,
    ALLOWED,
    DUE_MS,
    GOOD_PATH,
    ID,
    after,
    answered,
    decided,
    later,
    planned,
    record,
    walked,
)

BAD_OWNER = replace(record(fence=4, incarnation=1, handoff=None), release="bad")
GOOD_OWNER = replace(record(fence=6, incarnation=9, handoff=None), release="new")
NO_ANSWER = answered(Refusal(reason="no answer in 2.5 s"))


def back(**changes: object) -> Handoff:
    return planned(back=True, **changes)


def back_at(step: Step) -> Handoff:
    return walked(step, back=True)


def vacated(answer: Opened | OpenRefused | Refusal) -> on.Vacated:
    return on.Vacated(answer=answer)


def vacating() -> Handoff:
    handoff, _ = after(back(sick="no answer in 2 s"), on.Begin())
    return handoff


def filling() -> Handoff:
    handoff, _ = after(vacating(), on.OwnerSeen(record=BAD_OWNER), vacated(Opened(incarnation=3)))
    return handoff


def test_a_sick_owner_is_not_asked_at_all() -> None:
    handoff, effects = after(back(sick="no answer in 2 s"), on.Begin())
    assert (handoff.step, effects) == (Step.VACATING, [on.AskOwner()])
    handoff, effects = after(handoff, on.OwnerSeen(record=BAD_OWNER))
    assert isinstance(effects[0], on.Vacate)
    assert effects[0].expected_fence == 4
    handoff, effects = after(handoff, vacated(Opened(incarnation=3)))
    assert effects == [on.Fill(incarnation=3, owner=BAD_OWNER)]
    handoff, effects = after(handoff, on.Filled(failure=None))
    assert (handoff.step, handoff.failure, effects) == (Step.DONE, None, [])


@pytest.mark.parametrize(
    ("step", "late_ms"),
    [(Step.PINNING, BACK_ANSWER_MS), (Step.QUIESCING, QUIESCE_DEADLINE_MS)],
)
def test_an_owner_that_does_not_answer_is_passed_over(step: Step, late_ms: int) -> None:
    handoff, effects = after(back_at(step), on.TimePassed(), now=later(wire_ms=late_ms + 1))
    assert handoff.step is Step.VACATING
    assert on.AskOwner() in effects


@pytest.mark.parametrize(
    "step", [Step.PINNING, Step.OPENING, Step.WARMING, Step.QUIESCING, Step.ADOPTING]
)
def test_a_refusal_on_the_owners_part_leads_to_a_vacancy_and_no_standby_stays(step: Step) -> None:
    before = back_at(step)
    handoff, effects = after(before, answered(said.HandoffFailed(handoff=ID, reason="broken")))
    assert handoff.step is Step.VACATING
    stays = before.incarnation is not None
    assert ([e for e in effects if isinstance(e, on.Dismiss)] != []) is stays


def test_an_owner_that_is_busy_for_ever_is_passed_over() -> None:
    handoff = back_at(Step.READY)
    busy = answered(said.HandoffFailed(handoff=ID, reason="busy: decides"))
    for _ in range(30):
        handoff, _ = after(handoff, ALLOWED, busy)
    assert handoff.step is Step.VACATING


def test_a_fence_that_is_refused_leads_to_a_vacancy_not_to_the_owner() -> None:
    handoff, effects = after(
        back_at(Step.FENCING), answered(FenceRefused(reason="the fence is 5, not 4", owner=None))
    )
    assert handoff.step is Step.VACATING
    assert on.AskResume() not in effects


def test_a_release_that_does_not_start_or_is_another_leaves_the_owner() -> None:
    handoff, _ = after(back_at(Step.CREATING), on.Created(failure="SyntaxError"), on.Left())
    assert (handoff.step, handoff.failure) == (Step.FAILED, "create: SyntaxError")
    odd = answered(said.HandoffFailed(handoff=ID, reason="attestation: says aa, its files are bb"))
    handoff, _ = after(back_at(Step.WARMING), odd, on.Left())
    assert handoff.step is Step.FAILED


def test_the_fence_that_moved_is_read_anew() -> None:
    handoff, effects = after(
        vacating(),
        on.OwnerSeen(record=BAD_OWNER),
        vacated(OpenRefused(reason="the fence is 5, not 4", fence=5)),
    )
    assert effects[-1] == on.AskOwner()
    _, effects = after(handoff, on.OwnerSeen(record=replace(BAD_OWNER, fence=5)))
    assert isinstance(effects[0], on.Vacate)
    assert effects[0].expected_fence == 5


def test_a_late_number_of_a_standby_is_not_taken_for_the_vacancys() -> None:
    handoff, _ = after(back_at(Step.OPENING), NO_ANSWER, on.OwnerSeen(record=BAD_OWNER))
    late, effects = after(handoff, answered(Opened(incarnation=2)))
    assert (late.step, effects) == (Step.VACATING, [])


def test_a_slot_that_the_supervisor_brought_back_meanwhile_is_left_there() -> None:
    handoff, effects = after(vacating(), on.OwnerSeen(record=GOOD_OWNER))
    assert (handoff.step, effects) == (Step.DONE, [])


def test_a_standby_of_its_own_that_was_given_up_is_no_good_owner() -> None:
    handoff, _ = after(back_at(Step.ADOPTING), answered(Refusal(reason="no answer")))
    handoff, effects = after(handoff, on.OwnerSeen(record=record()))
    assert handoff.step is Step.VACATING
    assert isinstance(effects[0], on.Vacate)


def test_a_gateway_that_hangs_is_asked_again_for_as_long_as_its_replacement_takes() -> None:
    handoff = vacating()
    for wire_ms in range(0, 20_000, 500):
        handoff, _ = after(handoff, on.TimePassed(), now=later(wire_ms=wire_ms))
    assert handoff.step is Step.VACATING
    assert VACATE_TRIES_MAX * VACATE_DEADLINE_MS > 20_000


def test_a_gateway_that_never_takes_the_vacancy_is_an_alarm() -> None:
    handoff, effects = vacating(), []
    for _ in range(VACATE_TRIES_MAX + 1):
        handoff, effects = after(handoff, vacated(OpenRefused(reason="no", fence=4)))
    assert handoff.step is Step.STUCK
    assert isinstance(effects[0], on.Alarm)


@pytest.mark.parametrize("event", [on.Filled(failure="no archive"), on.TimePassed()])
def test_a_process_that_does_not_take_the_slot_is_an_alarm(event: on.Event) -> None:
    late = later(wire_ms=FILL_DEADLINE_MS + 1)
    handoff, effects = after(filling(), event, now=late)
    assert handoff.step is Step.STUCK
    assert isinstance(effects[0], on.Alarm)


def test_a_release_gone_back_to_owns_its_slot_when_it_has_adopted() -> None:
    handoff, effects = after(back_at(Step.ADOPTING), answered(ADOPTED))
    assert (handoff.step, effects) == (Step.RETIRING, [on.Dismiss(incarnation=1)])
    assert after(handoff, on.Left())[0].step is Step.DONE


def test_an_operators_stop_leaves_what_is_on_its_way_with_the_good_release() -> None:
    asked = on.AbortAsked(reason="operator")
    assert after(vacating(), asked)[0].step is Step.VACATING
    assert after(filling(), asked)[0].step is Step.FILLING
    assert after(back_at(Step.ADOPTING), asked)[0].step is Step.ADOPTING
    assert after(back(), asked)[0].step is Step.FAILED


ODD: tuple[on.Event, ...] = (
    NO_ANSWER,
    answered(said.HandoffFailed(handoff=ID, reason="busy: decides")),
    answered(said.HandoffFailed(handoff=ID, reason="broken")),
    answered(replace(ADOPTED, logical_hash="other")),
    vacated(OpenRefused(reason="the fence is 5", fence=5)),
    answered(FenceRefused(reason="the fence is 5", owner=None)),
    answered(Opened(incarnation=7)),
    vacated(Opened(incarnation=8)),
    vacated(Refusal(reason="gateway: nobody there")),
    on.OwnerSeen(record=BAD_OWNER),
    on.OwnerSeen(record=GOOD_OWNER),
    on.OwnerSeen(record=record()),
    on.Created(failure="SyntaxError"),
    on.Filled(failure="no archive"),
    on.Filled(failure=None),
    on.TimePassed(),
    on.AbortAsked(reason="operator"),
    decided(failure="raised"),
    on.NothingDecided(looked_ms=DUE_MS),
)
EVENTS = st.lists(st.tuples(st.sampled_from((*GOOD_PATH, *ODD)), st.integers(0, 40_000)))


def walk(handoff: Handoff, events: Iterable[tuple[on.Event, int]]) -> list[tuple[Handoff, object]]:
    wire_ms, seen = 0, []
    for event, pause_ms in events:
        wire_ms += pause_ms
        handoff, effects = after(handoff, event, now=later(wire_ms=wire_ms, market_ms=wire_ms))
        seen += [(handoff, effect) for effect in effects or [None]]
    return seen


@given(EVENTS, st.sampled_from([None, "no answer"]))
def test_a_way_back_never_gives_the_slot_to_the_owner_that_is_to_go(
    events: list[tuple[on.Event, int]], sick: str | None
) -> None:
    for handoff, effect in walk(back(sick=sick), events):
        assert not isinstance(effect, on.AskTakeBack | on.AskResume)
        assert handoff.step not in {Step.RESUMING, Step.TAKING_BACK}


@given(EVENTS)
def test_a_slot_ends_once_and_by_vacancy_only_with_a_reason(
    events: list[tuple[on.Event, int]],
) -> None:
    steps = [
        handoff.step for handoff, _ in walk(back(sick="no answer"), [(on.Begin(), 0), *events])
    ]
    for one, following in itertools.pairwise(steps):
        assert one not in ENDED or following is one
