"""The durable ledger: append-only lines, the judge of every test. Format: docs/sandbox-ledger.md.

A line is eight hexadecimal digits of CRC-32, a space, one JSON entry, a newline. Appended lines
are with the operating system at once and on the disk after `sync`.
"""

import fcntl
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from cluster.sandbox.model import Now
from cluster.sandbox.records import Entry, Record

FILE_NAME: Final = "ledger.jsonl"
LOCK_NAME: Final = "ledger.lock"
CRC_DIGITS: Final = 8


class LedgerError(Exception):
    """The ledger cannot be used; the message says why and what to do."""


class Ledger:
    """Append records, put them on the disk, read them back."""

    def __init__(self, file: int, lock: int, entries: tuple[Entry, ...], torn_bytes: int) -> None:
        self.recovered = entries
        """Entries found at the opening."""
        self.torn_bytes = torn_bytes
        """Length of the unfinished last line that was dropped at the opening."""
        self._file = file
        self._lock = lock
        self._sequence = entries[-1].sequence if entries else 0
        self._dirty = False
        self._closed = False
        self._pending: list[bytes] = []
        self._encoder = msgspec.json.Encoder()

    @classmethod
    def open(cls, folder: Path) -> "Ledger":
        """Open or create the ledger of a state folder; only one process may hold it."""
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise LedgerError(f"another sandbox uses {folder}: stop it or use its own") from error
        path = folder / FILE_NAME
        entries, whole = _recover(path)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        torn = os.fstat(file).st_size - whole
        if torn:
            os.ftruncate(file, whole)
            os.fsync(file)
        return cls(file, lock, entries, torn)

    @property
    def sequence(self) -> int:
        """Of the newest entry; 0 before the first."""
        return self._sequence

    def append(self, record: Record, now: Now) -> Entry:
        """Number a record; it reaches the operating system with the next `write`."""
        self._sequence += 1
        entry = Entry(
            sequence=self._sequence, wire_ms=now.wire_ms, market_ms=now.market_ms, record=record
        )
        self._pending.append(_line(self._encoder.encode(entry)))
        return entry

    def write(self) -> None:
        """Hand the pending lines to the operating system in one write."""
        if not self._pending:
            return
        data = memoryview(b"".join(self._pending))
        self._pending.clear()
        while data:
            data = data[os.write(self._file, data) :]
        self._dirty = True

    def sync(self) -> None:
        """Put everything appended so far on the disk (one fsync, none if nothing is new)."""
        self.write()
        if self._dirty:
            os.fsync(self._file)
            self._dirty = False

    def close(self) -> None:
        """Sync and let go of the folder; a closed ledger stays closed."""
        if self._closed:
            return
        self.sync()
        self._closed = True
        os.close(self._file)
        os.close(self._lock)


def read_entries(folder: Path) -> tuple[Entry, ...]:
    """Read a ledger, also one in use; an unfinished last line is left out."""
    return _recover(folder / FILE_NAME)[0]


def _line(body: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _recover(path: Path) -> tuple[tuple[Entry, ...], int]:
    """Return the whole entries and the length of the file that they fill."""
    if not path.exists():
        return (), 0
    data = path.read_bytes()
    decoder = msgspec.json.Decoder(Entry)
    entries: list[Entry] = []
    whole = 0
    for line in _lines(data):
        body = line[CRC_DIGITS + 1 : -1]
        if line != _line(body):
            if whole + len(line) == len(data):
                break
            raise LedgerError(f"{path} is damaged after entry {len(entries)}: restore or remove it")
        entry = decoder.decode(body)
        if entry.sequence != len(entries) + 1:
            raise LedgerError(f"{path} lacks entry {len(entries) + 1}: restore or remove it")
        entries.append(entry)
        whole += len(line)
    return tuple(entries), whole


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end
