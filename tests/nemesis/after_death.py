"""A fleet whose processes are killed, and what its next start makes of it."""

import os
import random
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from actors.rollout.record import read_active, read_state, rollout_ids
from checkpoints.alarms import AlarmStore
from tests.bad_releases.account import claims
from tests.rolling_update.fleet import Fleet, left_behind
from tests.rolling_update.trees import release_in

EVERYTHING: Final = "everything, in mid-roll"
RAYLET: Final = "the raylet"
HEAD: Final = "the head (gcs)"
COMMAND_LINES: Final = {RAYLET: b"raylet/raylet", HEAD: b"gcs/gcs_server"}
GONE_SECONDS: Final = 60.0
PUT_AWAY_SECONDS: Final = 130.0
"""The driver's lease, one try of the supervisor, and a busy machine."""
LATER_DECISIONS: Final = 4
"""Of each slot after the start: what judges a release has looked at it by then."""
LIVE_ON: Final = re.compile(r"live on release ([0-9a-f]{12})")
"""A start that finds a fleet which was brought back already starts no slot, and names none."""
BLAMES_THE_TREE: Final = "mend the tree"
FALSE_KINDS: Final = frozenset({"release_never_decided", "release_turned_bad", "slot_dies"})
"""Alarms that would blame a release for the kill."""


@dataclass
class Round:
    number: int
    blow: str
    step: str = ""
    """Where the roll stood at the kill."""
    seconds: float = 0.0
    """From the kill until every slot has decided again."""
    faults: list[str] = field(default_factory=list)
    alarms: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        told = "; ".join(self.faults) or "clean"
        kinds = ",".join(self.alarms) or "-"
        head = f"{self.blow:<24} {self.number:>2} {self.step:<24} {self.seconds:6.1f} s"
        return f"{head}  {kinds}  {told}"


def kill(fleet: Fleet, blow: str) -> None:
    """Deal the blow by process id; only processes that carry the fleet's mark are hit."""
    own = [int(process.name) for process in left_behind(fleet)]
    pids = own if blow == EVERYTHING else [p for p in own if COMMAND_LINES[blow] in _program(p)]
    assert pids, f"{blow} is not there"
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _program(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return b""


class Deaths:
    """Rounds of one fleet; `trees` are two good releases between which it is rolled."""

    def __init__(self, fleet: Fleet, trees: tuple[Path, Path], again: tuple[str, ...]) -> None:
        self._fleet = fleet
        self._trees = trees
        self._again = again
        """The words of the start, without those that forget the last one."""
        self._random = random.Random(1)

    def round(self, number: int, blow: str) -> Round:
        fleet, this = self._fleet, Round(number=number, blow=blow)
        fleet.clear_alarms()
        rolling = self._begin_roll(number) if blow == EVERYTHING else None
        this.step = self._step()
        lives = {slot: self._fleet.decisions(slot)[-1].life for slot in fleet.slots}
        began, rollouts = time.time() * 1000, rollout_ids(fleet.storage)
        kill(fleet, blow)
        if rolling is not None:
            rolling.wait(timeout=GONE_SECONDS)
        self._hear_the_dead(this)
        self._start_again(this)
        fleet.await_decisions(LATER_DECISIONS)
        self._hear_the_living(this, rollouts, began)
        back = [self._first_decision(slot, began, lives[slot]) for slot in fleet.slots]
        this.seconds = (max(back) - began) / 1000
        return this

    def _first_decision(self, slot: str, since: float, dead: str) -> float:
        """Return when another process than the dead one decided first."""
        made = [row for row in self._fleet.decisions(slot) if row.wire_ms >= since]
        return min(row.wire_ms for row in made if row.life != dead)

    # ---- the blow -----------------------------------------------------------------------------

    def _begin_roll(self, number: int) -> subprocess.Popen[str]:
        """Roll to the other tree, and return while a slot is between its two owners."""
        fleet = self._fleet
        fleet.await_no_roll()
        rolling = fleet.start_command(
            "rolling-update", "apply", "--shadow=0", tree=self._other_tree()
        )
        fleet.wait(lambda: read_active(fleet.storage) is not None, "a roll")
        steps = ["warming", "confirming", "quiescing", "done"]
        wanted = steps[number % len(steps)]
        before = time.monotonic()
        while time.monotonic() - before < GONE_SECONDS and wanted not in self._step():
            if read_active(fleet.storage) is None:
                break
            time.sleep(0.01)
        time.sleep(self._random.random())
        return rolling

    def _other_tree(self) -> Path:
        """Return a tree that at least one slot does not run."""
        running = self._fleet.releases()
        return next(tree for tree in self._trees if {release_in(tree)} != running)

    def _step(self) -> str:
        ids = rollout_ids(self._fleet.storage)
        if not ids or read_active(self._fleet.storage) is None:
            return "-"
        rollout = read_state(self._fleet.storage, ids[-1])
        if rollout is None:
            return "begun"
        return ",".join(str(rollout.handoffs[slot].step) for slot in rollout.order)

    # ---- what is said -------------------------------------------------------------------------

    def _hear_the_dead(self, this: Round) -> None:
        """A page comes, it says that nothing runs, and it blames no tree."""
        code, said = self._fleet.command("status")
        if code == 0 and this.blow == EVERYTHING:
            this.faults.append(f"status of a dead fleet says: {said[:80]}")
        if BLAMES_THE_TREE in said:
            this.faults.append("status blames the tree")

    def _start_again(self, this: Round) -> None:
        code, said = self._fleet.command("run", *self._again)
        if code != 0:
            this.faults.append(f"run: exit {code}: {said.strip()[-200:]}")
            return
        owners = {slot: claims(self._fleet, slot)[-1].release for slot in self._fleet.slots}
        told = set(LIVE_ON.findall(said))
        false = {each for each in told if not any(o.startswith(each) for o in owners.values())}
        untold = {o[:12] for o in owners.values() if told and o[:12] not in told}
        if false or untold:
            this.faults.append(f"run names {false}, which no slot runs, and not {untold}")

    def _hear_the_living(self, this: Round, rollouts: list[str], began: float) -> None:
        fleet = self._fleet
        code, said = fleet.command("status", "--json")
        if code != 0:
            this.faults.append(f"status: exit {code}: {said.strip()[-200:]}")
        else:
            self._compare(this, said)
        raised = [s.alarm for s in AlarmStore(fleet.storage).history()]
        new = [alarm for alarm in raised if alarm.raised_wire_ms >= began]
        this.alarms = tuple(sorted({alarm.kind for alarm in new}))
        blamed = [f"{alarm.kind} {alarm.subject}" for alarm in new if alarm.kind in FALSE_KINDS]
        if blamed:
            this.faults.append(f"a good release is blamed: {blamed}")
        later = [each for each in rollout_ids(fleet.storage) if each not in rollouts]
        if later:
            this.faults.append(f"rolled by nobody: {later}")
        self._await_end_of_the_roll(this)
        code, said = fleet.command("audit", "reconcile")
        if code != 0:
            this.faults.append(f"reconcile: {said.strip()[-200:]}")

    def _await_end_of_the_roll(self, this: Round) -> None:
        """Wait until the supervisor has put the killed roll away; else do it by hand."""
        fleet = self._fleet
        try:
            fleet.wait(
                lambda: read_active(fleet.storage) is None, "end of the roll", PUT_AWAY_SECONDS
            )
        except AssertionError:
            code, said = fleet.command("rolling-update", "abort")
            why = f"by hand: exit {code}: {said.strip()[-300:]}"
            this.faults.append(f"the killed roll was never put away; {why}")

    def _compare(self, this: Round, said: str) -> None:
        text = said[said.index("{") :]
        page = msgspec.json.decode(text, type=dict)
        told = {slot["slot"]: slot["release"] for slot in page["slots"]}
        for slot in self._fleet.slots:
            made = self._fleet.decisions(slot)[-1].release
            if told.get(slot) != made:
                this.faults.append(f"status says {told.get(slot)} of {slot}, it runs {made}")
