"""`python -m cluster.local.watcher`: starts exchange and Ray head again when they die, and says so.

One small process beside each fleet, in a session of its own. It asks nothing of Ray, so it outlives
a head. Its name is in the run record; `stop` and the end of `run` end it first.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from actors.detectors.alarm_names import AlarmName
from actors.detectors.registry import new_alarm
from checkpoints.alarms import AlarmStore
from checkpoints.errors import CheckpointsError
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage
from cluster.daily_audit.keeper import AuditKeeper
from cluster.errors import ClusterError
from cluster.local import sandbox_process
from cluster.local.ending import end_watcher, watcher_mark
from cluster.local.environment import child_environment, interpreter
from cluster.local.head import HEAD_LOG, end_head, ensure_head
from cluster.local.jobs import WORKING_TREE
from cluster.local.processes import MARK, wait_until
from cluster.local.ray_logs import causes, read_logs
from cluster.local.redeemer import Kept, keep_redeemer
from cluster.local.restarts import RESTARTS_MAX, WINDOW_SECONDS, Action, Seen, next_action
from cluster.local.starting import launch_again
from cluster.local.state_folder import RunRecord, StateFolder
from cluster.local.state_lock import StateLockedError, hold
from cluster.terminal.console import notify

POLL_SECONDS: Final = 0.5
START_SECONDS: Final = 30.0
"""Its imports on a busy machine."""
LOG: Final = "watcher.log"
LOG_BYTES_MAX: Final = 1_000_000
COMMAND: Final = "cluster watcher"
LOCK_SECONDS: Final = 5.0


def start_watcher(state: StateFolder) -> subprocess.Popen[bytes]:
    """Start the watcher of a fleet in place of any other; it has registered when this returns."""
    end_watcher(state)
    log = state.logs / LOG
    with log.open("wb" if log.exists() and log.stat().st_size > LOG_BYTES_MAX else "ab") as stream:
        child = subprocess.Popen(  # noqa: S603 our own module with our own folder
            [interpreter(), "-m", "cluster.local.watcher", str(state.root)],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**child_environment(os.environ), MARK: watcher_mark(state)},
            cwd=WORKING_TREE,
            start_new_session=True,
        )
    if not wait_until(lambda: _registered(state, child), START_SECONDS):
        raise ClusterError(
            f"the process that restarts a dead fleet (watcher) did not start: read {log}"
        )
    return child


def _registered(state: StateFolder, child: subprocess.Popen[bytes]) -> bool:
    watcher = state.read_run().watcher
    return child.poll() is not None or (watcher is not None and watcher.pid == child.pid)


def main(arguments: list[str]) -> int:
    """Watch the fleet of a state folder until it is stopped; 1 when it gave up."""
    state = StateFolder(Path(arguments[0]))
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    own = ProcessId.own()
    record = state.update_run(watcher=own)
    restarts: tuple[float, ...] = ()
    kept = Kept()
    audits = AuditKeeper(state)
    while record.watcher == own:
        action = next_action(_seen(record), restarts, time.monotonic())
        if action is Action.GIVE_UP:
            _alarm(state, "restart_gave_up", record)
            state.update_run(gave_up=True)
            return 1
        if action in {Action.RESTART_EXCHANGE, Action.RESTART_FLEET}:
            began = time.monotonic()
            restarts = (*restarts, began) if _restart(state, record, action) else restarts
        kept = _keep_redeemer(state, record, kept)
        audits.poll(record, time.monotonic())
        time.sleep(POLL_SECONDS)
        record = state.read_run()
    return 0


def _keep_redeemer(state: StateFolder, record: RunRecord, kept: Kept) -> Kept:
    """Look after the redeemer, whatever stands with the fleet; what fails is tried again later."""
    now_s = time.monotonic()
    try:
        return keep_redeemer(state, record, kept, now_s)
    except (ClusterError, CheckpointsError, OSError) as error:
        notify(f"the redeemer did not start: {error}")
        return Kept(starts_s=(*kept.starts_s, now_s), compared_s=now_s)


def _seen(record: RunRecord) -> Seen:
    return Seen(
        fleet_lives=record.head is not None and record.head.alive and record.launched,
        exchange_lives=not exchange_is_due(record),
    )


def exchange_is_due(record: RunRecord) -> bool:
    """Tell whether an exchange of this fleet is to be started; with a real venue there is none."""
    alive = record.sandbox is not None and record.sandbox.alive
    return bool(record.sandbox_command) and not alive


def _restart(state: StateFolder, record: RunRecord, action: Action) -> bool:
    """Say what died, then start it again; a failure is written down and tried again later.

    False: another command starts or ends the fleet at the moment, so nothing was tried.
    """
    try:
        with hold(state, COMMAND, LOCK_SECONDS):
            if state.read_run() != record:
                return False  # another command was at it while this one waited: look again
            if action is Action.RESTART_EXCHANGE:
                _alarm(state, "exchange_died", record)
                sandbox_process.start_again(state)
            else:
                _restart_fleet(state, record)
        notify(f"{action}: done")
    except StateLockedError as error:
        notify(f"{action}: not now: {error}")
        return False
    except (ClusterError, CheckpointsError, OSError) as error:
        notify(f"{action}: {error}")
    return True


def _restart_fleet(state: StateFolder, record: RunRecord) -> None:
    if record.head is not None and not record.head.alive:  # none: a restart failed, it was told
        _alarm(state, "head_died", record)
    state.update_run(launched=False)
    end_head(state)
    if exchange_is_due(record):
        sandbox_process.start_again(state)
    ensure_head(state, record.ports)
    launch_again(state, notify)


def _alarm(state: StateFolder, kind: AlarmName, record: RunRecord) -> None:
    """Write an alarm; a storage that takes none is no reason to restart nothing."""
    dead = record.sandbox if kind == "exchange_died" else record.head
    evidence = {"pid": str(dead.pid) if dead else "", "release": record.release[:12]}
    if kind != "exchange_died":
        said = causes(read_logs(state.logs / HEAD_LOG, state.ray))
        evidence["ray_said"] = "\n".join(said)
    if kind == "restart_gave_up":
        evidence["restarts"] = f"{RESTARTS_MAX} in {WINDOW_SECONDS / 60:.0f} minutes"
    wire_ms = time.time_ns() // 1_000_000
    alarm = new_alarm(kind, f"pid-{evidence['pid']}", evidence, wire_ms=wire_ms)
    notify(f"{kind} {evidence}")
    try:
        AlarmStore(LocalStorage(state.storage)).raise_alarm(alarm)
    except (CheckpointsError, OSError) as error:
        notify(f"the alarm could not be written: {error}")


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
