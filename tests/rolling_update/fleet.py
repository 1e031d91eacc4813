"""A real fleet of a test's own: started, asked and ended by the operator's commands."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from actors.messages import FenceRecord
from actors.rollout.record import read_active, rollout_ids
from actors.rollout.report import Report
from checkpoints.alarms import AlarmState, AlarmStore
from checkpoints.journal import Journal
from checkpoints.journal_rows import JournalRow, RowKind
from checkpoints.storage import LocalStorage
from cluster.local.head import dashboard_url, head_environment
from cluster.local.processes import MARK
from cluster.local.state_folder import StateFolder
from signals.market import DEFAULT_SLOTS
from tests.judge import Verdict, judge
from tests.rolling_update.trees import copy_tree
from tests.secrets_written import secrets_written

COMMAND_SECONDS = 600.0
"""A roll of four slots takes half a minute; a machine with two busy cores several times that."""
POLL_SECONDS = 0.1
SPEED = 30
FOUR = ("btc-5m", "eth-5m", "sol-15m", "xrp-5m")
SIX = (*FOUR, "doge-15m", "bnb-5m")
SIXTEEN = tuple(str(slot) for slot in DEFAULT_SLOTS)
LATE_KINDS = frozenset({"actor_silent", "clock_skew", "feed_stale", "heartbeat_gap"})
"""Alarms that a machine raises honestly while it is too busy to answer. What that may never cost, a
decision or an order, has kinds of its own, and the judge counts it."""
DAILY_LOSS = "daily_loss_micro_usd = 400_000_000"
PORTS_FROM, PORTS_TO = 24_000, 25_600
"""Below the range of Ray's own ports and of the kernel's choice."""


@dataclass(frozen=True)
class Fleet:
    state: StateFolder
    tree: Path
    """What it was started from."""
    slots: tuple[str, ...]
    folder: Path

    @property
    def storage(self) -> LocalStorage:
        return LocalStorage(self.state.storage)

    # ---- the operator -------------------------------------------------------------------------

    def start_command(
        self, *words: str, tree: Path | None = None, python: str = sys.executable
    ) -> subprocess.Popen[str]:
        """Begin `python -m cluster WORDS --state ...` in a tree; its output is one text."""
        return subprocess.Popen(
            [python, "-m", "cluster", *words, f"--state={self.state.root}"],
            cwd=tree or self.tree,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def command(
        self, *words: str, tree: Path | None = None, python: str = sys.executable
    ) -> tuple[int, str]:
        """Run a command to its end; return its exit code and what it said."""
        child = self.start_command(*words, tree=tree, python=python)
        try:
            output, _ = child.communicate(timeout=COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            output, _ = child.communicate()
            raise AssertionError(f"{words} did not end:\n{output}") from None
        return child.returncode, output

    def roll(self, tree: Path, *words: str) -> Report:
        """Roll a tree out and return the stored report, however it ended."""
        self.clear_late_alarms()
        before = rollout_ids(self.storage)
        _, output = self.command("rolling-update", "apply", *words, tree=tree)
        return self.report(before, output)

    def job(
        self,
        tree: Path,
        *words: str,
        seconds: float = COMMAND_SECONDS,
        must_succeed: bool = True,
        wait: bool = True,
    ) -> str:
        """Run a Python program of a tree as a job to its end; return what it said."""
        ports = self.state.read_run().ports
        command = [str(Path(sys.executable).with_name("ray")), "job", "submit"]
        command += ["--address", dashboard_url(ports), "--log-style=record", "--working-dir", "."]
        command += [] if wait else ["--no-wait"]
        child = subprocess.run(
            [*command, "--", sys.executable, *words],
            cwd=tree,
            env={**self._environment(), **head_environment(self.state)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert child.returncode == 0 or not must_succeed, child.stdout
        return child.stdout

    @staticmethod
    def _environment() -> dict[str, str]:
        return {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}

    def report(self, before: list[str], output: str = "") -> Report:
        """Return the report of the rollout that was begun since."""
        new = [rollout for rollout in rollout_ids(self.storage) if rollout not in before]
        assert len(new) == 1, f"rollouts {new} were begun:\n{output}"
        data = self.storage.read(f"rollouts/{new[0]}/report.json")
        return msgspec.json.decode(data, type=Report)

    def clear_alarms(self) -> None:
        store = AlarmStore(self.storage)
        for state in store.latched():
            store.clear(state.alarm.id, "seen by the test", "test")

    def clear_late_alarms(self) -> None:
        """Clear what a roll would be refused for although nothing is wrong but the machine."""
        store = AlarmStore(self.storage)
        for state in store.latched():
            if state.alarm.kind in LATE_KINDS:
                store.clear(state.alarm.id, "a busy machine", "test")

    def stop(self) -> None:
        code, output = self.command("stop")
        assert code == 0, output

    # ---- what it left on disk -----------------------------------------------------------------

    def alarms(self) -> list[AlarmState]:
        """Return what is latched, other than for a busy machine."""
        latched = AlarmStore(self.storage).latched()
        return [state for state in latched if state.alarm.kind not in LATE_KINDS]

    def verdict(self) -> Verdict:
        return judge(self.state.storage, self.state.sandbox)

    def decisions(self, slot: str) -> list[JournalRow]:
        rows = Journal(self.storage, slot).rows_after(0).rows
        return [row for row in rows if row.kind is RowKind.DECISION]

    def owner(self, slot: str) -> FenceRecord:
        """Return the owner by the slot's journal: the claim with the highest fence."""
        from actors.slot.facts import ClaimFact
        from actors.slot.rows import entry_of

        rows = Journal(self.storage, slot).rows_after(0).rows
        facts = [entry_of(row).fact for row in rows]
        records = [fact.record for fact in facts if isinstance(fact, ClaimFact)]
        return max(records, key=lambda record: record.fence)

    def releases(self) -> set[str]:
        """Return the releases by which the slots' latest decisions were made."""
        return {self.decisions(slot)[-1].release for slot in self.slots}

    def await_decisions(self, count: int, slots: tuple[str, ...] = ()) -> None:
        """Wait until each slot has made so many decisions more."""
        wanted = {slot: len(self.decisions(slot)) + count for slot in slots or self.slots}
        self.wait(
            lambda: all(len(self.decisions(slot)) >= least for slot, least in wanted.items()),
            "decisions",
        )

    def await_no_roll(self) -> None:
        self.wait(lambda: read_active(self.storage) is None, "the end of the roll")

    @staticmethod
    def wait(condition: Callable[[], bool], what: str, seconds: float = 240.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"no {what} in {seconds} s"
            time.sleep(POLL_SECONDS)


@contextmanager
def running_fleet(
    folder: Path,
    slots: tuple[str, ...] = FOUR,
    speed: int = SPEED,
    seed: int = 1,
    prepare: Callable[[Path], None] = lambda _tree: None,
) -> Iterator[Fleet]:
    """Run a fleet on a head, ports and an exchange of its own; leave no process behind.

    `prepare` may edit the tree that it runs from.
    """
    tree = copy_tree(folder / "running")
    prepare(tree)
    fleet = Fleet(state=StateFolder(folder / "state"), tree=tree, slots=slots, folder=folder)
    config = write_config(tree, folder / "fleet.toml", slots)
    words = ("run", "--detach", "--fresh", f"--config={config}", f"--head-port={free_ports()}")
    try:
        code, output = fleet.command(*words, f"--speed={speed}", f"--seed={seed}")
        assert code == 0, output
        yield fleet
    finally:
        fleet.stop()
        left = left_behind(fleet)
        assert not left, f"processes {left} were left behind"
        told = secrets_written(fleet.state)
        assert not told, f"a secret of the fleet stands in {told}"
    shutil.rmtree(fleet.state.ray, ignore_errors=True)  # after a failure its logs say why


def left_behind(fleet: Fleet) -> list[Path]:
    """Return the processes that carry the mark of this fleet."""
    return [entry for entry in Path("/proc").glob("[0-9]*") if _is_of(entry, fleet)]


def _is_of(process: Path, fleet: Fleet) -> bool:
    try:
        return f"{MARK}={fleet.state.owner}".encode() in (process / "environ").read_bytes()
    except OSError:
        return False


def write_config(tree: Path, file: Path, slots: tuple[str, ...]) -> Path:
    """Write the shipped sandbox configuration with only these slots.

    What invented makers win says nothing of a roll: no day's loss ends the trading.
    """
    text = (tree / "cluster/configs/sandbox.toml").read_text(encoding="utf-8")
    assert DAILY_LOSS in text
    text = text.replace(DAILY_LOSS, f"{DAILY_LOSS}_000")
    head, _, tail = text.partition("[slots]\n")
    after = tail.partition("\n\n")[2]
    lines = "".join(f"{slot} = {{}}\n" for slot in slots)
    file.write_text(f"{head}[slots]\n{lines}\n{after}", encoding="utf-8")
    return file


def free_ports() -> int:
    """Return the first of four ports in a row that nobody holds."""
    start = PORTS_FROM + (os.getpid() * 4) % (PORTS_TO - PORTS_FROM)
    for first in (*range(start, PORTS_TO, 4), *range(PORTS_FROM, start, 4)):
        if all(_is_free(port) for port in range(first, first + 4)):
            return first
    raise AssertionError("no four free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
