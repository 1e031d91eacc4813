"""Which release each shared actor replaced, kept where whoever is healthy can read it.

A roll writes it before the successor is named. As long as it stands, a successor that dies, hangs
or stops its work is taken back to the release named here; a way back clears it, so that nothing
goes to and fro.
"""

from typing import Final

import msgspec

from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage

FOLDER: Final = "succession"


class Succession(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    """``supervisor``, ``market-data`` or ``gateway``."""
    name: str
    """The successor; its number only grows, also where it is created anew."""
    release: str
    before_name: str
    before_release: str
    """Empty: there is nothing to go back to."""
    wire_ms: int
    reason: str = ""
    """Of a way back: what was wrong with the one before."""


def remember(storage: Storage, succession: Succession) -> None:
    """Store durably; raise `StorageError`."""
    storage.write(f"{FOLDER}/{succession.kind}.json", msgspec.json.encode(succession))


def recall(storage: Storage, kind: str) -> Succession | None:
    """Return the latest succession, None where there was none or it cannot be read."""
    try:
        return msgspec.json.decode(storage.read(f"{FOLDER}/{kind}.json"), type=Succession)
    except (CheckpointsError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def release_before(storage: Storage, kind: str, release: str) -> str | None:
    """Return the release that a roll replaced by this one, None where no roll brought it."""
    latest = recall(storage, kind)
    if latest is None or latest.release != release:
        return None
    return latest.before_release or None
