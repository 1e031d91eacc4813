"""The process that redeems winnings, beside a live fleet: started, watched, replaced and ended.

It runs the archived release that all slots run, never the working tree: it holds the key. The
watcher looks after it, so that it outlives Ray's head and the gateway.
"""

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Final

import msgspec

from actors.redemption.log import FOLDER
from actors.venue.kinds import VenueKind
from actors.venue.storage_mark import kind_in
from checkpoints.archive import RELEASES
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage
from cluster.audit.log_reading import read_log
from cluster.errors import ClusterError
from cluster.local.environment import child_environment, interpreter
from cluster.local.processes import MARK, end_all, marked
from cluster.local.restarts import PAUSES, WINDOW_SECONDS
from cluster.local.state_folder import RunRecord, StateFolder

REDEEMS: Final = frozenset({VenueKind.LIVE, VenueKind.REHEARSAL})
"""In a sandbox markets pay by themselves, paper has nothing to redeem."""
RELEASE_SECONDS: Final = 30.0
"""Between two looks at which release the slots run."""
END_SECONDS: Final = 10.0
"""It ends at once; what it had begun is taken up by the next one."""
LOG: Final = "redeemer.log"
LOG_BYTES_MAX: Final = 5_000_000


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What the watcher knows of the redeemer, on a clock that only goes forward."""

    starts_s: tuple[float, ...] = ()
    compared_s: float = float("-inf")


def keep_redeemer(state: StateFolder, record: RunRecord, kept: Kept, now_s: float) -> Kept:
    """Start the redeemer where one is due; it is never given up, only waited for."""
    if kind_in(state.storage) not in REDEEMS or not record.release:
        return kept
    alive = record.redeemer is not None and record.redeemer.alive
    if alive and now_s - kept.compared_s < RELEASE_SECONDS:
        return kept
    if not alive and not may_start(kept.starts_s, now_s):
        return kept
    kept = msgspec.structs.replace(kept, compared_s=now_s)
    release = release_in_force(state, record)
    if alive and record.redeemer_release == release:
        return kept
    start_redeemer(state, release)
    recent = tuple(at for at in kept.starts_s if now_s - at < WINDOW_SECONDS)
    return msgspec.structs.replace(kept, starts_s=(*recent, now_s))


def may_start(starts_s: tuple[float, ...], now_s: float) -> bool:
    """Tell whether the pause after the last starts is over."""
    recent = [at for at in starts_s if now_s - at < WINDOW_SECONDS]
    return not recent or now_s - recent[-1] >= PAUSES.wait_s(len(recent))


def release_in_force(state: StateFolder, record: RunRecord) -> str:
    """Return the release that all slots run; while they differ, what the redeemer runs."""
    ledger = read_log(LocalStorage(state.storage)).ledger
    seats = () if ledger is None else [seat for _, seat in ledger.seats.items()]
    runs = {seat.owner.release for seat in seats if seat.owner is not None}
    before = record.redeemer_release or record.release
    release = runs.pop() if len(runs) == 1 else before
    return release if _archive(state, release).exists() else before


def start_redeemer(state: StateFolder, release: str) -> None:
    """Start it in place of any other. Raises `ClusterError` where its release is not archived."""
    archive = _archive(state, release)
    if not archive.exists():
        raise ClusterError(f"{archive} is missing: the redeemer cannot start without its release")
    end_redeemer(state)
    log = state.logs / LOG
    with log.open("wb" if log.exists() and log.stat().st_size > LOG_BYTES_MAX else "ab") as stream:
        child = subprocess.Popen(  # noqa: S603 our own module from our own archive
            [interpreter(), "-P", "-m", "actors.redemption", str(state.storage)],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={
                **child_environment(os.environ),
                "PYTHONPATH": str(archive),
                MARK: _mark(state),
            },
            cwd=_folder(state),
            start_new_session=True,
        )
    state.update_run(redeemer=ProcessId.of(child.pid), redeemer_release=release)


def end_redeemer(state: StateFolder) -> None:
    """End every redeemer of this state folder."""
    for process in marked(_mark(state)):
        process.signal(signal.SIGTERM)
    end_all(lambda: marked(_mark(state)), END_SECONDS)
    with contextlib.suppress(ClusterError):  # a full disk; the name of a dead one harms nobody
        state.update_run(redeemer=None)


def _archive(state: StateFolder, release: str) -> Path:
    return state.storage / RELEASES / f"{release}.zip"


def _folder(state: StateFolder) -> Path:
    """Return a folder without code of anybody's."""
    folder = state.storage / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _mark(state: StateFolder) -> str:
    return f"{state.owner}#redeemer"
