"""One table of silent failures on a real fleet (`pytest -s tests/drills`): alarm and time."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from actors.config import FleetConfig
from actors.detectors.deployed import SILENT_MAX
from actors.detectors.policy import reaction_of
from actors.runtime import CONFIG_FILE
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.journal import Journal
from checkpoints.journal_rows import RowKind
from signals.market import CYCLE_MS
from tests.drills.trees import (
    EDITED,
    EFFECT_HANGS,
    IGNORES_PARAMS,
    LOOP_HANGS,
    NEVER_DECIDES,
    NEVER_RETURNS,
    SIGNAL_STOPPED,
    SLOTS,
    flag_of,
    plant_faults,
    stop_the_signal,
)
from tests.rolling_update.fleet import Fleet, running_fleet
from tests.rolling_update.trees import ROOT, release_in

pytestmark = [pytest.mark.nemesis, pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1500)]

SPEED = 40
CYCLE_SECONDS = CYCLE_MS / 1000 / SPEED
POLL_SECONDS = 5.0
"""Stated for wrong code: asked, looked at, said, and stored, on a busy machine."""
STARTED_SECONDS = POLL_SECONDS + 3.0
"""From the start of its process: it imports for some seconds before it can say what it runs."""
GRACE_SECONDS = 2.0
"""That a row may take to the disk, and a status may be old."""
BLOCKED_SECONDS = 15.0
ROLL_TRIES = 3
MORE_SECONDS = 60.0
"""Beyond what is stated: a late alarm shows how late, it does not end the table."""


@dataclass
class Drill:
    name: str
    kind: str
    subject: str
    since_ms: float
    within_seconds: float
    alarm: Alarm | None = None

    @property
    def seconds(self) -> float:
        assert self.alarm is not None, f"{self.name}: no alarm"
        return (self.alarm.raised_wire_ms - self.since_ms) / 1000


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("drills")
    with running_fleet(folder, SLOTS, SPEED, prepare=lambda t: plant_faults(t, folder)) as running:
        yield running


def now_ms() -> float:
    return time.time() * 1000


def find(fleet: Fleet, drill: Drill) -> None:
    """Wait for the drill's alarm, however late."""

    def found() -> bool:
        named = (s.alarm for s in AlarmStore(fleet.storage).history())
        hits = [a for a in named if a.kind == drill.kind and drill.subject in a.subject]
        drill.alarm = next((a for a in hits if a.raised_wire_ms >= drill.since_ms), None)
        return drill.alarm is not None

    fleet.wait(found, f"{drill.kind} {drill.subject}", drill.within_seconds + MORE_SECONDS)
    print(f"\n{drill.kind} {drill.subject}: {drill.seconds:.1f} s", flush=True)


def life_of(fleet: Fleet, slot: str) -> int:
    return int(fleet.owner(slot).life.partition("-")[0])


def began_ms(alarm: Alarm | None) -> float:
    """Return when the process that an alarm names was started, wall time."""
    assert alarm is not None
    boot_s = float(Path("/proc/uptime").read_text().split()[0])
    ticks = int(alarm.evidence["life"].partition("-")[2])
    return now_ms() - 1000 * (boot_s - ticks / os.sysconf("SC_CLK_TCK"))


# ---- the drills -------------------------------------------------------------------------------


def never_decides(fleet: Fleet) -> Drill:
    """A slot is live and its code never decides."""
    granted = fleet.owner(NEVER_DECIDES).granted_wire_ms
    within = 3 * CYCLE_SECONDS + GRACE_SECONDS + 2
    return Drill("never ran", "release_never_decided", NEVER_DECIDES, granted, within)


def signal_stopped(fleet: Fleet, tree: Path) -> Drill:
    """A release goes out whose earlier check keeps the signal of one slot from ever running."""
    shutil.copytree(fleet.tree, tree, ignore=shutil.ignore_patterns("__pycache__"))
    stop_the_signal(tree)
    words = ("rolling-update", "apply", f"--slots={SIGNAL_STOPPED}", "--shadow=0")
    code, said = 1, ""
    for _ in range(ROLL_TRIES):
        fleet.clear_alarms()  # a slot that is late on a busy machine refuses the roll
        code, said = fleet.command(*words, tree=tree)
        if code == 0:
            break
    assert code == 0, said
    fenced = fleet.owner(SIGNAL_STOPPED).granted_wire_ms
    within = SILENT_MAX * CYCLE_SECONDS + GRACE_SECONDS + 2
    name = "never ran: check before signal"
    return Drill(name, "signal_never_ran", SIGNAL_STOPPED, fenced, within)


def hung(fleet: Fleet) -> list[Drill]:
    """Three awaits that never return: the loop's, an effect's, the strategy's own."""
    for slot in (LOOP_HANGS, EFFECT_HANGS, NEVER_RETURNS):
        flag_of(fleet.folder, slot).touch()
    due, since = 2 * CYCLE_SECONDS, now_ms()
    return [
        Drill("hung await: the loop", "no_decision", LOOP_HANGS, since, due + GRACE_SECONDS + 2),
        Drill("hung await: an effect", "missed_decision", EFFECT_HANGS, since, due + 2),
        Drill(
            "hung await: decide",
            "strategy_blocked",
            NEVER_RETURNS,
            since,
            CYCLE_SECONDS + BLOCKED_SECONDS + 2,
        ),
    ]


def params_unread(fleet: Fleet) -> Drill:
    """Parameters are set in place; one slot says yes and goes on with the old ones."""
    code, said = fleet.command("rolling-update", "params", "--set=sizing.kelly_fraction=0.4")
    assert code == 0, said
    rows = Journal(fleet.storage, IGNORES_PARAMS).rows_after(0).rows
    (since,) = [row.wire_ms for row in rows if row.kind is RowKind.PARAMS]
    within = 3 * CYCLE_SECONDS + GRACE_SECONDS + 2
    return Drill("parameters never read", "params_never_read", IGNORES_PARAMS, since, within)


def strayed(fleet: Fleet, tree: Path) -> Drill:
    """The next incarnation of a slot is started from another package than it was issued for."""
    shutil.copytree(fleet.tree, tree, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "signals/units.py").open("a").write("# of another package\n")
    shutil.copy(ROOT / "tests/drills/stray.py", tree / "stray.py")
    words = (str(fleet.state.storage), IGNORES_PARAMS, release_in(fleet.tree))
    said = fleet.job(tree, "stray.py", *words)
    (line,) = [text for text in said.splitlines() if "STRAY" in text]
    number, began = line.partition("STRAY ")[2].split()
    subject = f"{IGNORES_PARAMS}/{number}"
    return Drill("actor of another package", "wrong_code", subject, float(began), STARTED_SECONDS)


def edited(fleet: Fleet) -> list[Drill]:
    """The package of a slot is edited on disk, and its process killed."""
    pid = life_of(fleet, EDITED)
    package = Path(f"/proc/{pid}/cwd").resolve()
    assert package != fleet.tree
    began = now_ms()
    (package / "signals/units.py").open("a").write("# edited by hand\n")
    seen = Drill(
        "package edited on disk", "code_changed_on_disk", package.name, began, POLL_SECONDS
    )
    find(fleet, seen)
    killed = now_ms()
    os.kill(pid, signal.SIGKILL)
    wrong = Drill("  and its process killed", "wrong_code", f"{EDITED}/", killed, STARTED_SECONDS)
    return [seen, wrong]


def table(drills: list[Drill], policy: dict[str, str]) -> str:
    lines = [f"{'drill':<32}{'alarm':<24}{'subject':<22}{'after':>8}{'stated':>9}  reaction"]
    for drill in drills:
        assert drill.alarm is not None
        reaction = policy.get(drill.kind, str(reaction_of(drill.kind)))
        lines.append(
            f"{drill.name:<32}{drill.kind:<24}{drill.alarm.subject[:20]:<22}"
            f"{drill.seconds:6.1f} s{drill.within_seconds:7.1f} s  {reaction}"
        )
    return "\n".join(lines)


def test_silent_failures_are_alarms_within_their_stated_times(fleet: Fleet, tmp_path: Path) -> None:
    good = release_in(fleet.tree)
    first = never_decides(fleet)
    find(fleet, first)
    stopped = signal_stopped(fleet, tmp_path / "stopped")
    drills = [first, stopped, params_unread(fleet), *hung(fleet)]
    for drill in drills[2:]:
        find(fleet, drill)
        flag_of(fleet.folder, drill.subject).unlink(missing_ok=True)
    find(fleet, stopped)
    fleet.wait(lambda: fleet.owner(SIGNAL_STOPPED).release == good, "way back by the policy", 120.0)
    fleet.await_no_roll()
    fleet.await_decisions(1, (LOOP_HANGS, NEVER_RETURNS, SIGNAL_STOPPED))
    assert fleet.verdict().differences == [], "what hung has caught up"
    drills.append(strayed(fleet, tmp_path / "stray"))
    find(fleet, drills[-1])
    for drill in edited(fleet):
        drills.append(drill)
        if drill.alarm is None:
            find(fleet, drill)
    for drill in drills:
        if drill.kind == "wrong_code":
            drill.since_ms = max(drill.since_ms, began_ms(drill.alarm))
    config = msgspec.json.decode(fleet.storage.read(CONFIG_FILE), type=FleetConfig)
    print("\n" + table(drills, {kind: str(said) for kind, said in config.policy.items()}))
    assert [drill.name for drill in drills if drill.seconds > drill.within_seconds] == []
    planned = {good, release_in(tmp_path / "stopped")}
    made = {row.release for slot in SLOTS for row in fleet.decisions(slot)}
    assert made <= planned, "no decision, and so no order, by code that no plan names"
    assert {fleet.owner(slot).release for slot in SLOTS} == {good}
