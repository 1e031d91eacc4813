"""The journal's new rows, read once each, a few flushes at a time.

A folder that did not change is not listed. What is read is bounded per look, slot by slot at one
pace, so that a long gap is caught up in the order of time. A slot without a known position begins
with its latest flushes: detectors watch from now on, they do not read a year.
"""

import time
from pathlib import Path
from typing import Final

import msgspec

from checkpoints.errors import MissingFileError
from checkpoints.journal import JOURNAL, FlushName, decode_rows, parse_flush_name
from checkpoints.journal_rows import JournalRow
from checkpoints.storage import LocalStorage

DAYS_MAX: Final = 2
"""A fence of yesterday may still write when the day has turned."""
BEGIN_FLUSHES: Final = 16
"""Of a slot without a position: some decisions, so that what decides now is known."""
LOOK_FLUSHES_MAX: Final = 16
"""Of one slot in one look; a millisecond each."""
FENCES_KEPT: Final = 8
"""Of a slot: what older fences write is void or long read."""
SETTLED_NS: Final = 50_000_000
"""File times step with the kernel's tick: a folder changed so lately may change unseen."""

Positions = dict[str, dict[str, int]]
"""Slot -> fence (as text) -> last sequence read."""


class TailRead(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[JournalRow, ...]
    """By market time."""
    caught_up: bool
    begun_late: tuple[str, ...] = ()
    """Slots whose first rows were not read: what they say of the past is not known."""


class JournalTail:
    """Remembers what it read. One instance per watcher, used by one thread at a time."""

    def __init__(self, storage: LocalStorage, positions: Positions) -> None:
        self._storage = storage
        self.positions = positions
        self._stamps: dict[str, int] = {}

    def read(self) -> TailRead:
        """Return the rows since the last look, at most `LOOK_FLUSHES_MAX` flushes of each slot."""
        rows: list[JournalRow] = []
        late: list[str] = []
        caught_up = True
        for slot, fresh in sorted(self._fresh().items()):
            if slot not in self.positions and self._begin(slot, fresh):
                late.append(slot)
            unread = [flush for flush in fresh if self._is_new(flush)]
            for flush in unread[:LOOK_FLUSHES_MAX]:
                rows += self._take(flush)
            if len(unread) > LOOK_FLUSHES_MAX:
                caught_up = False
                self._stamps = {k: v for k, v in self._stamps.items() if not k.endswith(f"/{slot}")}
        rows.sort(key=lambda row: (row.market_ms, row.slot, row.sequence))
        return TailRead(rows=tuple(rows), caught_up=caught_up, begun_late=tuple(late))

    def _fresh(self) -> dict[str, list[FlushName]]:
        """Return the unread flushes of each slot in the order in which they were written."""
        found: dict[str, list[FlushName]] = {}
        for day in self._storage.folders(JOURNAL)[-DAYS_MAX:]:
            for slot in self._storage.folders(f"{JOURNAL}/{day}"):
                folder = f"{JOURNAL}/{day}/{slot}"
                if self._changed(folder):
                    names = map(parse_flush_name, self._storage.names(f"{folder}/"))
                    new = [flush for flush in names if flush is not None and self._is_new(flush)]
                    found.setdefault(slot, []).extend(new)
        for flushes in found.values():
            flushes.sort(key=lambda flush: (flush.first, flush.fence))
        return found

    def _changed(self, folder: str) -> bool:
        try:
            stamp = (Path(self._storage.root) / folder).stat().st_mtime_ns
        except FileNotFoundError:
            return False
        if self._stamps.get(folder) == stamp:
            return False
        settled = time.time_ns() - stamp > SETTLED_NS
        self._stamps[folder] = stamp if settled else 0
        return True

    def _is_new(self, flush: FlushName) -> bool:
        read = self.positions.get(flush.slot)
        if not read:
            return True
        if str(flush.fence) not in read:
            return flush.fence > min(map(int, read))
        return flush.first > read[str(flush.fence)]

    def _begin(self, slot: str, flushes: list[FlushName]) -> bool:
        """Take all but the latest flushes as read; say whether there were any."""
        passed = flushes[:-BEGIN_FLUSHES]
        self.positions[slot] = {}
        for flush in passed:
            self._note(flush, flush.first)
        return bool(passed) or bool(flushes and flushes[0].first > 1)

    def _take(self, flush: FlushName) -> list[JournalRow]:
        try:
            found = decode_rows(self._storage.read(flush.name))
        except MissingFileError:
            found = "gone"  # its day was closed since it was listed
        rows = [] if isinstance(found, str) else found
        self._note(flush, rows[-1].sequence if rows else flush.first)
        return rows

    def _note(self, flush: FlushName, sequence: int) -> None:
        read = self.positions[flush.slot]
        read[str(flush.fence)] = max(sequence, read.get(str(flush.fence), 0))
        for fence in sorted(read, key=int)[:-FENCES_KEPT]:
            del read[fence]
