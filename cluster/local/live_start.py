"""What a live start does before anything of the fleet runs: gate, account, confirmation, climb.

Each step refuses with what to do. A start of another mode does none of it.
"""

import asyncio
from pathlib import Path
from typing import Final

from rich.console import Console

from actors.config import FleetConfig, Mode
from actors.live.climb_run import climb
from actors.live.climb_state import Climb, Line, Phase
from actors.live.climb_store import last_climb
from actors.live.guard import start_of
from actors.live.refusals import Start, gate_refusals
from actors.live.risked import usd
from actors.runtime import wire_ms
from actors.venue.connect import adapter_of
from actors.venue.keys import PrivateKeyError
from checkpoints.approvals import digest_of
from checkpoints.archive import load_archive
from checkpoints.errors import CheckpointsError
from checkpoints.records import canonical_json
from checkpoints.release_files import LOCK_FILE
from checkpoints.storage import LocalStorage
from cluster.config.load import read_config
from cluster.errors import FleetError
from cluster.local.account_check import check_account
from cluster.local.confirming import check_given, confirm
from cluster.local.jobs import packed_tree
from cluster.local.launch import config_in_force
from cluster.local.sandbox_process import deployment_from, read_ready
from cluster.local.state_folder import StateFolder
from signals.units import MICRO

VENUE_CODE: Final = "actors/venue/"
"""Files of a release that sign and post: other ones climb anew."""
SAID: Final = {
    Phase.PLACING: "looks for a market, signs one order far from it",
    Phase.POSTING: "places the far order",
    Phase.SEEING: "waits until it is listed and on the stream",
    Phase.CANCELLING: "cancels it",
    Phase.PROVING_GONE: "waits until it is gone",
    Phase.BUYING: "looks for a market, signs the smallest purchase",
    Phase.POSTING_BUY: "buys",
    Phase.PROVING_BOUGHT: "waits until trade and balance prove it",
    Phase.SELLING: "signs the sale of what was bought",
    Phase.POSTING_SALE: "sells",
    Phase.PROVING_SOLD: "waits until trade and balance prove it",
    Phase.WITHDRAWING: "withdraws the far order",
}
"""What a person reads while it climbs."""


def start_live(state: StateFolder, config: Path, given: str | None, console: Console) -> None:
    """Do all that a live start needs before its fleet; raise `ClusterError` with what to do."""
    ready = read_ready(state.sandbox_ready)
    wanted = read_config(config, deployment_from(ready, state.storage, state.private_key))
    if wanted.mode is not Mode.LIVE:
        return
    storage = LocalStorage(state.storage)
    fleet = config_in_force(storage, wanted, fleet_lives=False)
    release = packed_tree(state, ["launch"]).rpartition("/")[2].removesuffix(".zip")
    start = _read_start(fleet, release)
    refused = gate_refusals(start)
    if refused:
        raise FleetError("\n".join(refused))
    check_given(start.risked, given, console)
    check_account(storage, fleet, console)
    confirm(storage, start, given, console)
    _climb(storage, fleet, start.line(venue_code(storage, release)), console)


def _read_start(fleet: FleetConfig, release: str) -> Start:
    try:
        adapter_of(fleet).check_key(fleet)
        return start_of(fleet, release)
    except PrivateKeyError as error:
        raise FleetError(str(error)) from error


def venue_code(storage: LocalStorage, release: str) -> str:
    """Return the digest of a release's files that sign and post."""
    files = load_archive(storage, release).manifest.files
    named = [
        [file.path, file.sha256]
        for file in files
        if file.path.startswith(VENUE_CODE) or file.path == LOCK_FILE
    ]
    return digest_of(canonical_json(sorted(named)))


def _climb(storage: LocalStorage, fleet: FleetConfig, line: Line, console: Console) -> None:
    before = last_climb(storage)
    if before is not None and before.counts_for(line, int(wire_ms())):
        console.print("climb: proved within the last day for this wallet and code; not again")
        return

    def show(now: Climb) -> None:
        if now.phase in SAID:
            console.print(f"climb: {SAID[now.phase]}")

    try:
        found = asyncio.run(climb(fleet, line, show))
    except CheckpointsError as error:
        raise FleetError(f"the climb could not write its record: {error}") from error
    if isinstance(found, str):
        raise FleetError(f"the climb could not begin: {found}")
    if found.phase is not Phase.DONE:
        raise FleetError(
            f"the climb did not get through: {found.reason}. No slot trades; nothing rests unless "
            "that is said. Mend it and start again: it goes on where it is, and pays nothing twice"
        )
    console.print(climb_line(found))


def climb_text(found: Climb | None) -> str:
    """Say how the newest climb stands."""
    if found is None:
        return "climb: none yet; the first confirmed start makes it"
    if found.phase is Phase.DONE:
        return climb_line(found)
    return f"climb: {found.phase}" + (f": {found.reason}" if found.reason else "")


def climb_line(found: Climb) -> str:
    """Say what a climb proved and cost."""
    cost = f"the round trip cost {usd(max(0, found.cost_micro_usd))} USD"
    if found.held_shares:
        held = found.held_shares / MICRO
        cost = f"{held:g} shares are held until their market settles ({found.reason or 'a rest'})"
    return (
        f"climb: done. One far order was placed, seen, cancelled and is gone; "
        f"{found.bought_shares / MICRO:g} shares were bought for {usd(found.bought_micro_usd)} "
        f"USD; {cost}"
    )
