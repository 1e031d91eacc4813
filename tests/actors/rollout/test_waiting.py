"""What a rollout waited for on purpose, apart from what it cost."""

from msgspec.structs import replace

from actors.rollout.handoff_state import Step
from actors.rollout.report import make_report, page
from actors.rollout.rollout_state import Options, Rollout
from actors.rollout.waiting import BAKE, CONFIRM, QUIET, SHADOW, Waiting, waits_for
from tests.actors.rollout.rollouts import SLOTS, begun

FIRST, SECOND = SLOTS[:2]


def at(**steps: Step) -> Rollout:
    rollout = begun(Options())
    handoffs = {
        slot: replace(handoff, step=steps.get(name, Step.PLANNED))
        for (slot, handoff), name in zip(rollout.handoffs.items(), named(rollout), strict=True)
    }
    return replace(rollout, handoffs=handoffs)


def named(rollout: Rollout) -> list[str]:
    return [{FIRST: "first", SECOND: "second"}.get(slot, slot) for slot in rollout.handoffs]


def test_what_is_planned_or_ended_waits_for_nothing() -> None:
    assert waits_for(at()) is None
    assert waits_for(at(first=Step.DONE)) is None
    assert waits_for(at(first=Step.DONE, second=Step.READY)) == QUIET


def test_a_rollout_waits_only_while_nothing_in_it_is_at_work() -> None:
    assert waits_for(at(first=Step.SHADOWING)) == SHADOW
    assert waits_for(at(first=Step.SHADOWING, second=Step.READY)) == SHADOW
    assert waits_for(at(first=Step.SHADOWING, second=Step.WARMING)) is None
    assert waits_for(at(first=Step.READY, second=Step.FENCING)) is None
    assert waits_for(at(first=Step.CONFIRMING)) == CONFIRM


def test_a_decision_after_the_confirming_one_is_baking() -> None:
    rollout = at(first=Step.CONFIRMING)
    confirmed = replace(rollout.handoffs[FIRST], confirmed=1)
    assert waits_for(replace(rollout, handoffs=rollout.handoffs | {FIRST: confirmed})) == BAKE


def test_time_is_added_up_by_what_was_waited_for_and_reported() -> None:
    waiting = Waiting()
    waiting.see(at(first=Step.WARMING), 1_000.0)
    waiting.see(at(first=Step.READY), 1_100.0)
    waiting.see(at(first=Step.READY), 1_150.0)
    waiting.see(at(first=Step.QUIESCING), 1_400.0)
    waiting.see(at(first=Step.CONFIRMING), 1_410.0)
    waiting.see(at(first=Step.RETIRING), 3_410.0)
    assert waiting.waited_ms == {QUIET: 300.0, CONFIRM: 2_000.0}
    report = make_report(at(first=Step.DONE), 0.0, {}, waiting.waited_ms)
    assert "waited for quiet: 0.3 s" in page(report)


def test_the_report_says_what_the_submission_took_before_the_roll_began() -> None:
    rollout = at(first=Step.DONE)
    report = make_report(rollout, rollout.started_wire_ms - 3_093.0, {})
    assert report.submit_to_begin_ms == 3_093.0
    assert "from submission to its begin: 3.1 s" in page(report)
