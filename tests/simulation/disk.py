"""A disk that survives processes, fills up, flips bits and tears the log's unsynced tail."""

import random
from collections.abc import Callable, Iterable

from checkpoints.errors import MissingFileError, StorageError
from checkpoints.log import (
    KIND_RECORDS,
    _begin_bytes,
    _frame,
    parse_segment,
)

DIGEST = bytes(32)


class Disk:
    """Implements `checkpoints.storage.Storage`; a file is there wholly or not at all."""

    def __init__(self) -> None:
        self.folders_: dict[str, dict[str, bytes]] = {}
        self.on_write: Callable[[str], None] = lambda _: None
        self.full_for: set[str] = set()
        """Prefixes whose writes fail now."""

    def write(self, name: str, data: bytes) -> None:
        self._check(name)
        folder, _, file = name.rpartition("/")
        self.folders_.setdefault(folder, {})[file] = data
        self.on_write(name)

    def create(self, name: str, data: bytes) -> bool:
        self._check(name)
        folder, _, file = name.rpartition("/")
        return self.folders_.setdefault(folder, {}).setdefault(file, data) is data

    def read(self, name: str) -> bytes:
        folder, _, file = name.rpartition("/")
        try:
            return self.folders_[folder][file]
        except KeyError:
            raise MissingFileError(f"{name} is not in the storage") from None

    def names(self, prefix: str) -> list[str]:
        inside = prefix.rpartition("/")[0]
        return sorted(
            name
            for folder, files in self.folders_.items()
            if folder.startswith(inside)
            for file in files
            if (name := f"{folder}/{file}").startswith(prefix)
        )

    def folders(self, name: str) -> list[str]:
        start = f"{name}/"
        inside = (folder[len(start) :] for folder in self.folders_ if folder.startswith(start))
        return sorted({rest.partition("/")[0] for rest in inside})

    def delete(self, name: str) -> None:
        folder, _, file = name.rpartition("/")
        self.folders_.get(folder, {}).pop(file, None)

    def delete_all(self, names: Iterable[str]) -> None:
        for name in names:
            self.delete(name)

    def folder_stamp(self, _name: str) -> int | None:
        return None

    def free_bytes(self) -> int:
        return 1 << 40

    def flip(self, name: str, bit: int) -> None:
        data = bytearray(self.read(name))
        data[(bit // 8) % len(data)] ^= 1 << (bit % 8)
        folder, _, file = name.rpartition("/")
        self.folders_[folder][file] = bytes(data)

    def _check(self, name: str) -> None:
        for prefix in self.full_for:
            if name.startswith(prefix):
                raise StorageError(f"cannot write {name}: it is full")


class LogFiles:
    """What the gateway's log is on the disk: segments of bytes, and a frame not synced yet."""

    def __init__(self) -> None:
        self.segments: dict[int, bytes] = {1: _begin_bytes(1, DIGEST, None)}
        self.unsynced = b""
        self.writer: object = None
        """Whose frame that is."""
        self.torn = 0
        self.full = False

    def power_off(self, rng: random.Random, writer: object) -> None:
        """Keep any part of the frame that its process was writing when it ended."""
        if self.unsynced and self.writer is writer:
            kept = rng.choice((0, len(self.unsynced), rng.randrange(len(self.unsynced) + 1)))
            self.segments[max(self.segments)] += self.unsynced[:kept]
            self.torn += 0 < kept < len(self.unsynced)
            self.unsynced = b""


class SimulatedLog:
    """`RecordLog` on `LogFiles`: the same frames, the same parser, the same rotation."""

    def __init__(self, files: LogFiles, writer: object = None) -> None:
        self._files = files
        self._writer = writer
        self.number = max(files.segments)
        data = files.segments[self.number]
        parsed = parse_segment(data, self.number, f"segment {self.number}")
        files.segments[self.number] = data[: parsed.good_bytes]
        self.base = parsed.base
        self.records = list(parsed.records)
        self._digest = parsed.digest
        self._failed = False
        self.on_append: Callable[[list[bytes]], None] = lambda _: None
        self.on_rotate: Callable[[bytes], None] = lambda _: None

    def begin(self, records: list[bytes]) -> None:
        """Let a frame lie unsynced: what a crash from here on may tear."""
        self._files.unsynced = _frame(KIND_RECORDS, records, self._digest)[0]
        self._files.writer = self._writer

    def gave_up(self) -> None:
        """Forget the frame that was begun: it is not written."""
        if self._files.writer is self._writer:
            self._files.unsynced = b""

    def append(self, records: list[bytes]) -> None:
        if self._failed:
            raise StorageError("a write failed before; open the log anew")
        if self._files.full:
            self._failed = True
            self._files.unsynced = b""
            raise StorageError("cannot append to the log: the disk is full")
        frame, digest = _frame(KIND_RECORDS, records, self._digest)
        self._files.unsynced = b""
        self._files.segments[self.number] += frame
        self._digest = digest
        self.on_append(records)

    def rotate(self, base: bytes) -> None:
        self._files.segments[self.number + 1] = _begin_bytes(self.number + 1, self._digest, base)
        hooks = {"on_append": self.on_append, "on_rotate": self.on_rotate}
        self.__dict__ = SimulatedLog(self._files, self._writer).__dict__ | hooks
        self.on_rotate(base)

    def close(self) -> None:
        self._failed = True


def records_of(files: LogFiles) -> tuple[bytes | None, list[bytes]]:
    """Read what a start would read now, changing nothing."""
    number = max(files.segments)
    parsed = parse_segment(files.segments[number], number, "the log")
    return parsed.base, list(parsed.records)
