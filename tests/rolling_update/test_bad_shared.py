"""Bad shared actors on a real fleet: refused by a rehearsal, or taken back."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.directory import serving
from actors.gateway.lock import LOCK_FILE
from actors.rollout.succession import recall
from actors.runtime import wire_ms
from actors.shared_kind import Kind
from actors.supervisor.shared_watch import TURNED_BAD
from tests.rolling_update.fleet import Fleet, running_fleet
from tests.rolling_update.hanging import timed
from tests.rolling_update.trees import copy_tree, edit, release_in

pytestmark = [
    pytest.mark.ray,
    pytest.mark.exchange,
    pytest.mark.nemesis,
    pytest.mark.timeout(1800),
]
TWO = ("btc-5m", "eth-5m")
TRADES = "actors/gateway/trades.py"
AT_A_FILL = "    if trade.fill_id not in draft.ledger.fills:\n"
AFTER = 6
"""Fills that the rehearsal and a start make, and more: the fault is seen in the market only."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("shared"), TWO) as running:
        running.await_decisions(1)
        yield running


def apply_all(fleet: Fleet, tree: Path) -> tuple[int, str]:
    fleet.clear_alarms()
    return fleet.command("rolling-update", "apply", "--shadow=0", "--all", tree=tree)


def bad_by_flag(tree: Path, flag: Path, file: str, line: str) -> None:
    """Raise in front of a line of the tree while a file is there."""
    text = (
        f"__import__('pathlib').Path({str(flag)!r}).exists() and "
        "(_ for _ in ()).throw(RuntimeError('bad'))\n"
    )
    indent = line[: len(line) - len(line.lstrip())]
    edit(tree, file, line, f"{indent}{text}{line}")


def test_a_gateway_that_raises_at_its_first_fill_never_serves(fleet: Fleet, tmp_path: Path) -> None:
    (old,) = fleet.releases()
    tree = copy_tree(tmp_path / "first-fill")
    edit(tree, TRADES, AT_A_FILL, f"    raise RuntimeError('bad at a fill')\n{AT_A_FILL}")
    code, output = apply_all(fleet, tree)
    assert code == 1
    assert "failed its rehearsal" in output
    assert "bad at a fill" in output
    print(f"\n{[line for line in output.splitlines() if 'refused' in line]}")
    assert serving(fleet.storage, Kind.GATEWAY) == "gateway/1"
    assert fleet.releases() == {old}


@pytest.mark.parametrize("who", ["gateway", "market-data", "supervisor"])
def test_a_fault_that_no_rehearsal_sees_is_taken_back_by_itself(
    who: str, fleet: Fleet, tmp_path: Path
) -> None:
    tree, flag = copy_tree(tmp_path / "later"), tmp_path / "flag"
    lines = {
        "gateway": ("actors/gateway/timers.py", "    _beat(draft)\n    _cancel(draft)\n"),
        "market-data": ("actors/market_data/actor.py", "            self.deliver(Timer())\n"),
        "supervisor": (
            "actors/supervisor/step.py",
            "    if not state.started_wire_ms:\n",
        ),
    }
    bad_by_flag(tree, flag, *lines[who])
    code, output = apply_all(fleet, tree)
    assert code == 0, output
    flag.touch()
    began_ms = wire_ms()

    def is_back() -> bool:
        latest = recall(fleet.storage, who)
        return latest is not None and latest.release != release_in(tree)

    fleet.wait(is_back, f"way back of the {who}")
    seconds = (wire_ms() - began_ms) / 1000
    flag.unlink()
    fleet.wait(lambda: any(a.alarm.kind == TURNED_BAD for a in fleet.alarms()), "an alarm")
    alarm = next(a.alarm for a in fleet.alarms() if a.alarm.kind == TURNED_BAD)
    print(f"\n{who}: back after {seconds:.1f} s; {alarm.subject} {alarm.evidence}")
    assert alarm.subject == who
    fleet.await_decisions(1)
    code, output = fleet.command("rolling-update", "rollback", "--all")
    assert code == 0, output
    fleet.await_decisions(1)


def test_a_rollback_of_all_with_a_dead_gateway(fleet: Fleet, tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "edited")
    (tree / "signals/units.py").open("a").write("# edited\n")
    code, output = apply_all(fleet, tree)
    assert code == 0, output
    holder = json.loads((fleet.state.storage / LOCK_FILE).read_bytes())
    os.kill(holder["pid"], signal.SIGSTOP)
    seconds, code, output = timed(lambda: fleet.command("rolling-update", "rollback", "--all"))
    print(f"\nrollback --all with a gateway that is stopped: {seconds:.1f} s\n{output}")
    assert code == 0, output
    names = (serving(fleet.storage, Kind.GATEWAY), serving(fleet.storage, Kind.MARKET_DATA))
    print(names, serving(fleet.storage, Kind.SUPERVISOR))
    fleet.await_decisions(1)
    verdict = fleet.verdict()
    assert verdict.differences == []
