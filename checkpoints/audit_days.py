"""Which days were audited: ``audits/<day>.json`` in the storage, and since when days are owed."""

import re
from typing import Final

import msgspec

from checkpoints.errors import DamagedError, MissingFileError
from checkpoints.small_file import from_json
from checkpoints.storage import Storage

FOLDER: Final = "audits"
SINCE_FILE: Final = f"{FOLDER}/since.json"
DAY_FILE: Final = re.compile(rf"{FOLDER}/(?P<day>\d{{4}}-\d\d-\d\d)\.json")


class Since(msgspec.Struct, frozen=True, kw_only=True):
    day: str


def audited_days(storage: Storage) -> list[str]:
    """Return the days that have a record, oldest first."""
    found = map(DAY_FILE.fullmatch, storage.names(f"{FOLDER}/"))
    return sorted(match["day"] for match in found if match is not None)


def owed_since(storage: Storage) -> str | None:
    """Return the first day that is owed an audit; None: nobody has stored one that can be read."""
    try:
        return from_json(storage.read(SINCE_FILE), Since, SINCE_FILE).day or None
    except (MissingFileError, DamagedError):
        return None
