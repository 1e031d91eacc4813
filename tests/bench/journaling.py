"""Tagging and journaling one decision, beside the bare durable write that the disk demands anyway.

The bare writes are of the same bytes: one fsync of a file, and the store's whole protocol
(temporary file, fsync, link, fsync of the folder, read back). What is left above them is ours:
tags, columns, Arrow, digest.
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from actors.messages import FenceRecord
from checkpoints.journal import Journal
from checkpoints.journal_rows import JournalRow, RowKind
from checkpoints.storage import LocalStorage
from tests.bench.frame import Row, Spread, bench, row_free, spread

ROUNDS: Final = 400
PAYLOAD: Final = bytes(range(256)) * 6
"""A five-factor decision with its reasons takes about 1.5 kB."""
WARM: Final = 20


def measure(rounds: int = ROUNDS) -> Sequence[Row]:
    """Interleave the three, so that a noisy neighbour meets all of them alike."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        storage = LocalStorage(root / "storage")
        journal = Journal(storage, "btc-5m")
        journal.append([row(1)])
        size = len(storage.read(storage.names("journal/")[0]))
        data = os.urandom(size)
        bare, durable, journaled = [], [], []
        for number in range(2, rounds + 2):
            bare.append(_timed(lambda n=number: _fsync_file(root / f"bare-{n}", data)))  # type: ignore[misc]
            durable.append(_timed(lambda n=number: storage.create(f"bare/{n}", data)))  # type: ignore[misc]
            journaled.append(_timed(lambda n=number: journal.append([row(n)])))  # type: ignore[misc]
    return _rows(size, spread(bare[WARM:]), spread(durable[WARM:]), spread(journaled[WARM:]))


def _rows(size: int, bare: Spread, durable: Spread, journaled: Spread) -> Sequence[Row]:
    over = journaled.p50 - durable.p50
    return (
        Row(what=f"write and fsync {size} bytes, ms", measured=str(bare)),
        Row(
            what="the same, exclusive, named, folder fsync'd, read back, ms", measured=str(durable)
        ),
        Row(what="one decision row tagged, encoded and journaled, ms", measured=str(journaled)),
        row_free("tags and Arrow above the durable write", over, "ms", "p50"),
        row_free("journaled against a bare fsync", journaled.p50 / bare.p50, "x", "p50"),
    )


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _fsync_file(path: Path, data: bytes) -> None:
    with path.open("xb", buffering=0) as file:
        file.write(data)
        os.fsync(file.fileno())


def row(sequence: int) -> JournalRow:
    due_ms = 1_767_225_620_000 + sequence
    owner = FenceRecord(
        slot="btc-5m",
        fence=1,
        incarnation=1,
        life="1-1",
        release="ab" * 32,
        commit="cd" * 20,
        params="ef" * 32,
        journal_sequence=0,
        outbox_sequence=0,
    )
    return JournalRow(
        kind=RowKind.DECISION,
        slot=owner.slot,
        sequence=sequence,
        fence=owner.fence,
        incarnation=owner.incarnation,
        life=owner.life,
        release=owner.release,
        commit=owner.commit,
        params=owner.params,
        market_ms=due_ms,
        wire_ms=due_ms,
        window_open_ms=1_767_225_600_000,
        due_ms=due_ms,
        snapshot="12" * 32,
        action="trade",
        reason="edge 0.031 rest",
        probability_up=0.55,
        pre_state_hash="34" * 32,
        memory_hash="56" * 32,
        payload=PAYLOAD,
    )


if __name__ == "__main__":
    bench("journaling a decision", measure)
