"""When the driver looks into the journal for a confirming decision."""

from msgspec.structs import replace

from cluster import rollout_step as roll
from cluster.handoff_state import Step
from cluster.rolling_update.driver import confirmable
from tests.cluster.test_handoff_step import record
from tests.cluster.test_rollout_step import begun

DUE_MS = 320_000


def confirming(step: Step, due_ms: int | None) -> roll.Rollout:
    rollout = begun(roll.Options(shadow=0))
    handoff = replace(
        rollout.handoffs["btc-5m"],
        step=step,
        record=record(),
        confirm_due_ms=due_ms,
        seen_sequence=11,
    )
    return replace(rollout, handoffs=rollout.handoffs | {"btc-5m": handoff})


def test_no_look_is_taken_before_the_confirming_decision_is_due() -> None:
    rollout = confirming(Step.CONFIRMING, DUE_MS)
    assert list(confirmable(rollout, DUE_MS - 1)) == []
    assert list(confirmable(rollout, DUE_MS)) == [("btc-5m", 11)]


def test_a_decision_whose_due_time_is_not_known_is_looked_for_at_once() -> None:
    assert list(confirmable(confirming(Step.CONFIRMING, None), 0)) == [("btc-5m", 11)]


def test_only_confirming_slots_are_looked_at() -> None:
    assert list(confirmable(confirming(Step.RETIRING, DUE_MS), DUE_MS)) == []
