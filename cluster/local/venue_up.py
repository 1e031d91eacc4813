"""The first step of a start: the venue that the fleet will trade with, simulated or real."""

from rich.console import Console

from actors.config import FleetConfig
from actors.venue.kinds import VenueKind, kind_of
from actors.venue.storage_mark import mark_problem
from cluster.errors import ClusterError
from cluster.local.ending import launched_before
from cluster.local.private_key import ensure_sandbox_key
from cluster.local.reachable import addresses_of, mode_word, wait_until_reached
from cluster.local.relayer_key import ensure_relayer_key
from cluster.local.sandbox_process import (
    SandboxOptions,
    SandboxReady,
    ensure_sandbox,
    use_real_venue,
)
from cluster.local.state_folder import StateFolder


def venue_up(
    state: StateFolder,
    fleet: FleetConfig,
    sandbox: SandboxOptions | None,
    seconds: float | None,
    console: Console,
) -> bool:
    """Start the simulated exchange, or wait until the real addresses can be reached.

    False: the time was over before. Raises `ClusterError` for a folder of another mode.
    """
    kind = kind_of(fleet)
    problem = mark_problem(state.storage, kind)
    if problem is not None:
        raise ClusterError(problem)
    if sandbox is None:
        return _real_venue(state, fleet, seconds, console)
    if kind is not VenueKind.PAPER:
        ensure_sandbox_key(state.private_key, used=launched_before(state))
    with console.status("starting the sandbox exchange"):
        ready = ensure_sandbox(state, sandbox)
    if kind is VenueKind.REHEARSAL:
        ensure_relayer_key(ready, state.private_key)
    if kind is not VenueKind.SANDBOX:
        word = mode_word(fleet)
        console.print(f"{word}: the exchange below stands in for the venue and the data services")
    _print_sandbox(ready, console)
    return True


def _real_venue(
    state: StateFolder, fleet: FleetConfig, seconds: float | None, console: Console
) -> bool:
    if not wait_until_reached(addresses_of(fleet), seconds, console, mode_word(fleet)):
        return False
    use_real_venue(state)
    word = mode_word(fleet)
    console.print(f"{word}: the venue and an exchange can be reached; market time is real time")
    return True


def _print_sandbox(ready: SandboxReady, console: Console) -> None:
    console.print(f"sandbox exchange on port {ready.port}, speed {ready.speed}")
    for line in ready.sources():
        console.print(f"  {line}", style="dim")
    console.print(f"  {ready.notice}", style="dim")
