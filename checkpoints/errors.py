"""Everything that this package raises.

CheckpointsError
├── StorageError                 the operator: mend the named folder or disk
│   └── MissingFileError         the caller: nothing is stored under that name
├── RefusedValueError            the author of the state: NaN, infinity or -0.0 has no
│                                canonical form
├── StaleWriterError             the writer: a later fence owns the slot; stop
├── StaleMarkError               the caller: take a full checkpoint instead of a delta
├── UpgradePathError             the operator: no chain of upgrades between the two versions
└── DamagedError                 a stored file is not what was written; fall back where a
    │                            previous one exists, and tell the operator
    ├── DamagedCheckpointError
    │   ├── TornCheckpointError        blocks never reached the disk (power loss)
    │   ├── TruncatedCheckpointError   the end is missing
    │   ├── FlippedCheckpointError     some bytes differ from what was sealed
    │   ├── WrongHashError             intact file, but the rows are not the declared state
    │   └── NewerSchemaError           intact, written by newer code: run that release
    ├── DamagedJournalError            one flush is unreadable; its rows are missing
    ├── DamagedLogError                never fall back: the gateway goes HALTED
    ├── DamagedSnapshotError           the decision that used it cannot be replayed
    └── DamagedArchiveError            the release cannot be run again from this archive
"""

import msgspec


class CheckpointsError(Exception):
    """Root of this package's exceptions."""


class StorageError(CheckpointsError):
    """The storage folder cannot be used; the message names it and says what to do."""


class MissingFileError(StorageError):
    """Nothing is stored under this name."""


class RefusedValueError(CheckpointsError, ValueError):
    """The value has no canonical form: NaN, an infinity or -0.0."""


class StaleWriterError(CheckpointsError):
    """Another writer with the same or a higher fence was here first; stop writing."""


class StaleMarkError(CheckpointsError):
    """Changes since this mark are no longer remembered; take a full checkpoint."""


class UpgradePathError(CheckpointsError):
    """No chain of row functions leads from one version to the other."""


class DamagedError(CheckpointsError):
    """A stored file is not what was written."""


class DamagedCheckpointError(DamagedError):
    """A checkpoint cannot be used; fall back to the previous one and the journal."""


class TornCheckpointError(DamagedCheckpointError):
    """The file ends in blocks that never reached the disk."""


class TruncatedCheckpointError(DamagedCheckpointError):
    """The file's end is missing."""


class FlippedCheckpointError(DamagedCheckpointError):
    """Bytes differ from what was sealed."""


class WrongHashError(DamagedCheckpointError):
    """The rows do not add up to the declared logical hash."""


class NewerSchemaError(DamagedCheckpointError):
    """Written by newer code; this release cannot read it."""


class DamagedJournalError(DamagedError):
    """One journal file is unreadable; readers name it and go on."""


class DamagedLogError(DamagedError):
    """A gateway record is damaged and it is not the torn tail: halt, never fall back."""


class DamagedSnapshotError(DamagedError):
    """A stored snapshot is not what its digest says."""


class DamagedArchiveError(DamagedError):
    """A release archive is not what its id says."""


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """One damaged or missing file, as a value: readers name it and go on."""

    name: str
    """In the storage."""
    kind: str
    """Name of the error class, e.g. ``FlippedCheckpointError``."""
    reason: str


def damage_of(name: str, error: CheckpointsError) -> Damage:
    return Damage(name=name, kind=type(error).__name__, reason=str(error))
