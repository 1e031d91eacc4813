"""Figures of the fleet: each is in the table, is there from the first answer, and ages."""

import msgspec
import pytest

from actors.gateway.status import OpenOrder
from actors.messages import OrderEnd
from actors.metrics.seen import LATENESS_BOUNDS_MS, SeenBefore, see
from actors.metrics.table import METRICS, SECTIONS
from actors.slot.state import Counts, LastDecision
from actors.supervisor.events import GatewaySeen, RolloutSeen, SlotSilent, StartAsked
from actors.supervisor.state import HUNG_AFTER_MS
from checkpoints.severity import Severity
from cluster.audit.winnings import Winnings
from cluster.status.page import (
    CountsView,
    FeedView,
    GatewayView,
    LastDecisionView,
    PositionView,
    SlotView,
    StatusReport,
)
from signals.market import Outcome, Side
from tests.actors.metrics.fleets import slot_says, told, whole_fleet
from tests.actors.supervisor.test_shared_watch import gateway
from tests.actors.supervisor.test_supervisor_step import SLOT, Watch

NO_FIGURE = {
    "StatusReport.slots": "a table of its own",
    "StatusReport.gateway": "a table of its own",
    "StatusReport.feeds": "a table of its own",
    "StatusReport.winnings": "a table of its own",
    "StatusReport.labels": "text",
    "StatusReport.gate": "text",
    "StatusReport.mode": "text, and the same for the life of a fleet",
    "SlotView.slot": "the label of the others",
    "SlotView.commit": "text: the release says more",
    "SlotView.params": "text: a digest",
    "SlotView.window_open_ms": "follows from market time",
    "SlotView.position": "a table of its own",
    "SlotView.last_decision": "a table of its own",
    "SlotView.counts": "a table of its own",
    "LastDecisionView.action": "text",
    "LastDecisionView.reason": "text",
    "PositionView.condition_id": "text: a market, of which there are new ones each 5 minutes",
    "PositionView.close_ms": "of one market",
    "GatewayView.name": "text",
    "GatewayView.trading_reason": "text",
    "FeedView.feed": "the label of the others",
    "FeedView.worst": "text",
    "Winnings.problem": "text",
}


def test_every_figure_of_the_status_page_is_a_metric_or_no_figure() -> None:
    views = (
        StatusReport,
        SlotView,
        CountsView,
        LastDecisionView,
        PositionView,
        GatewayView,
        FeedView,
        Winnings,
    )
    fields = {f"{view.__name__}.{name}" for view in views for name in view.__struct_fields__}
    shown = [field for row in METRICS.values() for field in row.shows]
    assert set(shown) | set(NO_FIGURE) == fields
    assert not set(shown) & set(NO_FIGURE)
    assert len(shown) == len(set(shown))


def test_a_fleet_that_has_answered_tells_every_metric_of_the_table_and_no_other() -> None:
    watch = whole_fleet()
    late = LastDecision(
        due_ms=watch.now_ms - 9,
        journaled_ms=watch.now_ms,
        action="hold",
        reason="",
        snapshot=None,
        release="aa",
    )
    slot_says(watch, last_decision=late)
    slot = msgspec.structs.replace(watch.state.slots[SLOT], memory_mb=141, release="aa" * 32)
    watch.state = msgspec.structs.replace(watch.state, slots={SLOT: slot})
    found = told(watch)
    assert {f"midstride_{name}" for name in found} == set(METRICS)
    for name, values in found.items():
        for labels in values:
            assert len(labels) == len(METRICS[f"midstride_{name}"].labels), name


def test_the_tables_names_are_one_each_and_fit_prometheus() -> None:
    names = [row.name for rows in SECTIONS.values() for row in rows]
    assert len(names) == len(set(names))
    for row in METRICS.values():
        assert row.name.replace("_", "").isalnum(), row
        assert row.name.islower(), row
        assert row.meaning, row


def test_counts_are_there_at_0_from_a_slots_first_answer() -> None:
    found = told(whole_fleet())
    assert found["missed_decisions_total"] == {(SLOT,): 0}
    assert found["decisions_total"] == {(SLOT,): 0}
    assert found["orders_ended_total"] == {(str(end),): 0 for end in OrderEnd}
    assert found["alarms_latched"] == {(str(severity),): 0 for severity in Severity}


def test_a_slot_that_holds_nothing_is_at_stake_with_0() -> None:
    watch = whole_fleet()
    watch.apply(GatewaySeen, status=gateway(exposure_micro_usd={"eth-5m": 2_000_000}))
    assert told(watch)["exposure_usd"] == {(SLOT,): 0, ("eth-5m",): 2}


def test_a_count_is_not_told_as_0_before_the_slot_has_answered() -> None:
    watch = Watch()
    watch.apply(StartAsked, slots=(SLOT,))
    found = told(watch)
    assert found["slot_live"] == {(SLOT,): 0}
    assert "missed_decisions_total" not in found
    assert "trading_state" not in found


def test_a_count_goes_on_over_incarnations_because_the_slot_keeps_it() -> None:
    watch = whole_fleet()
    slot_says(watch, counts=Counts(decisions=40, missed=2), incarnation=9, life="8-8")
    assert told(watch)["missed_decisions_total"] == {(SLOT,): 2}


def test_ages_of_the_gateway_and_the_feeds_grow_while_they_are_silent() -> None:
    watch = whole_fleet()
    before = told(watch)
    after = told(watch.after(60_000))
    for name in ("heartbeat_age_ms", "listed_age_ms", "feed_age_ms"):
        (old,), (new,) = before[name].values(), after[name].values()
        assert new == old + 60_000, name
    assert before["feed_fresh"] == {("candles",): 1}
    assert after["feed_fresh"] == {("candles",): 0}
    assert after["actor_silence_ms"][("gateway",)] == 60_000


def test_an_order_of_unknown_outcome_ages_with_the_gateways_silence() -> None:
    order = OpenOrder(
        slot=SLOT,
        order_id="0x1",
        condition_id="0x2",
        outcome=Outcome.UP,
        side=Side.BUY,
        price=1,
        shares=1,
        filled_shares=0,
        state="unknown",
        age_ms=20_000,
        close_ms=0,
    )
    watch = whole_fleet()
    assert told(watch)["order_unknown_age_ms_max"] == {(): 0}
    resting = msgspec.structs.replace(order, state="open", age_ms=90_000)
    watch.apply(GatewaySeen, status=gateway(open_orders=(order, resting)))
    assert told(watch.after(15_000))["order_unknown_age_ms_max"] == {(): 35_000}


def test_a_slot_that_is_silent_is_not_live_and_keeps_its_counts() -> None:
    watch = whole_fleet()
    slot_says(watch, counts=Counts(missed=3))
    watch.after(HUNG_AFTER_MS + 1).apply(SlotSilent, slot=SLOT, incarnation=1, reason="hangs")
    found = told(watch)
    assert found["slot_live"] == {(SLOT,): 0}
    assert found["missed_decisions_total"] == {(SLOT,): 3}


def decided(watch: Watch, seen: SeenBefore, due_ms: int, late_ms: int) -> SeenBefore:
    last = LastDecision(
        due_ms=due_ms,
        journaled_ms=due_ms + late_ms,
        action="hold",
        reason="",
        snapshot=None,
        release="aa",
    )
    slot_says(watch, last_decision=last)
    return see(seen, watch.state)


@pytest.mark.parametrize("late_ms", [0, 5, 6, 150, 10_000, 10_001])
def test_each_decision_is_counted_once_in_its_bucket(late_ms: int) -> None:
    watch = whole_fleet()
    seen = see(SeenBefore(), watch.state)
    for _ in range(3):  # the same decision, seen in three answers
        seen = decided(watch, seen, watch.now_ms, late_ms)
    buckets = told(watch, seen)["decision_lateness_ms_bucket"]
    for bound in LATENESS_BOUNDS_MS:
        assert buckets[(str(bound),)] == (late_ms <= bound)
    assert buckets[("+Inf",)] == 1


def test_a_decision_from_before_the_supervisor_looked_is_not_counted() -> None:
    watch = whole_fleet()
    seen = decided(watch, SeenBefore(), watch.now_ms, 7)
    assert set(told(watch, seen)["decision_lateness_ms_bucket"].values()) == {0}


def test_a_checkpoints_age_is_since_a_new_one_was_seen() -> None:
    watch = whole_fleet()
    slot_says(watch, checkpoint_sequence=4, journal_sequence=9)
    seen = see(SeenBefore(), watch.state)
    slot_says(watch.after(600_000), checkpoint_sequence=4, journal_sequence=20)
    seen = see(seen, watch.state)
    assert told(watch, seen)["checkpoint_age_ms"] == {(SLOT,): 600_000}
    assert told(watch, seen)["checkpoint_behind_rows"] == {(SLOT,): 16}
    slot_says(watch, checkpoint_sequence=20, journal_sequence=20)
    assert told(watch, see(seen, watch.state))["checkpoint_age_ms"] == {(SLOT,): 0}


def test_a_roll_that_goes_on_and_one_that_does_not() -> None:
    watch = whole_fleet()
    assert told(watch)["rollout_active"] == {(): 0}
    for progress in ("a", "b"):
        watch.after(60_000).apply(
            RolloutSeen, rollout="r1", beat_wire_ms=watch.now_ms, progress=progress
        )
        assert told(watch)["rollout_progress_age_ms"] == {(): 0}
    watch.after(9_000).apply(RolloutSeen, rollout="r1", beat_wire_ms=watch.now_ms, progress="b")
    found = told(watch.after(2_000))
    assert found["rollout_progress_age_ms"] == {(): 11_000}
    assert found["rollout_beat_age_ms"] == {(): 2_000}
    watch.apply(RolloutSeen, rollout=None)
    assert told(watch)["rollout_progress_age_ms"] == {(): 0}


def test_a_release_that_no_slot_runs_any_more_goes_to_0() -> None:
    watch = whole_fleet()
    seen = msgspec.structs.replace(see(SeenBefore(), watch.state), releases=frozenset({"old"}))
    assert told(watch, seen)["release_slots"][("old",)] == 0
