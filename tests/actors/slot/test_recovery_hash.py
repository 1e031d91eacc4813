"""What a successor reads from disk: proved by its fence record's hash, or left if unreadable.

A release that takes over from a bad one must decide, whatever that one has written.
"""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from actors.slot.events import AnyEvent, Recover, Recovered, RecoveryFailed
from actors.slot.recovery import MEMORY_PREFIX, MemoryKind, recover
from actors.slot.requests import Requests
from actors.slot.state import SlotState
from actors.slot.strategy import StrategyRunner
from checkpoints.checkpoint_store import CheckpointStore
from checkpoints.record_set import RecordSet, logical_hash_of
from checkpoints.records import records_of
from checkpoints.storage import LocalStorage
from signals.market import Timeframe
from tests.actors.slot.builders import SLOT, Memory, Told, granted, seat
from tests.actors.slot.fakes import FakeGateway, FakeMarketData
from tests.checkpoints.builders import meta as checkpoint_meta

WANTED = MemoryKind(strategy="told", kind=Memory)


def answer(folder: Path, logical_hash: str) -> AnyEvent:
    mine = seat()
    requests = Requests(
        who=mine.who,
        gateway=FakeGateway(),
        snapshots=FakeMarketData(),
        storage=LocalStorage(folder),
        runner=StrategyRunner(Told().strategy(), Timeframe.M5, RecordSet()),
        memory=WANTED,
    )
    record = msgspec.structs.replace(granted(mine).record, logical_hash=logical_hash)
    return asyncio.run(requests.answer(Recover(record=record)))(0, 0)


def test_what_was_handed_over_is_recovered(tmp_path: Path) -> None:
    proved = recover(LocalStorage(tmp_path), SLOT, WANTED).logical_hash()
    assert isinstance(answer(tmp_path, proved), Recovered)


def test_what_differs_from_what_was_handed_over_is_refused(tmp_path: Path) -> None:
    refused = answer(tmp_path, "00" * 32)
    assert isinstance(refused, RecoveryFailed)
    assert refused.reason.startswith("hash")


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """A memory of the same version in which a field changed its type."""

    calls: str = "many"
    seen: dict[str, int] = {}


def stored(folder: Path, sequence: int, memory: msgspec.Struct, **changes: Any) -> SlotState:
    """Save a checkpoint as a release does; return its state."""
    state = SlotState(slot=SLOT, journal_sequence=sequence, decided_due_ms=sequence)
    rows = {**records_of(state), **records_of(memory, MEMORY_PREFIX), **changes.pop("rows", {})}
    about = checkpoint_meta(
        logical_hash=logical_hash_of(rows), slot=SLOT, sequence=sequence, strategy="told", **changes
    )
    CheckpointStore(LocalStorage(folder)).save(SLOT, about, rows)
    return state


def test_a_memory_that_a_newer_release_left_is_not_read_and_the_slot_begins_without(
    tmp_path: Path,
) -> None:
    state = stored(tmp_path, 5, Memory(calls=9), memory_version=2)
    found = recover(LocalStorage(tmp_path), SLOT, WANTED)
    assert (found.state, found.memory, found.own_memory) == (state, Memory(), False)
    (damage,) = found.damaged
    assert (
        "memory of told version 2 is not known here" in damage.reason
        or "version 2" in damage.reason
    )


def test_a_memory_of_another_type_is_not_read_either(tmp_path: Path) -> None:
    state = stored(tmp_path, 5, Other(), memory_version=1)
    found = recover(LocalStorage(tmp_path), SLOT, WANTED)
    assert (found.state, found.memory) == (state, Memory())
    assert [damage.kind for damage in found.damaged] == ["UnreadableMemory"]


def test_a_state_that_cannot_be_read_gives_way_to_the_checkpoint_before_it(tmp_path: Path) -> None:
    good = stored(tmp_path, 5, Memory(calls=9), memory_version=1)
    wrong = {("head", ""): b'{"slot":"btc-5m","journal_sequence":"six"}'}
    stored(tmp_path, 6, Memory(calls=10), memory_version=1, rows=wrong)
    found = recover(LocalStorage(tmp_path), SLOT, WANTED)
    assert (found.state, found.memory) == (good, Memory(calls=9))
    assert [damage.kind for damage in found.damaged] == ["UnreadableState"]
