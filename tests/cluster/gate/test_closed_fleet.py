"""A closed gate on a real fleet: who comes in, who does not, and a flipped sign."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.rollout.record import read_active, rollout_ids
from checkpoints.approvals import BAKED
from tests.cluster.gate.closed_fleet import ClosedFleet, clean_tree, closed_fleet, commit, git
from tests.judge_ledger import read_ledger
from tests.rolling_update.trees import release_in

pytestmark = [
    pytest.mark.nemesis,  # six minutes of commands and jobs on two busy cores
    pytest.mark.ray,
    pytest.mark.exchange,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("closed-gate"),
]

TUNED = (
    "signals/factors/pattern.py",
    "shapes.bullish(bars, params.strong_body_atr)",
    "shapes.bullish(bars, 1.05 * params.strong_body_atr)",
)
FLIPPED = (
    "signals/factors/volume.py",
    "lean(share, excess / params.pressure_full,",
    "lean(share, -excess / params.pressure_full,",
)
TRADE_SECONDS = 300.0
"""Two slots decide every 7.5 s; a quiet market may pass some cycles without a trade."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClosedFleet]:
    with closed_fleet(tmp_path_factory.mktemp("closed")) as running:
        running.await_decisions(2)
        yield running


def test_a_release_comes_in_by_exactly_its_approved_plan(
    fleet: ClosedFleet, tmp_path: Path
) -> None:
    old = release_in(fleet.tree)
    assert f"no plan that was applied covers release {old[:12]}" in fleet.refused
    assert "gate first" in fleet.refused
    tree = clean_tree(tmp_path / "tuned", TUNED)
    new, before = release_in(tree), rollout_ids(fleet.storage)

    code, said = fleet.apply(tree)
    assert (code, "no approved plan waits" in said) == (1, True), said
    code, said = fleet.command("update", "--yes", "--replay=0", tree=tree)
    assert (code, "the gate is closed; next:" in said) == (1, True), said

    plan, page = fleet.plan(tree, "--shadow=0", "--canary=btc-5m")
    assert "shapes.bullish(bars, 1.05 * params.strong_body_atr)" in page
    assert "recorded decisions change" in page
    assert "size: 50 % until 4 good decisions" in page
    fleet.approve(plan)
    units = tree / "signals/units.py"
    units.write_text(f"{units.read_text()}# after approval\n")
    commit(tree)
    code, said = fleet.apply(tree, f"--plan={plan[:16]}")
    assert (code, "to_release changed since the plan was made" in said) == (1, True), said
    assert rollout_ids(fleet.storage) == before
    assert read_active(fleet.storage) is None
    assert fleet.releases() == {old}

    git(tree, "revert", "--no-edit", "HEAD")
    code, said = fleet.command("update", "--yes", "--shadow=0", "--canary=btc-5m", tree=tree)
    assert code == 0, f"it finds the approved plan that fits: {said}"
    fleet.await_decisions(1)
    assert fleet.releases() == {new}
    assert fleet.alarms() == []

    fleet.wait(lambda: bool(fleet.storage.names(f"{BAKED}/{plan}")), "end of the staged limits")
    told = fleet.gate()
    assert (told["size_permille"], told["forced"]) == ({}, [])
    code, said = fleet.command("rolling-update", "rollback", "--shadow=0", tree=tree)
    assert code == 0, f"the way back needs no approval: {said}"
    fleet.await_decisions(1)
    assert fleet.releases() == {old}
    assert fleet.verdict().missed == 0


def test_a_flipped_sign_is_caught_and_when_forced_in_every_trade_of_it_is_known(
    fleet: ClosedFleet, tmp_path: Path
) -> None:
    old = release_in(fleet.tree)
    tree = clean_tree(tmp_path / "flipped", FLIPPED)
    new = release_in(tree)

    plan, page = fleet.plan(tree, "--expect=identical")
    fleet.approve(plan)
    code, said = fleet.apply(tree, f"--plan={plan[:16]}")
    assert (code, "the plan declares at most 0" in said) == (1, True), f"{page}\n{said}"

    plan, page = fleet.plan(tree, "--expect=identical", "--shadow=2", "--replay=0")
    assert "replay: not made" in page
    fleet.approve(plan)
    report = fleet.roll(tree, f"--plan={plan[:16]}")
    assert (report.outcome, report.switched) == ("stopped", 0)
    assert "shadow" in (report.failure or ""), report
    assert fleet.alarm("rollout_stopped").alarm.evidence["reason"]
    fleet.clear_alarms()
    fleet.await_decisions(1)
    assert fleet.releases() == {old}
    assert fleet.trades(f"--release={new[:12]}") == []

    report = fleet.roll(tree, "--shadow=0", "--break-glass=drill: it's in or we're out of $$$")
    assert report.outcome == "done", report.failure
    alarm = fleet.alarm("break_glass").alarm
    assert (alarm.release, alarm.evidence["reason"]) == (
        new,
        "drill: it's in or we're out of $$$",
    )
    began = [
        min(row.wire_ms for row in fleet.decisions(slot) if row.release == new)
        for slot in fleet.slots
    ]
    assert alarm.raised_wire_ms < min(began), "told before it could trade"
    forced = [one for one in fleet.gate()["applied"] if one["break_glass"]]
    assert [one["to_release"] for one in forced] == [new]

    fleet.wait(lambda: bool(accepted(fleet, max(began))), "order of it", TRADE_SECONDS)
    code, said = fleet.command("trading", "halt", "--reason=counting")
    assert code == 0, said
    fleet.await_decisions(1)
    listed = {str(trade["order_id"]) for trade in fleet.trades(f"--release={new[:12]}")}
    since = accepted(fleet, max(began))
    assert since <= listed, "every order at the exchange since it decides in both slots"
    assert listed <= accepted(fleet, min(began)) | read_ledger(fleet.state.sandbox).refused
    verdict = fleet.verdict()
    assert (verdict.missed, verdict.differences) == (0, [])
    print(f"\nforced in: {len(listed)} trades listed, {len(since)} orders at the exchange since")


def accepted(fleet: ClosedFleet, since_ms: float) -> set[str]:
    """Return the orders that the exchange has accepted since."""
    orders = read_ledger(fleet.state.sandbox).orders
    return {order for order, wire_ms in orders.items() if wire_ms >= since_ms}
