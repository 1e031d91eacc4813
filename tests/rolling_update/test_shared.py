"""`--all` on a real fleet: supervisor, market data and gateway change hands under trading."""

from pathlib import Path

import msgspec
import pytest

from actors.directory import Kind, serving
from actors.gateway.lock import CURRENT_FILE, Current
from actors.rollout.report import Report
from tests.actors.rollout.queue_places import rests
from tests.rolling_update.fleet import Fleet
from tests.rolling_update.trees import copy_tree, edit, release_in

pytestmark = [pytest.mark.nemesis, pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1500)]
GAP_MS_MAX = 6_000
KINDS = ["supervisor", "market-data", "gateway"]


def assert_replaced(fleet: Fleet, report: Report) -> None:
    assert report.outcome == "done", report
    assert [actor.kind for actor in report.shared] == KINDS
    assert {actor.step for actor in report.shared} == {"done"}
    assert report.shared[-1].heartbeat_gap_ms <= GAP_MS_MAX, report.shared
    current = msgspec.json.decode(fleet.storage.read(CURRENT_FILE), type=Current)
    served = [
        serving(fleet.storage, Kind.SUPERVISOR),
        fleet.storage.read("market-data/current").decode(),
        current.name,
    ]
    assert served == [actor.new for actor in report.shared]


def assert_nothing_lost(fleet: Fleet) -> None:
    verdict = fleet.verdict()
    assert verdict.missed == 0, verdict.missed_points
    assert verdict.differences == []
    found = rests(fleet.state.sandbox)
    assert [rest for rest in found.values() if rest.times_rested > 1] == []
    assert [rest for rest in found.values() if rest.end == "heartbeat"] == []


def test_all_shared_actors_change_hands_under_trading_and_back(
    fleet: Fleet, tmp_path: Path
) -> None:
    (old,) = fleet.releases()  # other tests may have rolled this fleet before
    tree = copy_tree(tmp_path / "edited")
    edit(tree, "signals/params.toml", "strong_body_atr = 0.6 ", "strong_body_atr = 0.62 ")
    report = fleet.roll(tree, "--shadow=0", "--all")
    assert_replaced(fleet, report)
    fleet.await_decisions(3)
    assert fleet.releases() == {release_in(tree)}
    assert_nothing_lost(fleet)
    assert [state.alarm.id for state in fleet.alarms()] == []

    before = len(report.shared)
    code, output = fleet.command("rolling-update", "rollback", "--shadow=0", "--all", tree=tree)
    assert code == 0, output
    fleet.await_decisions(3)
    assert fleet.releases() == {old}
    assert_nothing_lost(fleet)
    assert before == len(KINDS)
