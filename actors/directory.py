"""Who serves: for each kind of shared actor one file of the storage names it.

``gateway/current`` also holds its generation and is written by the gateway alone, last, when it
serves; the other two hold a bare name.
"""

from typing import Final

from actors.gateway.lock import CURRENT_FILE as GATEWAY_CURRENT
from actors.gateway.lock import Current
from actors.shared_kind import Kind
from checkpoints.errors import MissingFileError
from checkpoints.small_file import from_json
from checkpoints.storage import Storage

SUPERVISOR_CURRENT: Final = "supervisor/current"
MARKET_DATA_CURRENT: Final = "market-data/current"
_FILES: Final = {
    Kind.SUPERVISOR: SUPERVISOR_CURRENT,
    Kind.MARKET_DATA: MARKET_DATA_CURRENT,
    Kind.GATEWAY: GATEWAY_CURRENT,
}


def first_name(kind: Kind) -> str:
    return f"{kind}/1"


def named(storage: Storage, kind: Kind) -> str | None:
    """Return the actor that serves, None before the first; raise `DamagedError`."""
    file = _FILES[kind]
    try:
        data = storage.read(file)
    except MissingFileError:
        return None
    if kind is Kind.GATEWAY:
        return from_json(data, Current, file).name
    return data.decode(errors="replace").strip() or None


def serving(storage: Storage, kind: Kind) -> str:
    """Return the actor that serves, or the first one's name before any has."""
    return named(storage, kind) or first_name(kind)


def write_name(storage: Storage, kind: Kind, name: str) -> None:
    """Name who serves from now on; the gateway names itself, with its generation."""
    assert kind is not Kind.GATEWAY
    storage.write(_FILES[kind], name.encode())
