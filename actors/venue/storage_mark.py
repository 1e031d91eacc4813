"""Which kind of fleet a storage belongs to: sandbox, paper, rehearsal and live never share one."""

from pathlib import Path
from typing import Final

from actors.venue.kinds import VenueKind
from checkpoints.errors import CheckpointsError, MissingFileError
from checkpoints.storage import LocalStorage

MARK: Final = "venue/mode"
USED_BY: Final = ("journal", "checkpoints")
"""Folders that a fleet fills as soon as it trades."""


def kind_in(root: Path) -> VenueKind | None:
    """Return the kind that a storage is marked with; None where it has no readable mark."""
    try:
        return VenueKind(LocalStorage(root).read(MARK).decode().strip())
    except (CheckpointsError, ValueError):
        return None


def mark_problem(root: Path, kind: VenueKind) -> str | None:
    """Say why a fleet of this kind may not use a storage; mark a new one as its own.

    A used storage without a mark is a sandbox's: marks came with the second kind.
    """
    wanted, storage = kind.value, LocalStorage(root)
    try:
        found = storage.read(MARK).decode(errors="replace").strip()
    except MissingFileError:
        used = any((storage.root / folder).exists() for folder in USED_BY)
        found = VenueKind.SANDBOX.value if used else wanted
        if found == wanted:
            storage.write(MARK, f"{wanted}\n".encode())
    except CheckpointsError as error:
        return f"{storage.root / MARK} cannot be read: {error}"
    if found == wanted:
        return None
    return (
        f"{storage.root} holds a {found} fleet and this one is {wanted}: "
        "use another folder with --state"
    )
