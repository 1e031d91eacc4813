"""A live fleet beside stand-ins: asked for twice, it trades, is updated, taken back, stopped."""

import signal
from pathlib import Path

import pytest

from actors.live.confirmation import in_force
from actors.shared_kind import Kind
from cluster.local.head import ensure_head
from cluster.local.state_folder import HeadPorts
from tests.cluster.gate.closed_fleet import clean_tree
from tests.cluster.live_fleet import LiveFleet, live_fleet
from tests.nemesis.drive import Cell
from tests.nemesis.matrix import OTHER, Matrix, faults_of, line
from tests.rolling_update.trees import release_in

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1800)]
TUNED = (
    "signals/factors/pattern.py",
    "shapes.bullish(bars, params.strong_body_atr)",
    "shapes.bullish(bars, 1.05 * params.strong_body_atr)",
)
BROKEN = (
    "signals/factors/pattern.py",
    "shapes.bullish(bars, params.strong_body_atr)",
    "shapes.bullish(bars, 1 / 0)",
)
BLOWS = (
    Cell(victim="old", blow="kill", step="Quiesce"),
    Cell(victim="new", blow="kill", step="fence", after=True),
    Cell(victim="gateway", blow="kill", step="fence"),
    Cell(victim="supervisor", blow="kill", step="Quiesce"),
    Cell(victim="driver", blow="kill", step="fence", after=True),
)


@pytest.mark.nemesis
def test_a_live_fleet_is_asked_for_twice_trades_rolls_and_stops(tmp_path: Path) -> None:
    with live_fleet(tmp_path) as fleet:
        code, said = fleet.run()
        assert (code, "no plan that was applied covers release" in said) == (1, True), said
        assert "risk.order_micro_usd not approved -> 5000000" in " ".join(said.split())
        fleet.let_in()
        text = fleet.full_text()
        code, said = fleet.run(f"--confirm={text[:-1]}0")
        assert (code, "not confirmed" in said) == (1, True), said
        fleet.start()
        assert in_force(fleet.storage) is not None
        fleet.await_decisions(1)
        old = release_in(fleet.tree)
        tree = clean_tree(tmp_path / "tuned", TUNED)
        code, said = fleet.apply(tree, fleet.approved(tree, "--shadow=0"))
        assert code == 0, said
        fleet.await_decisions(1)
        assert fleet.releases() == {release_in(tree)}
        code, said = fleet.command("rolling-update", "rollback", "--shadow=0")
        assert code == 0, said
        fleet.await_decisions(1)
        assert fleet.releases() == {old}
        verdict = fleet.verdict()
        assert (verdict.missed, verdict.differences) == (0, [])
        fleet.stop()
        assert in_force(fleet.storage) is None, "a person's next start is asked again"
        print(f"\nlive beside stand-ins: {verdict}")


@pytest.mark.nemesis
def test_a_bad_release_a_dead_head_and_a_launch_by_hand_in_live_mode(tmp_path: Path) -> None:
    with live_fleet(tmp_path) as fleet:
        fleet.start_approved()
        fleet.await_decisions(1)
        old = release_in(fleet.tree)
        tree = clean_tree(tmp_path / "broken", BROKEN)
        report = fleet.roll(tree, fleet.approved(tree, "--shadow=1", "--replay=0"))
        assert (report.outcome, report.switched) == ("stopped", 0), report
        fleet.clear_alarms()
        fleet.await_decisions(1)
        assert fleet.releases() == {old}

        head = fleet.state.read_run().head
        assert head is not None
        head.signal(signal.SIGKILL)
        fleet.wait(lambda: _came_back(fleet, head.pid), "restart by the watcher", 420.0)
        fleet.await_decisions(1)
        assert in_force(fleet.storage) is not None, "a restart is not asked"

        verdict = fleet.verdict()
        assert verdict.differences == []
        fleet.stop()
        ensure_head(fleet.state, HeadPorts.starting_at(fleet.ports))
        said = fleet.job(fleet.tree, *by_hand(fleet), must_succeed=False)
        assert "nobody has confirmed this live start" in " ".join(said.split())
        print(f"\nlive, a bad release and a dead head: {verdict}")


@pytest.mark.nemesis
def test_a_roll_of_all_and_blows_in_mid_roll_cost_a_live_fleet_no_decision(tmp_path: Path) -> None:
    """Market time is wall time: a decision each half minute, all of them by then or missed."""
    with live_fleet(tmp_path) as fleet:
        fleet.start_approved()
        fleet.await_decisions(1)
        old = release_in(fleet.tree)
        tree = clean_tree(tmp_path / "everything", OTHER)
        report = fleet.roll(tree, fleet.approved(tree, "--shadow=0", "--all"))
        assert report.outcome == "done", report
        assert len(report.shared) == len(Kind), report
        fleet.await_decisions(1)
        assert fleet.releases() == {release_in(tree)}
        bad = {}
        for ending in Matrix(fleet, tmp_path).run(BLOWS):
            print(line(ending), flush=True)
            if faults_of(ending):
                bad[ending.cell.name] = faults_of(ending)
        fleet.clear_alarms()
        back = ("rolling-update", "rollback", "--shadow=0", "--all", f"--to={old}")
        code, said = fleet.command(*back)
        assert code == 0, said
        fleet.await_decisions(2)
        assert fleet.releases() == {old}
        code, said = fleet.command("audit", "reconcile")
        assert code == 0, said
        verdict = fleet.verdict()
    assert bad == {}
    assert (verdict.missed, verdict.differences) == (0, []), verdict.missed_points
    print(f"\nlive, a roll of all and {len(BLOWS)} blows: {verdict}")


def _came_back(fleet: LiveFleet, pid: int) -> bool:
    record = fleet.state.read_run()
    return record.launched and record.head is not None and record.head.pid != pid


def by_hand(fleet: LiveFleet) -> tuple[str, ...]:
    """Return the words of a launch that goes around `run`."""
    state = fleet.state
    return (
        *("-m", "cluster", "launch", f"--config={fleet.config}", f"--storage={state.storage}"),
        *(f"--sandbox-ready={state.sandbox_ready}", f"--key-file={state.private_key}"),
    )
