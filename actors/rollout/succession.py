"""Which release each shared actor replaced, kept where whoever is healthy can read it.

A roll writes it before the successor is named. As long as it stands, a successor that dies, hangs
or stops its work is taken back to the release named here; a way back clears it, so that nothing
goes to and fro.
"""

from typing import Final

import msgspec

from actors.elapsed import elapsed_ms
from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage

FOLDER: Final = "succession"
WATCHED_MS: Final = 86_400_000
"""Wire: a day has all hours of the market in it; what fails later fails by its surroundings, as a
full disk, and the release before would too."""


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


def replaced(storage: Storage, kind: str, now_ms: float) -> tuple[str, str] | None:
    """Return the release that a roll brought and the one before it, for as long as it is watched.

    None where no roll brought it, where it was taken back, or where it has worked for long.
    """
    latest = recall(storage, kind)
    if latest is None or not latest.before_release:
        return None
    if elapsed_ms(now_ms, latest.wire_ms) > WATCHED_MS:
        return None
    return latest.release, latest.before_release
