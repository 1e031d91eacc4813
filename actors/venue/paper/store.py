"""The paper account's own store, under the fleet's storage. It can never become a live one.

`mark` is written beside it: the live adapter refuses a storage that is marked paper, and the paper
venue refuses one that another adapter has used.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

import msgspec

from actors.venue.paper.records import STORE, Opened, PaperRecord, decode, encode
from actors.venue.paper.state import KEPT_MS, PaperState
from checkpoints.log import RecordLog, read_records

LOCK: Final = "paper/lock"
BEAT: Final = "paper/beat"
"""When the last heartbeat was, wire ms: what rested dies ten seconds after it, as at the venue."""
RECORDS_MAX: Final = 100_000
"""Of one segment: about four days of sixteen slots; a start reads at most so many."""


_any: msgspec.json.Decoder[PaperState | PaperRecord] = msgspec.json.Decoder(
    PaperState | PaperRecord
)


class StoreHeldError(Exception):
    """Another process has the store: a gateway that is handing over, or hangs."""


def read_state(root: Path) -> PaperState:
    """Read the account without taking the store: what another process has made durable by now."""
    state = PaperState()
    for data in read_records(root / STORE):
        found = _any.decode(data)
        if isinstance(found, PaperState):
            state = found
        else:
            state.apply(found)
    return state


class PaperStore:
    """The open store: one process at a time has it."""

    def __init__(self, root: Path, descriptor: int) -> None:
        """Use `PaperStore.open`; raises `DamagedLogError` and `StorageError`."""
        self._root = root
        self._lock = descriptor
        self._log, records, _ = RecordLog.open(root / STORE)
        self._count = len(records)
        base = self._log.base
        self.state = PaperState() if base is None else msgspec.json.decode(base, type=PaperState)
        self.fresh = base is None and not records
        for data in records:
            self.state.apply(decode(data))

    @classmethod
    def open(cls, root: Path) -> "PaperStore":
        """Take the store; raises `StoreHeldError` while another process has it."""
        (root / STORE).parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StoreHeldError(str(root / LOCK)) from None
        return cls(root, descriptor)

    def begin(self, cash_micro_usd: int, wire_ms: int) -> None:
        """Give a new account its cash."""
        opened = Opened(cash_micro_usd=cash_micro_usd, wire_ms=wire_ms)
        self.state.apply(opened)
        self.append([opened], wire_ms)

    def append(self, records: list[PaperRecord], wire_ms: int) -> None:
        """Make records durable before anything that rests on them is said."""
        if not records:
            return
        self._log.append([encode(record) for record in records])
        self._count += len(records)
        if self._count > RECORDS_MAX:
            self.state.forget(wire_ms - KEPT_MS)
            self._log.rotate(msgspec.json.encode(self.state))
            self._count = 0

    def beat(self, wire_ms: int) -> None:
        """Note a heartbeat: one that is lost lets orders die earlier, never later."""
        (self._root / BEAT).write_text(str(wire_ms))

    def last_beat_ms(self) -> int | None:
        """Return when the last one came; 0: none ever did, None: that cannot be read."""
        try:
            return int((self._root / BEAT).read_text())
        except FileNotFoundError:
            return 0
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        self._log.close()
        os.close(self._lock)
