"""Who is next: two starting, one switching, slot after slot back at an operator's stop."""

from msgspec.structs import replace

from actors.messages import Refusal
from actors.rollout import handoff_events as on
from actors.rollout import rollout_step as roll
from actors.rollout.handoff_state import Step
from actors.rollout.rollout_pace import START_PATIENCE_MS, TOGETHER_AT_ONCE, UNDO_WAIT_MS
from actors.rollout.rollout_state import Options, Phase, Rollout
from signals.market import CYCLE_MS
from tests.actors.rollout.handoffs import (
    ADOPTED,
    QUIESCED,
    WARMED,
    answered,
    decided,
)
from tests.actors.rollout.rollouts import (
    SCHEDULE,
    SLOTS,
    Answerer,
    begun,
    drained,
    good_answer,
    now,
    run,
    steps,
)


def test_a_switch_waits_for_the_start_under_way_and_the_next_start_for_the_switch() -> None:
    rollout = begun(Options(shadow=0))
    first, second, third = rollout.order[:3]

    def held(*slots: str) -> Answerer:
        def answer(slot: str, effect: on.Effect) -> on.Event | None:
            waits = isinstance(effect, on.Create | on.AskQuiesce) and slot in slots
            return None if waits else good_answer(effect)

        return answer

    def steps(of: Rollout) -> list[Step]:
        return [of.handoffs[slot].step for slot in (first, second, third)]

    rollout = drained(rollout, (roll.Tick(),), held(second, third), now(30_000))
    assert steps(rollout) == [Step.READY, Step.CREATING, Step.PLANNED]
    started = roll.SlotEvent(slot=second, event=on.Created(failure=None))
    rollout = drained(rollout, (started,), held(second, third), now(30_100))
    assert steps(rollout) == [Step.CONFIRMING, Step.QUIESCING, Step.PLANNED]
    quiesced = roll.SlotEvent(slot=second, event=answered(QUIESCED))
    rollout = drained(rollout, (quiesced,), held(second, third), now(30_200))
    assert steps(rollout) == [Step.CONFIRMING, Step.CONFIRMING, Step.CREATING]


def test_a_start_that_hangs_keeps_nobody_from_a_switch() -> None:
    rollout = begun(Options(shadow=0))
    first, second = rollout.order[:2]

    def answer(slot: str, effect: on.Effect) -> on.Event | None:
        hangs = slot == second and isinstance(effect, on.Create)
        return None if hangs else good_answer(effect)

    late = now(30_000 + int(SCHEDULE.clock.speed) * START_PATIENCE_MS)
    nearly = replace(late, wire_ms=late.wire_ms - 1)
    rollout = drained(rollout, (roll.Tick(),), answer, now(30_000))
    rollout = drained(rollout, (roll.Tick(),), answer, nearly)
    assert steps(rollout, (first, second)) == [Step.READY, Step.CREATING]
    rollout = drained(rollout, (roll.Tick(),), answer, late)
    assert steps(rollout, (first, second)) == [Step.CONFIRMING, Step.CREATING]


def test_a_standby_that_waits_for_a_decision_to_shadow_keeps_nobody_from_starting() -> None:
    def answer(_: str, effect: on.Effect) -> on.Event | None:
        return None if isinstance(effect, on.AskShadow) else good_answer(effect)

    rollout = drained(begun(Options(shadow=1)), (roll.Tick(),), answer, now(30_000))
    assert {handoff.step for handoff in rollout.handoffs.values()} == {Step.SHADOWING}


def test_together_switches_nobody_before_all_are_ready() -> None:
    rollout = begun(Options(together=True, shadow=0))
    held = "zec-15m"

    def answer(slot: str, effect: on.Effect) -> on.Event | None:
        if slot == held and isinstance(effect, on.AskWarm):
            return None
        return good_answer(effect)

    rollout = run(rollout, answer, cycles=1)
    steps = {h.step for slot, h in rollout.handoffs.items() if slot != held}
    assert steps == {Step.READY}
    event = roll.SlotEvent(slot=held, event=answered(WARMED))
    rollout = drained(rollout, (event,), answer, now(CYCLE_MS + 30_000))
    assert run(rollout, answer).phase is Phase.DONE


def test_together_two_slots_switch_at_a_time_and_the_canary_by_itself() -> None:
    def answer(_: str, effect: on.Effect) -> on.Event | None:
        return None if isinstance(effect, on.AskQuiesce) else good_answer(effect)

    rollout = begun(Options(together=True, shadow=0))
    rollout = drained(rollout, (roll.Tick(),), answer, now(30_000))
    assert steps(rollout, rollout.order).count(Step.QUIESCING) == TOGETHER_AT_ONCE
    quiesced = roll.SlotEvent(slot=rollout.order[0], event=answered(QUIESCED))
    rollout = drained(rollout, (quiesced,), answer, now(30_010))
    assert steps(rollout, rollout.order)[:4] == [
        Step.CONFIRMING,
        Step.QUIESCING,
        Step.QUIESCING,
        Step.READY,
    ]
    canary = begun(Options(canary="sol-5m", together=True, shadow=0))
    canary = drained(canary, (roll.Tick(),), answer, now(30_000))
    assert steps(canary, canary.order[:2]) == [Step.QUIESCING, Step.PLANNED]


def switched(count: int) -> Rollout:
    """Return a rollout of that many slots, all of them confirming."""
    rollout = begun(Options(shadow=0), SLOTS[:count])
    rollout = drained(rollout, (roll.Tick(),), lambda _, e: good_answer(e), now(30_000))
    assert steps(rollout, rollout.order) == [Step.CONFIRMING] * count
    return rollout


def taken_back(slot: str) -> roll.SlotEvent:
    return roll.SlotEvent(slot=slot, event=answered(ADOPTED))


STOP = roll.Stop(reason="operator")


def test_an_operators_stop_takes_slots_back_one_after_the_other() -> None:
    rollout = switched(3)
    first, second, third = rollout.order[:3]
    rollout, effects = roll.step(rollout, STOP, now(31_000))
    assert rollout.phase is Phase.STOPPING
    assert [e.slot for e in effects if isinstance(e.effect, on.AskTakeBack)] == [first]
    assert steps(rollout, (second, third)) == [Step.CONFIRMING] * 2
    rollout, effects = roll.step(rollout, taken_back(first), now(31_100))
    assert [e.slot for e in effects if isinstance(e.effect, on.AskTakeBack)] == [second]
    for slot in (second, third):
        rollout, _ = roll.step(rollout, taken_back(slot), now(31_200))
    assert steps(rollout, (first, second, third)) == [Step.DISCARDING] * 3
    assert {h.failure for h in rollout.handoffs.values()} == {"abort: operator"}


def test_a_take_back_without_an_answer_keeps_the_next_for_half_a_second() -> None:
    rollout, _ = roll.step(switched(2), STOP, now(31_000))
    first, second = rollout.order[:2]
    short = on.Now(wire_ms=now(31_000).wire_ms + UNDO_WAIT_MS - 1, market_ms=32_000)
    rollout, _ = roll.step(rollout, roll.Tick(), short)
    assert steps(rollout, (first, second)) == [Step.TAKING_BACK, Step.CONFIRMING]
    long = on.Now(wire_ms=now(31_000).wire_ms + UNDO_WAIT_MS, market_ms=32_000)
    rollout, _ = roll.step(rollout, roll.Tick(), long)
    assert steps(rollout, (first, second)) == [Step.TAKING_BACK] * 2


def test_a_take_back_that_was_refused_once_keeps_nobody() -> None:
    rollout, _ = roll.step(switched(2), STOP, now(31_000))
    first, second = rollout.order
    refused = answered(Refusal(reason="nobody there"))
    rollout, _ = roll.step(rollout, roll.SlotEvent(slot=first, event=refused), now(31_010))
    assert steps(rollout, (first, second)) == [Step.TAKING_BACK] * 2


def test_a_switch_under_way_at_the_stop_is_taken_back_when_it_has_ended() -> None:
    rollout = begun(Options(shadow=0), SLOTS[:2])
    first, second = rollout.order

    def answer(slot: str, effect: on.Effect) -> on.Event | None:
        held = slot == second and isinstance(effect, on.AskAdopt)
        return None if held else good_answer(effect)

    rollout = drained(rollout, (roll.Tick(),), answer, now(30_000))
    assert steps(rollout, rollout.order) == [Step.CONFIRMING, Step.ADOPTING]
    rollout, effects = roll.step(rollout, STOP, now(30_010))
    assert not any(isinstance(e.effect, on.AskTakeBack) for e in effects)
    adopted = roll.SlotEvent(slot=second, event=answered(ADOPTED))
    rollout, _ = roll.step(rollout, adopted, now(30_020))
    rollout, effects = roll.step(rollout, taken_back(first), now(30_030))
    assert steps(rollout, (second,)) == [Step.TAKING_BACK]


def test_a_slot_that_was_confirmed_before_its_turn_stays() -> None:
    rollout, _ = roll.step(switched(2), STOP, now(31_000))
    second = rollout.order[1]
    confirmed = roll.SlotEvent(slot=second, event=decided())
    rollout, _ = roll.step(rollout, confirmed, now(31_010))
    rollout = drained(rollout, (taken_back(rollout.order[0]),), lambda _, e: good_answer(e), now(0))
    assert steps(rollout, rollout.order[:2]) == [Step.FAILED, Step.RETIRING]
    left = roll.SlotEvent(slot=second, event=on.Left())
    rollout, effects = roll.step(rollout, left, now(31_020))
    assert rollout.phase is Phase.STOPPED
    assert "1 of 2 slots run the new release" in str(effects)
