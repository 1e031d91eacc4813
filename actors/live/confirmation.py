"""The record that a person confirmed a live start; without it no gateway opens a live venue.

``live/in_force.json``             of the fleet that was started; gone when a person stops it
``live/confirmations/<time>.json`` each one that was ever given, for later readers

A restart of a fleet that died runs under the record; a person's own start asks again.
"""

import contextlib
import hashlib
import secrets
from pathlib import Path
from typing import Final

import msgspec

from actors.live.risked import Risked, Store
from checkpoints.approvals import strict
from checkpoints.errors import CheckpointsError, MissingFileError
from checkpoints.records import canonical_json
from checkpoints.small_file import read_file
from checkpoints.storage import LocalStorage

IN_FORCE: Final = "live/in_force.json"
HISTORY: Final = "live/confirmations"
STORE_ID: Final = "live/store"
MACHINE_FILE: Final = Path("/etc/machine-id")
ID_BYTES: Final = 16


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    risked: Risked
    typed: str
    who: str
    wire_ms: int


def store_of(storage: LocalStorage) -> Store:
    """Name this storage on this machine; gives it an id of its own at the first question."""
    try:
        found = storage.read(STORE_ID)
    except MissingFileError:
        storage.create(STORE_ID, f"{secrets.token_hex(ID_BYTES)}\n".encode())
        found = storage.read(STORE_ID)
    return Store(
        path=str(storage.root.resolve()),
        id=found.decode(errors="replace").strip(),
        machine=_machine(),
    )


def _machine() -> str:
    """Name this machine without telling its id; empty where it has none."""
    try:
        return hashlib.sha256(b"midstride " + read_file(MACHINE_FILE).strip()).hexdigest()[:16]
    except OSError:
        return ""


def put_in_force(storage: LocalStorage, confirmed: Confirmed) -> None:
    data = canonical_json(confirmed)
    storage.write(f"{HISTORY}/{confirmed.wire_ms}.json", data)
    storage.write(IN_FORCE, data)


def first_wire_ms(storage: LocalStorage) -> int | None:
    """Return when a person first confirmed a start in this storage; None: nobody did."""
    names = (name.rpartition("/")[2] for name in storage.names(f"{HISTORY}/"))
    times = [int(name.removesuffix(".json")) for name in names if name[:-5].isdecimal()]
    return min(times, default=None)


def in_force(storage: LocalStorage) -> Confirmed | str | None:
    """Return what a person confirmed for the fleet that is up; a text where it cannot be read."""
    try:
        return strict(storage.read(IN_FORCE), Confirmed)
    except MissingFileError:
        return None
    except CheckpointsError as error:
        return str(error)


def end(storage: LocalStorage) -> None:
    """Take the record away: the next start asks a person. Needs no free space."""
    with contextlib.suppress(CheckpointsError):
        storage.delete(IN_FORCE)
