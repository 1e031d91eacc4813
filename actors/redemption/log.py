"""The redeemer's log: each claim as it stood after each step, written before what follows leaves.

A folder in the fleet's storage, in the format of `checkpoints.log`. Readers take the last record
of each market. Only the holder of the kernel lock beside it writes.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from actors.redemption.claim import Claim
from actors.redemption.state import State
from checkpoints.errors import CheckpointsError, DamagedError, MissingFileError
from checkpoints.log import RecordLog, read_records
from checkpoints.storage import LocalStorage

FOLDER: Final = "redemption"
LOG: Final = f"{FOLDER}/log"
LOCK: Final = f"{FOLDER}/lock"


class ClaimWritten(msgspec.Struct, frozen=True, kw_only=True, tag="claim"):
    claim: Claim


class Base(msgspec.Struct, frozen=True, kw_only=True, tag="base"):
    """Stands for all records before it."""

    claims: tuple[Claim, ...]
    forgotten_micro_usd: int = 0


Record = ClaimWritten | Base
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)


class AlreadyRedeemingError(Exception):
    """Another process redeems for this fleet: it is enough."""


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """What a fleet's claims come to, as its log says."""

    claims: dict[str, Claim] = {}
    forgotten_micro_usd: int = 0

    @property
    def paid_micro_usd(self) -> int:
        """All that was redeemed since the log began."""
        return self.forgotten_micro_usd + sum(c.paid_micro_usd for c in self.claims.values())

    @property
    def open_claims(self) -> tuple[Claim, ...]:
        return tuple(claim for claim in self.claims.values() if claim.open)

    @property
    def owed_micro_usd(self) -> int:
        """What has been won and is not cash yet."""
        return sum(claim.worth_micro_usd for claim in self.open_claims)


def encode(claims: Iterable[Claim]) -> list[bytes]:
    return [_encoder.encode(ClaimWritten(claim=claim)) for claim in claims]


def encode_base(state: State) -> bytes:
    base = Base(claims=tuple(state.claims.values()), forgotten_micro_usd=state.forgotten_micro_usd)
    return _encoder.encode(base)


def fold(records: Iterable[bytes]) -> Book:
    """Return the claims that these records end with; raise `DamagedError`."""
    claims: dict[str, Claim] = {}
    forgotten = 0
    for data in records:
        try:
            record = _decoder.decode(data)
        except msgspec.DecodeError as error:
            raise DamagedError(f"{LOG} holds a record that cannot be read: {error}") from error
        match record:
            case Base():
                claims = {claim.condition_id: claim for claim in record.claims}
                forgotten = record.forgotten_micro_usd
            case ClaimWritten():
                claims[record.claim.condition_id] = record.claim
    return Book(claims=claims, forgotten_micro_usd=forgotten)


def open_log(root: Path) -> tuple[RecordLog, Book]:
    """Open or begin the log; raise `CheckpointsError` with what is wrong."""
    folder = root / LOG
    folder.mkdir(parents=True, exist_ok=True)
    log, records, _ = RecordLog.open(folder)
    return log, fold([*([] if log.base is None else [log.base]), *records])


def read_book(root: Path) -> Book | str | None:
    """Read what another process writes; text: why it cannot be read; None: there is none."""
    try:
        return fold(read_records(root / LOG))
    except MissingFileError:
        return None
    except (CheckpointsError, OSError) as error:
        return str(error)


def take_lock(root: Path) -> int:
    """Take the lock that one redeemer of a storage holds; the kernel frees it with the process.

    Raises `AlreadyRedeemingError`.
    """
    LocalStorage(root)
    path = root / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise AlreadyRedeemingError(f"another process holds {path}") from error
    return descriptor
