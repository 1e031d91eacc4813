"""`python -m cluster.daily_audit STATE [DAY] [--notify]`: audit here, behind everything else.

Writes the audit as JSON to stdout. Exit 0: it was made; 75: another one is at work; 1: it was not
made, stderr says why. `--notify`: it is the daily one, and the alarm sinks are told what it found.
"""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from actors.clock import wire_ms
from checkpoints.errors import CheckpointsError, StorageError
from cluster.daily_audit import records
from cluster.daily_audit.announce import announce
from cluster.daily_audit.errors import AuditRunsError
from cluster.daily_audit.low_priority import step_behind
from cluster.daily_audit.process import BUSY, NOTIFY
from cluster.daily_audit.report import CheckState, DayAudit, check_of
from cluster.daily_audit.run import audit, open_case
from cluster.errors import ClusterError
from cluster.local.state_folder import StateFolder
from cluster.terminal.console import notify

REPORT: Final = "report"
"""The check of an audit that could not be kept."""
WORK: Final = "audit-work"
"""In the state folder: where releases are unpacked; what a killed audit left goes first."""


def main(arguments: list[str]) -> int:
    step_behind()
    root, *rest = (one for one in arguments if one != NOTIFY)
    try:
        done = audit_alone(
            StateFolder(Path(root)), rest[0] if rest else None, scheduled=NOTIFY in arguments
        )
    except AuditRunsError as error:
        notify(f"error: {error}")
        return BUSY
    except (ClusterError, CheckpointsError, OSError) as error:
        notify(f"error: {error}")
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(done))
    sys.stdout.flush()
    return 1 if any(check.name == REPORT for check in done.checks) else 0


def not_kept(done: DayAudit, why: str) -> DayAudit:
    """Say in the audit itself that its record is not the one in the storage."""
    check = check_of(REPORT, CheckState.FAILED, f"it could not be kept: {why}")
    return msgspec.structs.replace(done, well=False, checks=(*done.checks, check))


def audit_alone(state: StateFolder, day: str | None, *, scheduled: bool = False) -> DayAudit:
    """Audit a day under the lock and keep the record; raise what keeps it from being made."""
    case = open_case(state, day, now_ms)
    with records.alone(case.storage), _work_folder(state):
        done = msgspec.structs.replace(audit(case, now_ms), scheduled=scheduled)
        if not done.over:
            return done
        try:
            records.keep(case.storage, done)
        except StorageError as error:
            done = not_kept(done, str(error))
    if scheduled:
        announce(state, case.config, done)
    return done


@contextlib.contextmanager
def _work_folder(state: StateFolder) -> Iterator[None]:
    """Let temporary files lie in the state folder, so that nothing of a killed audit stays."""
    folder = state.root / WORK
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


def now_ms() -> int:
    return int(wire_ms())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
