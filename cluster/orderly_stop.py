"""`python -m cluster.orderly_stop`: ask the actors to stop, in a process that may die of it.

It is a driver of Ray, and Ray ends its drivers when the head dies meanwhile. Who waits for it then
ends the processes all the same.
"""

import signal
import sys
from pathlib import Path
from typing import Final

from actors.runtime import load_config
from checkpoints.storage import LocalStorage
from cluster.console import say
from cluster.ending import stop_actors
from cluster.errors import ClusterError
from cluster.fleet import RayLink, connect
from cluster.screen import summary
from cluster.state_folder import StateFolder
from cluster.status import ask_report
from cluster.tally import tally

WITH_SUMMARY: Final = "--summary"


def main(arguments: list[str]) -> int:
    """`FOLDER [--summary]`: stop the actors, then say what the run came to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who waits decides what Ctrl-C means
    state = StateFolder(Path(arguments[0]))
    try:
        link = connect(state, state.read_run().ports)
        lines = _summary(state, link) if WITH_SUMMARY in arguments else []
        stop_actors(link, LocalStorage(state.storage), say)
    except ClusterError as error:
        say(f"not in order: {error}")
        return 1
    for line in lines:
        say(line)
    return 0


def _summary(state: StateFolder, link: RayLink) -> list[str]:
    storage = LocalStorage(state.storage)
    report = ask_report(link, load_config(str(state.storage)), storage)
    return list(summary(tally(state.storage), report))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
