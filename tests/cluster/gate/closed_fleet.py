"""A real fleet behind a closed gate: clean git trees, an operator with a key, plans to approve."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from checkpoints.alarms import AlarmState
from cluster.gate.keys import make_key
from cluster.local.state_folder import StateFolder
from tests.rolling_update.fleet import Fleet, free_ports, left_behind, write_config
from tests.rolling_update.trees import ROOT, copy_tree, edit

SLOTS = ("btc-5m", "eth-5m")
SPEED = 40
"""A cycle of 7.5 s."""
PLAN = re.compile(r"^[Pp]lan ([0-9a-f]{12,64})\b", re.MULTILINE)
GATE = """
[gate]
mode = "closed"
operator_keys = {{ ann = "{key}" }}
minutes_between_rolls = 0
rolls_per_day = 1000
staged_permille = 500
staged_decisions = 4
"""


@dataclass(frozen=True)
class ClosedFleet(Fleet):
    key: Path
    refused: str
    """What the first launch said, before anything was approved."""

    def approve(self, plan: str) -> None:
        code, said = self.command(
            "rolling-update", "approve", plan[:16], f"--key={self.key}", "--yes"
        )
        assert code == 0, said

    def approved(self, tree: Path, *words: str) -> str:
        """Plan a roll of a tree and approve it; return the word that names the plan."""
        plan, _ = self.plan(tree, *words)
        self.approve(plan)
        return f"--plan={plan[:16]}"

    def let_in(self, tree: Path | None = None) -> None:
        """Have the operator approve release and limits of a stopped fleet."""
        code, said = self.command("gate", "first", tree=tree)
        assert code == 0, said
        plan = plan_in(said)
        self.approve(plan)
        code, said = self.command("gate", "first", f"--apply={plan[:16]}", tree=tree)
        assert code == 0, said

    def plan(self, tree: Path, *words: str) -> tuple[str, str]:
        """Plan a roll of a tree; return the plan's digest and its pages."""
        code, said = self.command("rolling-update", "plan", *words, tree=tree)
        assert code == 0, said
        return plan_in(said), said

    def apply(self, tree: Path, *words: str) -> tuple[int, str]:
        return self.command("rolling-update", "apply", *words, tree=tree)

    def gate(self) -> dict[str, Any]:
        return self.told("gate", "list")

    def trades(self, *words: str) -> list[dict[str, object]]:
        trades: list[dict[str, object]] = self.told("audit", "trades", *words)["trades"]
        return trades

    def told(self, *words: str) -> dict[str, Any]:
        code, said = self.command(*words, "--json")
        assert code == 0, said
        told: dict[str, Any] = json.loads(said[said.index("{") :])
        return told

    def alarm(self, kind: str) -> AlarmState:
        """Return the one latched alarm of a kind."""
        (found,) = [state for state in self.alarms() if state.alarm.kind == kind]
        return found


def plan_in(said: str) -> str:
    found = PLAN.search(said)
    assert found is not None, said
    return found.group(1)


def clean_tree(folder: Path, *edits: tuple[str, str, str]) -> Path:
    """Copy the working tree, edit it, and commit it in a repository of its own."""
    tree = copy_tree(folder)
    shutil.copy(ROOT / ".gitignore", tree / ".gitignore")
    for one in edits:
        edit(tree, *one)
    git(tree, "init", "-q")
    commit(tree)
    return tree


def commit(tree: Path) -> None:
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "x")


def git(tree: Path, *words: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    subprocess.run(["git", "-C", str(tree), *who, *words], check=True, capture_output=True)


@contextmanager
def closed_fleet(folder: Path) -> Iterator[ClosedFleet]:
    """Run two slots whose release an operator has let in; leave no process behind."""
    tree = clean_tree(folder / "running")
    key = folder / "operator.key"
    public = make_key(key)
    config = write_config(tree, folder / "fleet.toml", SLOTS)
    config.write_text(config.read_text() + GATE.format(key=public))
    state = StateFolder(folder / "state")
    fleet = ClosedFleet(state=state, tree=tree, slots=SLOTS, folder=folder, key=key, refused="")
    ports = free_ports()
    words = ("run", "--detach", f"--config={config}", f"--head-port={ports}", f"--speed={SPEED}")
    try:
        code, refused = fleet.command(*words)
        assert code == 1, refused
        fleet.let_in()
        code, said = fleet.command(*words)
        assert code == 0, said
        yield replace(fleet, refused=refused)
    finally:
        fleet.stop()
        assert not left_behind(fleet)
