"""The record of climbs in the storage; written before anything that it names leaves.

``live/climb.json``            the newest
``live/climbs/<begun>.json``   those before it: their orders stay known as ours
"""

import contextlib
from typing import Final

import msgspec

from actors.live.climb_state import Climb, Placed
from checkpoints.errors import CheckpointsError, DamagedError, MissingFileError
from checkpoints.records import canonical_json
from checkpoints.storage import LocalStorage

CLIMB: Final = "live/climb.json"
BEFORE: Final = "live/climbs"


def store_climb(storage: LocalStorage, climb: Climb) -> None:
    """Keep the newest climb; raise `StorageError` where the disk refuses."""
    storage.write(CLIMB, canonical_json(climb))


def put_away(storage: LocalStorage, climb: Climb) -> None:
    storage.write(f"{BEFORE}/{climb.begun_wire_ms}.json", canonical_json(climb))


def last_climb(storage: LocalStorage) -> Climb | None:
    """Return the newest climb; raises `DamagedError` for a record that cannot be read."""
    return _read(storage, CLIMB)


def climbs(storage: LocalStorage) -> tuple[Climb, ...]:
    """Return the climbs of this storage, newest first; what cannot be read is left out."""
    found: list[Climb] = []
    for name in (CLIMB, *sorted(storage.names(f"{BEFORE}/"), reverse=True)):
        with contextlib.suppress(CheckpointsError):
            climb = _read(storage, name)
            found += [climb] if climb else []
    return tuple(found)


def climb_orders(storage: LocalStorage) -> tuple[Placed, ...]:
    """Return every order that any climb of this storage signed."""
    orders = {one.order_id: one for climb in climbs(storage) for one in climb.orders}
    return tuple(orders.values())


def _read(storage: LocalStorage, name: str) -> Climb | None:
    try:
        return msgspec.json.decode(storage.read(name), type=Climb)
    except MissingFileError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DamagedError(
            f"{name}, the record of the climb, cannot be read ({error}): look for orders on the "
            "venue's page, then move the file away"
        ) from error
