"""What runs, attested from outside: the kernel says where a process works, we hash what is there.

No process is asked. The gateway's log says which release each slot was granted to, and the archive
which releases exist. On this machine only: a process of another host is not seen.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from actors.detectors.disk import DiskReleases
from actors.gateway.ledger import Ledger
from checkpoints.archive import archived_releases, load_archive
from checkpoints.errors import CheckpointsError
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage
from cluster.audit.log_reading import read_log
from cluster.daily_audit.report import Check, CheckState, check_of
from cluster.local.state_folder import StateFolder

NAME: Final = "what runs"
LOOKS: Final = 3
LOOK_AGAIN_SECONDS: Final = 6.0
"""Wire. A slot that is being replaced or restarted is whole again by then, or is worth a word."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One process that runs code of this fleet."""

    life: str
    root: str
    release: str | None
    """Of the files under its root now; None: they are no release."""


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Who owns a slot, by the gateway's log."""

    name: str
    """``btc-5m/7``."""
    life: str
    release: str


def judge(
    owners: Iterable[Owner], seen: Mapping[str, Seen], archived: frozenset[str]
) -> Iterator[str]:
    """Yield whatever does not run what it was granted for, or what nobody archived. Pure."""
    granted = {owner.life: owner for owner in owners}
    for owner in granted.values():
        if owner.life not in seen:
            yield f"{owner.name}: its process {owner.life} does not run on this machine"
    for one in seen.values():
        name = granted[one.life].name if one.life in granted else f"process {one.life}"
        wanted = granted[one.life].release if one.life in granted else None
        if one.release is None:
            yield f"{name}: the files that it runs from are no release ({one.root})"
        elif wanted is not None and one.release != wanted:
            yield f"{name}: runs from {one.release[:12]}, was granted to {wanted[:12]}"
        elif one.release not in archived:
            yield f"{name}: runs release {one.release[:12]}, which is not archived"


def attest(state: StateFolder) -> Check:
    """Look at every process of a fleet that runs; what some looks in a row show is wrong."""
    record = state.read_run()
    if record.head is None or not record.head.alive:
        if record.launched:
            return check_of(NAME, CheckState.FAILED, "the fleet was not stopped and does not run")
        return check_of(NAME, CheckState.NOTHING, "no fleet runs here")
    storage = LocalStorage(state.storage)
    lasting: set[str] | None = None
    seen: dict[str, Seen] = {}
    for look in range(LOOKS):
        ledger = read_log(storage).ledger
        if ledger is None:
            return check_of(NAME, CheckState.NOT_POSSIBLE, "the gateway's log cannot be read")
        seen = processes_in(state.ray)
        archived = frozenset(archived_releases(storage))
        found = set(judge(owners_of(ledger), seen, archived))
        lasting = found if lasting is None else lasting & found
        if not lasting:
            break
        if look < LOOKS - 1:
            time.sleep(LOOK_AGAIN_SECONDS)
    damaged = tuple(_damaged(storage, {one.release for one in seen.values() if one.release}))
    wrong = (*sorted(lasting or ()), *damaged)
    said = f"{len(seen)} processes hashed from outside, against the gateway's log and the archive"
    return check_of(NAME, CheckState.FAILED if wrong else CheckState.PASSED, said, wrong)


def owners_of(ledger: Ledger) -> Iterator[Owner]:
    for slot, seat in ledger.seats.items():
        owner = seat.owner
        if owner is not None:
            name = f"{slot}/{owner.incarnation}"
            yield Owner(name=name, life=owner.life, release=owner.release)


def processes_in(folder: Path) -> dict[str, Seen]:
    """Return, by life, the processes that work in a release unpacked under a folder."""
    inside, hashed, found = folder.resolve(), DiskReleases(), {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            process = ProcessId.of(int(entry.name))
        except (ProcessLookupError, OSError):
            continue  # it ended meanwhile
        root = process.folder
        if root is None or not root.is_relative_to(inside) or not (root / "actors").is_dir():
            continue
        release = hashed.release_at(str(root))
        found[process.life] = Seen(life=process.life, root=str(root), release=release)
    return found


def _damaged(storage: LocalStorage, releases: Iterable[str]) -> Iterator[str]:
    for release in sorted(releases):
        try:
            load_archive(storage, release)
        except CheckpointsError as error:
            yield f"release {release[:12]} is not whole in the archive: {error}"
