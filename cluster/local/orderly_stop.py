"""Ask the actors to stop, in a process that may die of it.

It is a driver of Ray, and Ray ends its drivers when the head dies meanwhile. Who waits for it then
ends the processes all the same.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from actors.directory import serving
from actors.runtime import load_config
from actors.shared_kind import Kind
from checkpoints.storage import LocalStorage
from cluster.errors import ClusterError, FleetError
from cluster.fleet import Call, FleetLink, RayLink, connect, owners
from cluster.local.state_folder import StateFolder
from cluster.status.page import ask_report
from cluster.status.screen import summary
from cluster.status.tally import tally
from cluster.terminal.console import notify

SLOTS_STOP_SECONDS: Final = 30.0
SECONDS_PER_SLOT: Final = 2.0
"""Wire, the larger of the two: slots stop side by side and write their last rows and a checkpoint
each; most take well under a second."""
REASON: Final = "the fleet is stopped by its operator"
ACTOR_STOP_SECONDS: Final = 15.0
"""Wire. The gateway cancels what rests (one request) and puts its log away."""
WITH_SUMMARY: Final = "--summary"


def main(arguments: list[str]) -> None:
    """`FOLDER [--summary]`: stop the actors, then say what the run came to; the process ends."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # who waits decides what these mean
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.exit(_stop(arguments))


def _stop(arguments: list[str]) -> int:
    state = StateFolder(Path(arguments[0]))
    try:
        link = connect(state, state.read_run().ports)
        lines = _summary(state, link) if WITH_SUMMARY in arguments else []
        stop_actors(link, LocalStorage(state.storage), notify)
    except ClusterError as error:
        notify(f"the actors were not asked to stop: {error}")
        return 1
    for line in lines:
        notify(line)
    return 0


def _summary(state: StateFolder, link: RayLink) -> list[str]:
    storage = LocalStorage(state.storage)
    report = ask_report(link, load_config(str(state.storage)), storage)
    return list(summary(tally(state.storage), report))


def stop_actors(link: FleetLink, storage: LocalStorage, notify: Callable[[str], None]) -> None:
    """Stop slots, then gateway and market data; say what did not answer and go on."""
    gateway = serving(storage, Kind.GATEWAY)
    _ask(link, [Call(serving(storage, Kind.SUPERVISOR), "stop")], ACTOR_STOP_SECONDS, notify)
    try:
        slots = [Call(name, "stop", (REASON,)) for name in owners(link, gateway).values()]
    except FleetError as error:
        notify(f"the slots could not be asked to stop: {error}")
        slots = []
    _ask(link, slots, slots_stop_seconds(len(slots)), notify)
    _ask(link, [Call(gateway, "stop")], ACTOR_STOP_SECONDS, notify)
    _ask(link, [Call(serving(storage, Kind.MARKET_DATA), "stop")], ACTOR_STOP_SECONDS, notify)


def slots_stop_seconds(slots: int) -> float:
    return max(SLOTS_STOP_SECONDS, slots * SECONDS_PER_SLOT)


def _ask(
    link: FleetLink, calls: Sequence[Call], limit_seconds: float, notify: Callable[[str], None]
) -> None:
    for call, answer in zip(calls, link.ask(calls, limit_seconds), strict=True):
        if not isinstance(answer, str):
            continue
        if answer == f"no actor {call.actor}":
            notify(f"{call.actor} had not started yet; nothing to stop")
        else:
            notify(f"{call.actor} did not stop by itself ({answer}); its process is ended")
