"""The page of one trade: what part of the journal it needs, and what a second run is told as."""

from pathlib import Path

import pytest

from checkpoints.storage import LocalStorage
from cluster.audit.chain import trade_chain
from cluster.audit.journal_view import JournalView, Within
from cluster.audit.problem import Problem
from cluster.replay.compare import Difference
from cluster.replay.result import Differing, Replayed
from cluster.web.views.trades import PROBLEMS_MAX, problem_lines, rerun_of, trade_view, within_of
from signals.market import Outcome
from tests.cluster.audit.builders import DAY, GATEWAY, MARKET_DATA, Story

RELEASE = "ab" * 32
NOTHING = Replayed(
    ran_in="processes",
    with_release=None,
    decisions=1,
    made=1,
    identical=1,
    without_strategy=0,
    refused=0,
    identical_share=1.0,
    all_identical=True,
    seconds=0.1,
    decisions_per_second=1.0,
    decisions_per_second_per_process=1.0,
    processes=1,
    releases=(),
    differing_count=0,
    differing=(),
    suspect=None,
    problems=(),
)


def test_a_trade_is_told_from_its_snapshot_to_its_money_with_each_release(tmp_path: Path) -> None:
    story = Story(LocalStorage(tmp_path), RELEASE)
    intent = story.trade(Outcome.UP).intents[0].intent_id
    within = within_of(intent, DAY)
    assert within == Within(slot="btc-5m", first_day="2025-12-31", last_day="2026-01-03")
    view = trade_view(trade_chain(JournalView(tmp_path, within=within), intent), intent)
    steps = [line.step for line in view.lines]
    assert steps[0] == "snapshot"
    assert steps[-1] == "p&l"
    assert {"decision", "intent", "risk", "order", "fill", "settlement"} <= set(steps)
    assert set(view.releases) == {RELEASE, GATEWAY, MARKET_DATA}
    assert {one.state for one in view.inputs} <= {"fresh", "STALE"}
    assert view.problems == ()


@pytest.mark.parametrize(
    "identity",
    ["0xabc", "btc-5m/1/2", "no slot/1/2/0", "btc-5m/1/x/0", "a'; drop/1/2/3", "", "/" * 99],
)
def test_an_id_that_names_no_decision_point_is_looked_for_in_the_latest_days(identity: str) -> None:
    assert within_of(identity, DAY) == Within(first_day="2025-12-31")


@pytest.mark.parametrize("due", ["0", "9" * 18, "9" * 4_000])
def test_a_decision_point_that_is_no_time_is_no_error(due: str) -> None:
    assert within_of(f"btc-5m/1/{due}/0", DAY).slot == "btc-5m"


def test_a_second_run_is_identical_or_names_what_differs() -> None:
    from msgspec.structs import replace

    assert rerun_of(NOTHING).said.startswith("identical")
    blocked = rerun_of(replace(NOTHING, made=0, identical=0, without_strategy=1))
    assert blocked.said.startswith("nothing to run again")
    one = Differing(
        slot="btc-5m",
        sequence=7,
        due_ms=1,
        release=RELEASE,
        difference=Difference(field="fair_up", recorded="0.5", made="0.6"),
        recorded="no_trade",
        made="trade",
    )
    other = rerun_of(replace(NOTHING, identical=0, all_identical=False, differing=(one,)))
    assert other.said == "DIFFERS from the record"
    assert other.differences == ("fair_up: recorded 0.5, now 0.6",)
    lost = Problem(kind="missing", subject="release", reason="is not in the archive")
    refused = rerun_of(replace(NOTHING, made=0, all_identical=False, problems=(lost,)))
    assert refused.said == "it could not be made again"
    assert refused.differences == ("missing: release: is not in the archive",)


def test_problems_are_bounded() -> None:
    many = [Problem(kind="k", subject="s", reason="r")] * (PROBLEMS_MAX + 4)
    assert problem_lines(many)[-1] == "and 4 more"
