"""The console beside a fleet that `run` starts: a process of its own, ended with the fleet."""

import os
import signal
import subprocess
from typing import Final

from checkpoints.process_id import ProcessId
from cluster.errors import ClusterError
from cluster.local.environment import child_environment, interpreter
from cluster.local.jobs import WORKING_TREE
from cluster.local.processes import MARK, end_all, marked, wait_until
from cluster.local.state_folder import StateFolder
from cluster.web.address import LOOPBACK, new_link, record_of

LOG: Final = "console.log"
START_S: Final = 30.0
"""Wire: one or two seconds on a quiet machine."""
END_S: Final = 5.0


def start_console(state: StateFolder) -> str:
    """Start the console unless one runs; return what to tell the operator."""
    if record_of(state) is None:
        with (state.logs / LOG).open("wb") as log:
            child = subprocess.Popen(  # noqa: S603 our own command
                [interpreter(), "-m", "cluster", "console", f"--state={state.root}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**child_environment(os.environ), MARK: _mark(state)},
                cwd=WORKING_TREE,
                start_new_session=True,
            )
        wait_until(lambda: record_of(state) is not None or child.poll() is not None, START_S)
    record = record_of(state)
    if record is None:
        return f"the console did not start; {state.logs / LOG} says why. The fleet needs none"
    try:
        link = new_link(state, record.port)
    except ClusterError as error:
        return f"console: http://{LOOPBACK}:{record.port}; no login link could be made: {error}"
    return f"console: {link} (logs in once; `midstride console --link` prints another)"


def end_console(state: StateFolder) -> None:
    """End the console that `run` started, and the process that asks the fleet for any console."""
    for process in _processes(state):
        process.signal(signal.SIGTERM)
    end_all(lambda: _processes(state), END_S)


def _processes(state: StateFolder) -> list[ProcessId]:
    return [*marked(_mark(state)), *marked(f"{state.owner}#console")]


def _mark(state: StateFolder) -> str:
    return f"{state.owner}#console-server"
