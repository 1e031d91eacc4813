"""The course of a rollout: canary first, one release for all, stop on the first failure."""

from actors.messages import Opened, Refusal
from actors.rollout import handoff_events as on
from actors.rollout import rollout_step as roll
from actors.rollout.handoff_state import Step
from actors.rollout.rollout_state import Options, Phase
from tests.actors.rollout.handoffs import (
    answered,
)
from tests.actors.rollout.rollouts import begun, drained, good_answer, now, run


def test_sixteen_slots_end_on_the_new_release() -> None:
    ended = run(begun(Options(canary="eth-5m")), lambda _, effect: good_answer(effect))
    assert ended.phase is Phase.DONE
    assert {h.step for h in ended.handoffs.values()} == {Step.DONE}


def test_nothing_but_the_canary_is_touched_until_it_has_baked() -> None:
    options = Options(canary="eth-5m", bake=3)
    rollout = begun(options)
    for cycles in range(1, 4):
        rollout = run(rollout, lambda _, effect: good_answer(effect), cycles=1)
        others = {h.step for slot, h in rollout.handoffs.items() if slot != "eth-5m"}
        assert others == {Step.PLANNED}, cycles
    ended = run(rollout, lambda _, effect: good_answer(effect))
    assert ended.phase is Phase.DONE


def test_a_release_that_is_bad_on_one_asset_stops_the_roll_and_raises_one_alarm() -> None:
    alarms: list[on.Effect] = []

    def answer(slot: str, effect: on.Effect) -> on.Event | None:
        if isinstance(effect, on.Alarm):
            alarms.append(effect)
        if slot == "doge-5m" and isinstance(effect, on.AskWarm):
            return answered(Refusal(reason="raises on import"))
        return good_answer(effect)

    rollout = run(begun(Options(canary="btc-5m")), answer)
    assert rollout.phase is Phase.STOPPED
    assert rollout.handoffs["doge-5m"].step is Step.FAILED
    assert rollout.handoffs["zec-15m"].step is Step.FAILED
    assert len(alarms) == 1
    assert "raises on import" in str(alarms)


def test_a_slot_that_waited_for_its_number_when_another_failed_is_aborted_after_it() -> None:
    rollout = begun(Options())
    first, second = rollout.order[:2]

    def answer(slot: str, effect: on.Effect) -> on.Event | None:
        if slot == first and isinstance(effect, on.AskBase):
            return answered(Refusal(reason="nobody there"))
        if slot == second and isinstance(effect, on.Open):
            return None  # its answer comes after the roll has stopped
        return good_answer(effect)

    rollout = drained(rollout, (roll.Tick(),), answer, now(30_000))
    assert (rollout.phase, rollout.handoffs[second].step) == (Phase.STOPPING, Step.OPENING)
    late = roll.SlotEvent(slot=second, event=answered(Opened(incarnation=2)))
    rollout = drained(rollout, (late,), answer, now(31_000))
    assert rollout.phase is Phase.STOPPED
    assert rollout.handoffs[second].step is Step.FAILED
