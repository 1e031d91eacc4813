"""What is pressed on the pages of the record: each does what its command does.

Abort and rollback run as the command itself, in a process of its own: a way back that has begun
does not end with the console, and a console needs no Ray.
"""

import subprocess
import threading
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from actors.clock import wall_ms
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from cluster.audit.journal_view import Within
from cluster.errors import FleetError
from cluster.fleet import running
from cluster.local.jobs import WORKING_TREE
from cluster.local.state_folder import StateFolder
from cluster.replay.guests import ProcessRooms
from cluster.replay.recorded import Wanted
from cluster.replay.result import Replayed
from cluster.replay.run import ReplayOptions, replay
from cluster.rolling_update.planning import find_release
from cluster.status.alarm_clearing import chosen_alarms, clear_alarms
from cluster.terminal.plain_text import plain
from cluster.web.command_line import command_of, environment
from cluster.web.pages import Pressed
from cluster.web.record_journal import before
from cluster.web.views.trades import rerun_of
from signals.market import Slot, day_of

REFUSED_S: Final = 20.0
"""Wire, for a command to refuse: Python's start and its own checks. One that lasts longer has begun
and goes on by itself."""
SAID_MAX: Final = 600
RERUN_DAYS: Final = 2
"""Before the decision: its memory adds up from the rows of some hours."""
PARTS: Final = 4
RERUN: Final = threading.Lock()
"""One decision at a time: each starts a process with a whole release in it."""


def press_clear(pressed: Pressed) -> str:
    """Clear one alarm, or all of one kind, as `alarms clear` does."""
    store = AlarmStore(LocalStorage(pressed.state.storage))
    identity, kind = pressed.form.get("id", ""), pressed.form.get("kind", "")
    if not identity and not kind:
        raise FleetError("no alarm is named: press the button beside one")
    chosen = chosen_alarms(store, (identity,) if identity else (), kind or None)
    cleared = clear_alarms(store, chosen, pressed.reason, pressed.who, int(wall_ms()))
    return "; ".join(cleared) or "there is no alarm; nothing to clear"


def press_abort(pressed: Pressed) -> str:
    """End the roll under way, as `rolling-update abort` does."""
    running(pressed.state)
    return _command(pressed.state, "abort", ())


def press_rollback(pressed: Pressed) -> str:
    """Go back to a release, as `rolling-update rollback` does."""
    running(pressed.state)
    named = pressed.form.get("to", "").strip()
    if not named:
        raise FleetError("no release is named: write the first letters of one")
    release = find_release(LocalStorage(pressed.state.storage), named)
    return _command(pressed.state, "rollback", ("--to", release))


def press_rerun(pressed: Pressed) -> str:
    """Make the decision behind a trade again under its own release, as `replay` does."""
    intent = pressed.form.get("intent", "")
    parts = intent.split("/")
    if len(parts) != PARTS or not Slot.is_name(parts[0]) or not parts[2].isdecimal():
        raise FleetError("no trade is named: open one on this page, then run it again")
    if not RERUN.acquire(blocking=False):
        raise FleetError("another decision is being made again: wait for it, then press once more")
    try:
        found = rerun_of(_replayed(pressed.state, parts[0], int(parts[2])))
    finally:
        RERUN.release()
    return "; ".join((found.said, *found.differences))


def about_alarm(form: Mapping[str, str]) -> str:
    return form.get("id") or f"all of {form.get('kind', '')}"


def about_release(form: Mapping[str, str]) -> str:
    return form.get("to", "")


def about_trade(form: Mapping[str, str]) -> str:
    return form.get("intent", "")


def trade_query(form: Mapping[str, str]) -> str:
    """Name the trade whose page a second run was asked on."""
    return f"?id={quote(form.get('intent', ''), safe='')}"


def _replayed(state: StateFolder, slot: str, due_ms: int) -> Replayed:
    """Replay from the days around the decision; if that does not add up, from the whole record."""
    storage = LocalStorage(state.storage)
    wanted = Wanted(slot=slot, due_ms=due_ms)
    near = Within(slot=slot, first_day=before(day_of(due_ms), RERUN_DAYS))
    options = ReplayOptions(wanted=wanted, within=near, processes=1)
    found = replay(state.storage, options, lambda folder: ProcessRooms(storage, folder))
    if found.all_identical:
        return found
    whole = ReplayOptions(wanted=wanted, within=Within(slot=slot), processes=1)
    return replay(state.storage, whole, lambda folder: ProcessRooms(storage, folder))


def _command(state: StateFolder, verb: str, words: tuple[str, ...]) -> str:
    """Run a command of rolling updates; raise `FleetError` with what it said if it refused."""
    log = state.root / "logs" / f"console-{verb}.log"
    log.parent.mkdir(exist_ok=True)
    if log.exists():  # of one that may still write
        log.replace(log.with_name(f"{log.name}.1"))
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 our own command
            command_of(state, ("rolling-update", verb, *words)),
            cwd=WORKING_TREE,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        code = process.wait(REFUSED_S)
    except subprocess.TimeoutExpired:
        return f"{verb} has begun and goes on by itself; {log} has what it says"
    said = plain(" ".join(log.read_text(errors="replace").split())[-SAID_MAX:], SAID_MAX)
    if code:
        raise FleetError(said or f"{verb} ended with {code}; see {log}")
    return said or f"{verb} is done"
