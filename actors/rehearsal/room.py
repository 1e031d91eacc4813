"""The folder in which one shared actor is rehearsed: what it is given, and what it answers."""

from pathlib import Path
from typing import Final

import msgspec

CONFIG: Final = "config.json"
"""The fleet's configuration, without a venue's address in it."""
LOG: Final = "gateway-log"
"""Copy of the newest segment of the gateway's log."""
LEDGER: Final = "ledger.json"
"""What the running release makes of that log; absent where it cannot say."""
BUFFERS: Final = "buffers"
"""What a successor of market data starts from; absent where the present one does not answer."""
STATUSES: Final = "statuses.json"
RECORDED: Final = "recorded"
"""Path of the fleet's storage: only read."""
SCRATCH: Final = "storage"
"""Storage of the rehearsed actor: begins empty."""


class Statuses(msgspec.Struct, frozen=True, kw_only=True):
    """What the supervisor's questions were answered with, as bytes of the answering release."""

    fences: bytes = b""
    gateway: bytes = b""
    feeds: bytes = b""
    slots: dict[str, bytes] = {}


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Last line of a rehearsal's output."""

    failure: str | None
    """One sentence; None: it went well."""
    played: tuple[str, ...] = ()
    """What was tried, in order."""


class RehearsalError(Exception):
    """The release did not do what is asked of it; the message says what."""


def read(room: Path, name: str) -> bytes | None:
    path = room / name
    return path.read_bytes() if path.is_file() else None
