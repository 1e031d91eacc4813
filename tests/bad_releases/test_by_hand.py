"""`rollback` by hand, of each kind that hangs or dies; the fleet takes nothing back by itself."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bad_releases.account import Tail
from tests.bad_releases.case import Case, Spot, appended
from tests.bad_releases.groups import GROUPS
from tests.rolling_update.fleet import Fleet, running_fleet
from tests.rolling_update.trees import copy_tree, release_in

pytestmark = [pytest.mark.nemesis, pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(3600)]

SLOTS = ("btc-5m", "eth-5m")
SPEED = 40
AIM_SECONDS = 15.0
SICK_SECONDS = 9.0
"""Wire, from the flag: one decision point and a little, so that the fault has happened."""
BACK_SECONDS = 60.0
TRIES = 3
KINDS = (
    "a decision that never ends",
    "a regular expression that holds the interpreter",
    "freezes the process's event loops",
    "threads that spin, and the switch interval set to years",
    "stops its own process (SIGSTOP)",
    "ends its process (os._exit)",
    "raises CancelledError",
    "may open no file any more",
    "blocks every signal and hangs",
    "gateway raises at its first settlement",
    "gateway stops its heartbeats",
    "gateway sends nothing",
)
BY_NAME = {case.name: case for group in GROUPS.values() for case in group}
CASES = [BY_NAME[name] for name in KINDS]


@dataclass(frozen=True)
class Hand:
    name: str
    command_seconds: float
    back_seconds: float | None
    """From the command's start to a good decision of every slot on the release before."""
    said: str

    @property
    def line(self) -> str:
        back = "NOT BACK" if self.back_seconds is None else f"{self.back_seconds:6.1f} s"
        return f"{self.name:<52} {self.command_seconds:6.1f} s {back:>10}  {self.said}"


def switch_off(folder: Path) -> Path:
    """Return the file that takes every automatic way back from the supervisor while it is there.

    It is not there during a roll: a supervisor without them fails its rehearsal.
    """
    return folder / "nothing-is-taken-back"


def takes_nothing_back(tree: Path, off: Path) -> None:
    """Let the supervisor of a copied tree take nothing back by itself while a file is there."""
    appended(
        tree,
        "actors/supervisor/step.py",
        "\n\n_good_step = step\n\n\n"
        "def step(state, event):\n"
        "    import pathlib\n\n"
        "    state, effects = _good_step(state, event)\n"
        f"    if not pathlib.Path({str(off)!r}).exists():\n"
        "        return state, effects\n"
        "    return state, tuple(e for e in effects if not _goes_back(e))\n"
        "\n\ndef _goes_back(effect):\n"
        '    return type(effect).__name__ in {"RollBack", "TakeBackShared"} or '
        'getattr(effect, "back", False) or bool(getattr(effect, "bad", ""))\n',
    )


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("hand")
    off = switch_off(folder)
    with running_fleet(
        folder, SLOTS, SPEED, prepare=lambda tree: takes_nothing_back(tree, off)
    ) as running:
        running.await_decisions(2)
        yield running


def rolled_out(fleet: Fleet, case: Case, folder: Path) -> Path:
    """Roll a case out to every slot and let it turn bad; return its flag."""
    flag, tree = folder / "flag", copy_tree(folder / "tree")
    case.make(tree, Spot(flag=flag, storage=fleet.state.storage))
    off = switch_off(fleet.folder)
    takes_nothing_back(tree, off)
    off.unlink(missing_ok=True)
    words = ("--shadow=0", "--all") if case.everything else ("--shadow=0",)
    report = fleet.roll(tree, *words)
    assert report.outcome == "done", (
        f"the roll ended {report.outcome}, so nothing was left to take back by hand: these cases "
        "turn bad only by their flag, after the roll"
    )
    off.touch()
    flag.touch()
    time.sleep(SICK_SECONDS)
    return flag


def take_back(fleet: Fleet, case: Case) -> Hand:
    """Give the operator's command, and again where it fails."""
    good, tail = release_in(fleet.tree), Tail(fleet)
    words = ("--all",) if case.everything else ()
    began, said, tries = time.time(), "", 0
    for _ in range(TRIES):
        tries += 1
        code, output = fleet.command("rolling-update", "rollback", f"--to={good}", *words)
        if code == 0:
            break
        said = output.strip().splitlines()[-1][:160]
    commanded = time.time() - began
    deadline = time.time() + BACK_SECONDS
    while not (well := tail.all_well(good, began * 1000)) and time.time() < deadline:
        time.sleep(0.2)
    return Hand(
        name=case.name,
        command_seconds=commanded,
        back_seconds=time.time() - began if well else None,
        said=f"{tries} tries {said}" if said else "",
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_rollback_by_hand_needs_nothing_of_the_bad_side(
    fleet: Fleet, case: Case, tmp_path: Path
) -> None:
    fleet.clear_alarms()
    fleet.command("trading", "resume")
    flag = rolled_out(fleet, case, tmp_path)
    hand = take_back(fleet, case)
    flag.unlink()
    print(f"\n{hand.line}", flush=True)
    assert hand.back_seconds is not None, "the fleet is sick"
    assert hand.said == ""
