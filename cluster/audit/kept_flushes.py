"""Flushes that a long-lived reader has read before, joined by day and slot.

A flush is written once and never changed, so an intact one needs no second reading: the pages of a
day with ten thousand flushes read only what came since. Damaged and misnamed ones are read anew
each time, so that they are named each time. What was altered since is for `audit check` to find.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa

from checkpoints.journal import JOURNAL_SCHEMA, FlushName

BYTES_MAX: Final = 256 * 1024**2
"""Of all that is kept: some days of sixteen slots. Beyond it the longest unused goes first."""
Key = tuple[Path, str, str]
"""Storage, day, slot."""


class Read(msgspec.Struct, frozen=True, kw_only=True):
    table: Any
    """None: it is damaged."""
    keep: bool


class Held(msgspec.Struct, frozen=True, kw_only=True):
    names: frozenset[str] = frozenset()
    table: Any = JOURNAL_SCHEMA.empty_table()


class KeptFlushes:
    """One reader's; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[Key, Held] = {}
        """In order of use, the latest last."""

    def tables(
        self, root: Path, wanted: Sequence[FlushName], read: Callable[[FlushName], Read]
    ) -> list[Any]:
        """Return the rows of the wanted flushes; what is kept of them is not read."""
        groups: dict[Key, list[FlushName]] = {}
        for flush in wanted:
            groups.setdefault((root, flush.day, flush.slot), []).append(flush)
        with self._lock:
            found = [
                table
                for key, flushes in groups.items()
                for table in self._group(key, flushes, read)
            ]
            self._let_go()
        return found

    def _group(
        self, key: Key, flushes: Sequence[FlushName], read: Callable[[FlushName], Read]
    ) -> list[Any]:
        held = self._held.pop(key, Held())
        if not held.names <= {flush.name for flush in flushes}:
            held = Held()  # a closed day took some of them in, or they were moved aside
        names, kept, others = set(held.names), [held.table], []
        for flush in flushes:
            if flush.name in names:
                continue
            found = read(flush)
            if found.table is None:
                continue
            if found.keep:
                names.add(flush.name)
                kept.append(found.table)
            else:
                others.append(found.table)
        table = held.table if len(kept) == 1 else pa.concat_tables(kept).combine_chunks()
        self._held[key] = Held(names=frozenset(names), table=table)
        return [table, *others]

    def _let_go(self) -> None:
        size = sum(one.table.nbytes for one in self._held.values())
        while size > BYTES_MAX and len(self._held) > 1:
            oldest = next(iter(self._held))
            size -= self._held.pop(oldest).table.nbytes
