"""The process of the daily audit: started in a session of its own, found again by its mark."""

import os
import signal
import subprocess
from typing import Final

from cluster.local.environment import child_environment, interpreter
from cluster.local.jobs import WORKING_TREE
from cluster.local.processes import MARK, end_all, marked
from cluster.local.state_folder import StateFolder

MODULE: Final = "cluster.daily_audit"
NOTIFY: Final = "--notify"
"""It is the daily one: the alarm sinks are told what it found."""
BUSY: Final = 75
"""Exit of a process that found another audit at work (EX_TEMPFAIL)."""
END_SECONDS: Final = 5.0
"""It ends at once; its record is written in one step."""
LOG: Final = "daily-audit.log"
LOG_BYTES_MAX: Final = 1_000_000


def start_audit(state: StateFolder, day: str) -> subprocess.Popen[bytes]:
    """Start the audit of a day in a session of its own."""
    log = state.logs / LOG
    with log.open("wb" if log.exists() and log.stat().st_size > LOG_BYTES_MAX else "ab") as stream:
        return subprocess.Popen(  # noqa: S603 our own module with our own folder
            [interpreter(), "-m", MODULE, str(state.root), day, NOTIFY],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            env={**child_environment(os.environ), MARK: audit_mark(state)},
            cwd=WORKING_TREE,
            start_new_session=True,
        )


def end_audit(state: StateFolder) -> None:
    """End a daily audit of this state folder; the day stays due."""
    for process in marked(audit_mark(state)):
        process.signal(signal.SIGTERM)
    end_all(lambda: marked(audit_mark(state)), END_SECONDS)


def audit_mark(state: StateFolder) -> str:
    return f"{state.owner}#daily-audit"
