"""Append-only framed record log, for the gateway's fences, signed orders and outbox.

A log is a folder of segments ``<number>.log``; only the newest counts, it begins with a base
record that stands for all earlier ones. One `append` is one frame: one write, one fsync, all of its
records or none. Each frame carries its length, checksums and a digest chained over all frames
before it.

    segment:  magic 8 | segment number u64 | digest before 32 | crc32 u32
    frame:    magic 4 | kind u32 | payload length u64 | payload crc32 u32 | header crc32 u32
              | payload (msgpack list of bytes) | chained SHA-256, 32

A frame that the disk did not finish at the very end (short, or zeros where its digest belongs) was
never acknowledged: it is copied aside and cut off. Everything else that is wrong is damage of what
may have been acknowledged, and raises `DamagedLogError`: an old fence table would issue old fences.
What no file can know by itself is that whole frames were cut from its end by another hand.
"""

import hashlib
import os
import struct
import zlib
from pathlib import Path
from typing import Final

import msgspec

from checkpoints.errors import DamagedLogError, MissingFileError, StorageError
from checkpoints.storage import LocalStorage

SEGMENT_MAGIC: Final = b"MSLOG\x01\r\n"
FRAME_MAGIC: Final = b"\xf5MSF"
SEGMENT_HEAD: Final = struct.Struct("<8sQ32sI")
FRAME_HEAD: Final = struct.Struct("<4sIQII")
DIGEST_BYTES: Final = 32
KIND_RECORDS: Final = 1
KIND_BASE: Final = 2
FRAME_BYTES_MAX: Final = 256 * 1024 * 1024
"""More is a programming error: a frame is one group of the gateway's records, or its base."""
OLD_SEGMENTS_KEPT: Final = 3
"""For a person who investigates; nothing reads them."""


class Clean(msgspec.Struct, frozen=True, tag="clean"):
    """The last frame is complete."""


class TornTail(msgspec.Struct, frozen=True, kw_only=True, tag="torn_tail"):
    """The last append was never finished, so never acknowledged; it is gone from the log."""

    dropped_bytes: int
    aside: str
    """File that holds the dropped bytes."""


Tail = Clean | TornTail


class RecordLog:
    """An open log. One holder at a time: the gateway's kernel lock sees to that."""

    def __init__(self, folder: Path, number: int, digest: bytes, base: bytes | None) -> None:
        """Use `RecordLog.open`."""
        self.folder = folder
        self.number = number
        self.base = base
        """The base record that the segment begins with, None in a log that was never rotated."""
        self._digest = digest
        path = _segment_path(folder, number)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._size = os.fstat(self._descriptor).st_size
        self._failed = False

    @classmethod
    def open(cls, path: Path) -> tuple["RecordLog", list[bytes], Tail]:
        """Open or begin the log in folder `path`; return it, its records and how it ended.

        The records come after `log.base`. Raises `DamagedLogError` and `StorageError`.
        """
        numbers = _segment_numbers(path)
        if not numbers:
            _begin_segment(path, 1, bytes(DIGEST_BYTES), None)
            numbers = [1]
        number = numbers[-1]
        file = _segment_path(path, number)
        data = file.read_bytes()
        parsed = parse_segment(data, number, str(file))
        tail: Tail = Clean()
        if parsed.good_bytes < len(data):
            tail = _cut_tail(file, data, parsed.good_bytes)
        return cls(path, number, parsed.digest, parsed.base), list(parsed.records), tail

    @property
    def size_bytes(self) -> int:
        """Size of the newest segment: what the next start has to read."""
        return self._size

    def append(self, records: list[bytes]) -> None:
        """Write all records durably as one frame; raise `StorageError`, then reopen the log.

        After an error the frame may or may not be on the disk: only reading can tell.
        """
        if self._failed:
            raise StorageError(f"{self.folder}: a write failed before; open the log anew")
        if not records:
            return
        frame, digest = _frame(KIND_RECORDS, records, self._digest)
        try:
            view = memoryview(frame)
            while view:
                view = view[os.write(self._descriptor, view) :]
            os.fsync(self._descriptor)
        except OSError as error:
            self._failed = True
            raise StorageError(
                f"cannot append to {self.folder}: {error.strerror}; free space or check the disk"
            ) from error
        self._digest = digest
        self._size += len(frame)

    def rotate(self, base: bytes) -> None:
        """Begin a new segment with `base`, which must stand for everything before it."""
        _begin_segment(self.folder, self.number + 1, self._digest, base)
        renewed, _, _ = RecordLog.open(self.folder)
        self.close()
        self.__dict__ = renewed.__dict__
        for number in _segment_numbers(self.folder)[: -1 - OLD_SEGMENTS_KEPT]:
            _segment_path(self.folder, number).unlink()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self._failed = True


def read_records(path: Path) -> list[bytes]:
    """Return the base and all records of a log that another process may be writing.

    Changes nothing: an unfinished tail is left to its holder. Raises `DamagedLogError` and
    `MissingFileError`.
    """
    numbers = _segment_numbers(path)
    if not numbers:
        raise MissingFileError(f"there is no log in {path}")
    file = _segment_path(path, numbers[-1])
    parsed = parse_segment(file.read_bytes(), numbers[-1], str(file))
    return [*([] if parsed.base is None else [parsed.base]), *parsed.records]


class ParsedSegment(msgspec.Struct, frozen=True, kw_only=True):
    base: bytes | None
    records: tuple[bytes, ...]
    digest: bytes
    good_bytes: int
    """Where the unfinished tail begins; the length of the data if there is none."""


def parse_segment(data: bytes, number: int, name: str) -> ParsedSegment:
    """Read a segment; pure. Raises `DamagedLogError`."""
    digest = _parse_segment_head(data, number, name)
    base: bytes | None = None
    records: list[bytes] = []
    at = SEGMENT_HEAD.size
    while at < len(data):
        end = _frame_end(data, at, f"{name} at byte {at}")
        if end is None:
            break
        kind = FRAME_HEAD.unpack_from(data, at)[1]
        payload, digest = _parse_frame(data, at, end, digest, f"{name} at byte {at}")
        if kind == KIND_BASE and at == SEGMENT_HEAD.size:
            base = payload[0]
        elif kind == KIND_RECORDS:
            records += payload
        else:
            raise DamagedLogError(f"{name} at byte {at}: a frame of kind {kind} has no place here")
        at = end
    if number > 1 and base is None:
        raise DamagedLogError(f"{name}: its base record is missing")
    return ParsedSegment(base=base, records=tuple(records), digest=digest, good_bytes=at)


def _parse_segment_head(data: bytes, number: int, name: str) -> bytes:
    if len(data) < SEGMENT_HEAD.size:
        raise DamagedLogError(f"{name}: its head is missing")
    magic, written, digest, crc = SEGMENT_HEAD.unpack_from(data)
    if crc != zlib.crc32(data[: SEGMENT_HEAD.size - 4]) or magic != SEGMENT_MAGIC:
        raise DamagedLogError(f"{name}: its head is damaged")
    if written != number:
        raise DamagedLogError(f"{name}: holds segment {written}, renamed")
    assert isinstance(digest, bytes)
    return digest


def _frame_end(data: bytes, at: int, where: str) -> int | None:
    """Return where the frame ends, or None if the disk never finished it."""
    head = data[at : at + FRAME_HEAD.size]
    if len(head) < FRAME_HEAD.size:
        return None
    magic, _, length, _, crc = FRAME_HEAD.unpack(head)
    if crc != zlib.crc32(head[:-4]) or magic != FRAME_MAGIC:
        if _zeros(data[at + len(head) :]):
            return None  # a finished frame ends in a digest, which is never all zeros
        raise DamagedLogError(f"{where}: the head of a frame is damaged")
    end: int = at + FRAME_HEAD.size + length + DIGEST_BYTES
    if end > len(data):
        return None
    unwritten = end == len(data) and _zeros(data[end - DIGEST_BYTES : end])
    return None if unwritten else end


def _zeros(data: bytes) -> bool:
    return not data.strip(b"\0")


def _parse_frame(
    data: bytes, at: int, end: int, before: bytes, where: str
) -> tuple[list[bytes], bytes]:
    payload_at, digest_at = at + FRAME_HEAD.size, end - DIGEST_BYTES
    crc = FRAME_HEAD.unpack_from(data, at)[3]
    if zlib.crc32(data[payload_at:digest_at]) != crc:
        raise DamagedLogError(f"{where}: a frame's records are damaged")
    digest = hashlib.sha256(before + data[at:digest_at]).digest()
    if digest != data[digest_at:end]:
        raise DamagedLogError(f"{where}: a frame does not follow from the frames before it")
    return msgspec.msgpack.decode(data[payload_at:digest_at], type=list[bytes]), digest


def _frame(kind: int, records: list[bytes], before: bytes) -> tuple[bytes, bytes]:
    payload = msgspec.msgpack.encode(records)
    assert len(payload) <= FRAME_BYTES_MAX
    head = struct.pack("<4sIQI", FRAME_MAGIC, kind, len(payload), zlib.crc32(payload))
    head += struct.pack("<I", zlib.crc32(head))
    digest = hashlib.sha256(before + head + payload).digest()
    return head + payload + digest, digest


def _begin_segment(folder: Path, number: int, before: bytes, base: bytes | None) -> None:
    data = _begin_bytes(number, before, base)
    if not LocalStorage(folder).create(f"{number:08d}.log", data):
        raise DamagedLogError(f"{folder}: segment {number} exists: another holder writes this log")


def _begin_bytes(number: int, before: bytes, base: bytes | None) -> bytes:
    head = struct.pack("<8sQ32s", SEGMENT_MAGIC, number, before)
    head += struct.pack("<I", zlib.crc32(head))
    return head if base is None else head + _frame(KIND_BASE, [base], before)[0]


def _cut_tail(file: Path, data: bytes, good_bytes: int) -> TornTail:
    """Copy the unfinished frame aside, durably, then cut it off."""
    aside = f"{file.stem}.torn-at-{good_bytes}"
    LocalStorage(file.parent).write(aside, data[good_bytes:])
    descriptor = os.open(file, os.O_WRONLY)
    try:
        os.ftruncate(descriptor, good_bytes)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return TornTail(dropped_bytes=len(data) - good_bytes, aside=str(file.parent / aside))


def _segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:08d}.log"


def _segment_numbers(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("[0-9]*.log"))
