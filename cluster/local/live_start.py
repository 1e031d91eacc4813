"""What a live start does before anything of the fleet runs: gate, account, confirmation, climb.

Each step refuses with what to do. A start of another mode does none of it.
"""

import asyncio
from pathlib import Path
from typing import Final

from rich.console import Console

from actors.config import FleetConfig, Mode
from actors.live.climb_orders import LEAST_MICRO_USD, climb_limit
from actors.live.climb_run import climb
from actors.live.climb_state import Climb, Line, Phase
from actors.live.climb_store import last_climb
from actors.live.guard import start_of
from actors.live.refusals import Start, gate_refusals
from actors.live.risked import usd
from actors.runtime import wire_ms
from actors.venue.connect import adapter_of
from actors.venue.keys import PrivateKeyError
from actors.venue.kinds import address_problem
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
from cluster.status.climb import climb_line

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
    try:
        _start_live(state, config, given, console)
    except CheckpointsError as error:
        raise FleetError(f"nothing was started: {error}") from error


def _start_live(state: StateFolder, config: Path, given: str | None, console: Console) -> None:
    ready = read_ready(state.sandbox_ready)
    wanted = read_config(config, deployment_from(ready, state.storage, state.private_key))
    if wanted.mode is not Mode.LIVE:
        return
    storage = LocalStorage(state.storage)
    check_order_limit(wanted)
    record = state.read_run()
    lives = record.head is not None and record.head.alive
    fleet = config_in_force(storage, wanted, fleet_lives=lives)
    release = packed_tree(state, ["launch"]).rpartition("/")[2].removesuffix(".zip")
    start = _read_start(fleet, release)
    refused = gate_refusals(start)
    if refused:
        raise FleetError("\n".join(refused))
    check_given(start.risked, given, console)
    check_account(storage, fleet, console)
    confirm(storage, start, given, console)
    _climb(storage, fleet, start.line(venue_code(storage, release)), console)


def check_order_limit(fleet: FleetConfig) -> None:
    """Refuse limits under which the venue takes no order that can be sold again."""
    most = climb_limit(fleet.risk)
    if most < LEAST_MICRO_USD:
        raise FleetError(
            f"the limits let one buy cost {usd(most)} USD; the climb needs {usd(LEAST_MICRO_USD)}, "
            "for the venue takes no such order below 1 USD: raise risk.order_micro_usd, "
            "slot_exposure_micro_usd or fleet_exposure_micro_usd"
        )


def _read_start(fleet: FleetConfig, release: str) -> Start:
    problem = address_problem(fleet)
    if problem is not None:
        raise FleetError(problem)
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

    found = asyncio.run(climb(fleet, line, show))
    if isinstance(found, str):
        raise FleetError(f"the climb could not begin: {found}")
    if found.phase is not Phase.DONE:
        raise FleetError(
            f"the climb did not get through: {found.reason}. No slot trades; nothing rests unless "
            "that is said. Mend it and start again: it goes on where it is, and pays nothing twice"
        )
    console.print(climb_line(found))
