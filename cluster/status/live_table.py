"""`python -m cluster.status.live_table`: the table of `run`, drawn by a process of its own.

It asks the actors, so it is a driver of Ray, and Ray ends its drivers when a head dies. And it
draws what strategies and the venue say. Neither may end the run: if this process dies, `run`
starts it again.
"""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import msgspec
from rich.console import Console, ConsoleDimensions, RenderableType
from rich.live import Live

from actors.runtime import load_config
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage
from cluster.fleet import connect
from cluster.local.state_folder import StateFolder
from cluster.status.fleet_page import FleetPage
from cluster.status.page import ask_report
from cluster.terminal.console import screen
from cluster.terminal.plain_text import plain

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
    runner, head = ProcessId.parent(), state.read_run().head
    link = connect(state, state.read_run().ports)
    config, storage = load_config(str(state.storage)), LocalStorage(state.storage)
    faults = Faults()

    def made(so_far: Faults) -> RenderableType:
        report = ask_report(link, config, storage)
        return FleetPage(report, _note(end, so_far), live.console.size.height)

    with Live(console=screen(stderr=True), auto_refresh=False, transient=True) as live:
        size = live.console.size
        while runner.alive and head is not None and head.alive:
            size = clear_after_resize(live.console, size)
            faults = draw(live, made, faults)
            if faults.in_a_row > FAULTS_MAX:
                return 1
            time.sleep(REFRESH_SECONDS)
    return 0


def clear_after_resize(console: Console, drawn: ConsoleDimensions) -> ConsoleDimensions:
    """Clear the screen when its size changed: a terminal wraps the old table into more lines.

    Returns the size that the next page is drawn in.
    """
    if console.size != drawn:
        console.clear()
    return console.size


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    total: int = 0
    in_a_row: int = 0


def draw(live: Live, make: Callable[[Faults], RenderableType], before: Faults) -> Faults:
    """Draw one page; what goes wrong is counted, said the first time, and ends nothing."""
    try:
        live.update(make(before), refresh=True)
    except Exception as fault:  # noqa: BLE001 whatever a screen does, the fleet goes on
        if not before.total:
            text = plain(f"{type(fault).__name__}: {fault}")
            live.console.print(f"a page could not be drawn: {text}")
        return Faults(total=before.total + 1, in_a_row=before.in_a_row + 1)
    return Faults(total=before.total)


def _note(end: float, faults: Faults) -> str:
    left = "" if end == 0 else f"{max(0.0, end - time.monotonic()):.0f} s left"
    return f"{left}   {faults.total} pages could not be drawn" if faults.total else left


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
