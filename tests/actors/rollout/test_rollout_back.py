"""The course of a way back: the sick first, none waits for another, each failure is named."""

from actors.messages import Refusal
from actors.rollout import handoff_events as on
from actors.rollout import handoff_messages as said
from actors.rollout import rollout_step as roll
from actors.rollout.handoff_state import Step
from actors.rollout.rollout_pace import VACANCIES_AT_ONCE
from actors.rollout.rollout_state import Phase
from tests.actors.rollout.handoffs import ID, answered
from tests.actors.rollout.rollouts import SLOTS, begun_back, drained, good_answer, now, run, steps


def test_all_slots_come_back_sick_or_well() -> None:
    ended = run(begun_back({"eth-5m": "no answer", "sol-5m": "no answer"}), _good)
    assert ended.phase is Phase.DONE
    assert {h.step for h in ended.handoffs.values()} == {Step.DONE}


def _good(_slot: str, effect: on.Effect) -> on.Event | None:
    return good_answer(effect)


def test_the_sick_are_back_before_a_well_one_is_asked_anything() -> None:
    sick = dict.fromkeys(SLOTS[3:9], "no answer")
    asked: list[str] = []

    def answer(slot: str, effect: on.Effect) -> on.Event | None:
        asked.append(slot)
        return good_answer(effect)

    rollout = drained(begun_back(sick), (roll.Tick(),), answer, now(30_000))
    assert set(steps(rollout, tuple(sick))) == {Step.DONE}
    first_well = next(i for i, slot in enumerate(asked) if slot not in sick)
    assert set(sick) <= set(asked[:first_well])


def test_no_moment_before_a_decision_keeps_a_sick_slot_waiting() -> None:
    before_all_are_due = now(19_999)
    rollout = begun_back({"eth-5m": "no answer"})
    rollout = drained(rollout, (roll.Tick(),), _good, before_all_are_due)
    assert rollout.handoffs["eth-5m"].step is Step.DONE


def test_no_more_start_at_once_than_the_machine_bears() -> None:
    rollout = begun_back(dict.fromkeys(SLOTS, "no answer"))
    started = drained(rollout, (roll.Tick(),), lambda _slot, _effect: None, now(30_000))
    vacating = [h for h in started.handoffs.values() if h.step is Step.VACATING]
    assert len(vacating) == VACANCIES_AT_ONCE
    ended = run(rollout, _good)
    assert ended.phase is Phase.DONE


def test_a_slot_that_cannot_be_brought_back_keeps_no_other_and_is_named() -> None:
    def answer(slot: str, effect: on.Effect) -> on.Event | None:
        if slot == "eth-5m" and isinstance(effect, on.Fill):
            return on.Filled(failure="its disk is full")
        if slot == "sol-5m" and isinstance(effect, on.Create):
            return on.Created(failure="no memory")
        return good_answer(effect)

    ended = run(begun_back({"eth-5m": "no answer"}), answer)
    assert ended.phase is Phase.STOPPED
    others = tuple(slot for slot in SLOTS if slot not in {"eth-5m", "sol-5m"})
    assert set(steps(ended, others)) == {Step.DONE}
    assert ended.failure is not None
    assert "eth-5m: by vacancy, since no answer; its disk is full" in ended.failure
    assert "sol-5m: create: no memory" in ended.failure


def test_an_owner_that_hangs_when_it_is_asked_keeps_no_other_slot() -> None:
    def answer(slot: str, effect: on.Effect) -> on.Event | None:
        if slot == "eth-5m" and isinstance(effect, on.AskBase):
            return None
        if slot == "sol-5m" and isinstance(effect, on.AskQuiesce):
            return answered(said.HandoffFailed(handoff=ID, reason="broken"))
        if slot == "xrp-5m" and isinstance(effect, on.AskQuiesce):
            return answered(Refusal(reason="no answer in 2.5 s"))
        return good_answer(effect)

    ended = run(begun_back({}), answer)
    assert ended.phase is Phase.DONE
    assert {s for s in SLOTS if ended.handoffs[s].vacated} == {"eth-5m", "sol-5m", "xrp-5m"}


def test_an_operators_stop_keeps_what_came_back_and_begins_nothing_new() -> None:
    rollout = begun_back({"eth-5m": "no answer"})
    stop = roll.Stop(reason="the operator")
    rollout = drained(rollout, (roll.Tick(), stop), _good, now(30_000))
    for _ in range(3):
        rollout = drained(rollout, (roll.Tick(),), _good, now(60_000))
    assert rollout.phase is Phase.STOPPED
    assert rollout.handoffs["eth-5m"].step is Step.DONE
    assert Step.PLANNED not in {h.step for h in rollout.handoffs.values()}
