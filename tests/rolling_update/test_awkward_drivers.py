"""Params in place, an abort, a driver that dies, and what is left of its rollout."""

import os
import signal
from pathlib import Path

import msgspec
import pytest

from actors.rollout.handoff_state import Step
from actors.rollout.record import read_active, read_report, read_state, rollout_ids
from cluster.rolling_update.params import Changed
from tests.rolling_update.fleet import COMMAND_SECONDS, Fleet
from tests.rolling_update.trees import copy_tree, edit, release_in

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1500)]


def other_tree(folder: Path, word: str) -> Path:
    tree = copy_tree(folder)
    line = "HALF_HOUR_MS = 1_800_000\n"
    edit(tree, "signals/factors/pattern.py", line, f"HALF_HOUR_MS = 1_800_000  # {word}\n")
    return tree


def await_step(fleet: Fleet, before: list[str], steps: set[Step]) -> str:
    """Wait until some slot of the rollout that was begun since is in one of these steps."""

    def there() -> bool:
        new = [rollout for rollout in rollout_ids(fleet.storage) if rollout not in before]
        state = read_state(fleet.storage, new[0]) if new else None
        return state is not None and any(h.step in steps for h in state.handoffs.values())

    fleet.wait(there, f"{steps}")
    return next(rollout for rollout in rollout_ids(fleet.storage) if rollout not in before)


def test_parameters_change_in_place_and_stay_changed(fleet: Fleet) -> None:
    changed_slot, other = fleet.slots[:2]
    code, output = fleet.command(
        "rolling-update", "params", "--set=sizing.kelly_fraction=5", f"--slot={changed_slot}"
    )
    assert code == 1, output
    assert "kelly_fraction" in output
    before = {slot: fleet.decisions(slot)[-1].params for slot in fleet.slots}
    words = ("--set=sizing.kelly_fraction=0.4", f"--slot={changed_slot}", "--json")
    code, output = fleet.command("rolling-update", "params", *words)
    assert code == 0, output
    text = output[output.index("{") : output.rindex("}") + 1]
    changed = msgspec.json.decode(text, type=Changed)
    fleet.await_decisions(1)
    assert fleet.decisions(changed_slot)[-1].params == changed.slots[changed_slot]
    assert changed.slots[changed_slot] != before[changed_slot]
    assert fleet.decisions(other)[-1].params == before[other]
    incarnation = fleet.owner(changed_slot).incarnation
    pid = int(fleet.owner(changed_slot).life.partition("-")[0])
    os.kill(pid, signal.SIGKILL)
    fleet.wait(lambda: fleet.owner(changed_slot).life.partition("-")[0] != str(pid), "new life")
    fleet.await_decisions(1, (changed_slot,))
    assert fleet.decisions(changed_slot)[-1].params == changed.slots[changed_slot]
    assert fleet.owner(changed_slot).incarnation == incarnation
    fleet.clear_alarms()  # a killed slot that comes back late is told


def test_an_abort_ends_a_roll_and_what_interferes_meanwhile_is_refused(
    fleet: Fleet, tmp_path: Path
) -> None:
    tree = other_tree(tmp_path / "aborted", "to be aborted")
    fleet.clear_late_alarms()
    before = rollout_ids(fleet.storage)
    driver = fleet.start_command("rolling-update", "apply", "--shadow=500", tree=tree)
    rollout = await_step(fleet, before, {Step.SHADOWING})
    code, output = fleet.command("rolling-update", "params", "--set=sizing.kelly_fraction=0.3")
    assert code == 1, output
    assert rollout in output
    code, output = fleet.command("rolling-update", "abort")
    assert code == 0, output
    driver.communicate(timeout=COMMAND_SECONDS)
    report = read_report(fleet.storage, rollout)
    assert report is not None
    assert report.outcome == "stopped"
    assert report.switched == 0
    fleet.await_decisions(1)
    assert release_in(tree) not in fleet.releases()
    fleet.clear_alarms()


def test_a_driver_that_dies_leaves_no_slot_dark_and_resume_rolls_out_the_rest(
    fleet: Fleet, tmp_path: Path
) -> None:
    tree = other_tree(tmp_path / "resumed", "to be resumed")
    fleet.clear_late_alarms()
    before = rollout_ids(fleet.storage)
    driver = fleet.start_command("rolling-update", "apply", "--shadow=0", tree=tree)
    rollout = await_step(fleet, before, {Step.CONFIRMING})
    active = read_active(fleet.storage)
    assert active is not None
    os.kill(int(active.driver.partition("-")[0]), signal.SIGKILL)
    driver.communicate(timeout=COMMAND_SECONDS)
    fleet.await_no_roll()  # the supervisor puts it away after its lease
    assert [state.alarm.subject for state in fleet.alarms()] == [rollout]
    fleet.clear_late_alarms()
    code, output = fleet.command("rolling-update", "resume", tree=tree)
    assert code == 0, output
    fleet.await_decisions(1)
    assert fleet.releases() == {release_in(tree)}
    assert fleet.alarms() == []
    verdict = fleet.verdict()
    assert verdict.missed == 0, verdict.missed_points
    assert verdict.differences == []
