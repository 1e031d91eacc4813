"""`python -m cluster.daily_audit STATE [DAY]`: audit in this process, behind everything else.

Writes the audit as JSON to stdout. Exit 0: it was made; 1: it was not, stderr says why.
"""

import sys

from cluster.local.environment import settle

if __name__ == "__main__":  # before any other import: a foreign PYTHONPATH would answer it
    settle(sys.argv[1:])

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from checkpoints.errors import CheckpointsError
from cluster.daily_audit import records
from cluster.daily_audit.low_priority import step_behind
from cluster.daily_audit.report import DayAudit
from cluster.daily_audit.run import audit, open_case
from cluster.errors import ClusterError
from cluster.local.state_folder import StateFolder
from cluster.terminal.console import notify

WORK: Final = "audit-work"
"""In the state folder: where releases are unpacked; what a killed audit left goes first."""


def main(arguments: list[str]) -> int:
    step_behind()
    state = StateFolder(Path(arguments[0]))
    try:
        done = audit_alone(state, arguments[1] if arguments[1:] else None)
    except (ClusterError, CheckpointsError, OSError) as error:
        notify(f"error: {error}")
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(done))
    sys.stdout.flush()
    return 0


def audit_alone(state: StateFolder, day: str | None, *, scheduled: bool = False) -> DayAudit:
    """Audit a day under the lock and keep the record; raise what keeps it from being made."""
    case = open_case(state, day, wall_ms())
    with records.alone(case.storage), _work_folder(state):
        done = msgspec.structs.replace(audit(case, wall_ms), scheduled=scheduled)
        if done.over:
            records.keep(case.storage, done)
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


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
