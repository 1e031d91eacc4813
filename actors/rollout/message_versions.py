"""Which messages a release sends and reads, from its archive's text; nothing of it is run."""

import io
import re
import zipfile
from collections.abc import Iterable
from typing import Final

import msgspec

from checkpoints.archive import load_archive
from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage

MESSAGES_FILE: Final = "actors/messages.py"
_SENDS: Final = re.compile(r"^MESSAGE_VERSION(?:: Final)? = (\d+)$", re.MULTILINE)
_READS: Final = re.compile(r"^MESSAGES_READ(?:: Final)? = (\d+)$", re.MULTILINE)


class Messages(msgspec.Struct, frozen=True, kw_only=True):
    release: str
    sends: int
    reads: int


def messages_in(release: str, text: str) -> Messages | None:
    """Read both versions from the text of `actors/messages.py`; None where it names none."""
    sends, reads = _SENDS.search(text), _READS.search(text)
    if sends is None:
        return None
    sent = int(sends.group(1))
    return Messages(
        release=release, sends=sent, reads=sent if reads is None else int(reads.group(1))
    )


def messages_of(storage: Storage, release: str) -> Messages | None:
    """Return the versions of an archived release, None where the archive does not tell."""
    try:
        data = load_archive(storage, release).data
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            text = archive.read(MESSAGES_FILE).decode()
    except (CheckpointsError, KeyError, UnicodeDecodeError, zipfile.BadZipFile):
        return None
    return messages_in(release, text)


def message_refusals(new: Messages | None, running: Iterable[Messages | None]) -> Iterable[str]:
    """Refuse a release whose messages a running shared actor could not read."""
    for actor in running:
        if new is not None and actor is not None and new.sends > actor.reads:
            yield (
                f"release {new.release[:12]} sends messages of version {new.sends}, but gateway, "
                f"market data or supervisor on release {actor.release[:12]} read them only up to "
                f"{actor.reads}: first roll out, with --all, a release that reads version "
                f"{new.sends} and does not send it yet"
            )
