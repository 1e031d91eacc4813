"""`python -m cluster.live_table`: the table of `run`, drawn by a process of its own.

It asks the actors, so it is a driver of Ray, and Ray ends its drivers when a head dies. And it
draws what strategies and the venue say. Neither may end the run: if this process dies, `run`
starts it again.
"""

import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from rich.live import Live

from actors.runtime import load_config
from checkpoints.storage import LocalStorage
from cluster.console import screen
from cluster.fleet import connect
from cluster.processes import ProcessRecord
from cluster.screen import page
from cluster.state_folder import StateFolder
from cluster.status import ask_report

REFRESH_SECONDS: Final = 1.0
FAULTS_MAX: Final = 20
"""In a row. Then a new process may do better than this one."""


def main(arguments: list[str]) -> int:
    """Draw until the runner or the head is gone; `FOLDER END`: END on the monotonic clock, 0 none.

    Returns 1 after too many faults in a row.
    """
    state, end = StateFolder(Path(arguments[0])), float(arguments[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner decides what Ctrl-C means
    signal.signal(signal.SIGTERM, _leave)
    runner, head = ProcessRecord.parent(), state.read_run().head
    link = connect(state, state.read_run().ports)
    config, storage = load_config(str(state.storage)), LocalStorage(state.storage)
    faults = faults_in_a_row = 0
    with Live(console=screen(stderr=True), auto_refresh=False, transient=True) as live:
        while runner.alive and head is not None and head.alive:
            try:
                live.update(page(ask_report(link, config, storage), _note(end, faults)))
                live.refresh()
                faults_in_a_row = 0
            except Exception as fault:  # noqa: BLE001 whatever a screen does, the fleet goes on
                faults, faults_in_a_row = faults + 1, faults_in_a_row + 1
                if faults == 1:
                    live.console.print(
                        f"the table cannot be drawn: {type(fault).__name__}: {fault}"
                    )
                if faults_in_a_row > FAULTS_MAX:
                    return 1
            time.sleep(REFRESH_SECONDS)
    return 0


def _note(end: float, faults: int) -> str:
    left = "" if end == 0 else f"{max(0.0, end - time.monotonic()):.0f} s left"
    return f"{left}   {faults} pages could not be drawn" if faults else left


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
