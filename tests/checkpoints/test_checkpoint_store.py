"""Which checkpoint a restart begins from."""

from typing import Any

import msgspec
import pytest

from checkpoints.checkpoint_store import DELTAS_KEPT, FULL_KEPT, CheckpointStore
from checkpoints.codec import CheckpointKind
from checkpoints.errors import DamagedCheckpointError, MissingFileError, StaleWriterError
from checkpoints.record_set import Delta, RecordSet, logical_hash_of
from checkpoints.records import Records
from tests.checkpoints.builders import meta
from tests.checkpoints.memory_storage import MemoryStorage

SLOT = "btc-5m"


class Bound(msgspec.Struct, frozen=True):
    slot: str
    fence: int
    journal_sequence: int


def rows(sequence: int) -> Records:
    return {("head", ""): str(sequence).encode()}


def save(store: CheckpointStore, sequence: int, fence: int = 1, records: Any = None) -> str:
    content = rows(sequence) if records is None else records
    about = meta(sequence=sequence, fence=fence, logical_hash=logical_hash_of(content))
    return store.save(SLOT, about, content)


def save_delta(store: CheckpointStore, base: int, base_digest: str, sequence: int) -> str:
    after = RecordSet(rows(base))
    delta = Delta(upserts=rows(sequence))
    after.apply(delta)
    about = meta(
        sequence=sequence,
        fence=1,
        logical_hash=after.logical_hash(),
        kind=CheckpointKind.DELTA,
        base=base_digest,
        base_sequence=base,
        handoff=f"h{sequence}",
    )
    return store.save(SLOT, about, delta)


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def store(storage: MemoryStorage) -> CheckpointStore:
    return CheckpointStore(storage)


def test_an_empty_store_has_no_checkpoint(store: CheckpointStore) -> None:
    assert store.latest(SLOT).checkpoint is None
    with pytest.raises(MissingFileError):
        store.load(SLOT, 1)


def test_the_highest_sequence_is_the_latest(store: CheckpointStore) -> None:
    for sequence in (9, 10, 100):
        save(store, sequence)
    latest = store.latest(SLOT).checkpoint
    assert latest is not None
    assert latest.upserts == rows(100)
    assert store.load(SLOT, 9).upserts == rows(9)
    assert store.sequences(SLOT) == [9, 10, 100]
    assert store.latest("eth-5m").checkpoint is None


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lambda s, name: s.flip(name, 4_000), "FlippedCheckpointError"),
        (lambda s, name: s.truncate(name, 333), "TruncatedCheckpointError"),
        (lambda s, name: s.truncate(name, 0), "TornCheckpointError"),
    ],
)
def test_a_damaged_checkpoint_is_named_and_the_previous_one_taken(
    storage: MemoryStorage, store: CheckpointStore, damage: Any, kind: str
) -> None:
    save(store, 1)
    save(store, 2)
    name = f"checkpoints/{SLOT}/000000000002.arrow"
    damage(storage, name)
    latest = store.latest(SLOT)
    assert latest.checkpoint is not None
    assert latest.checkpoint.meta.sequence == 1
    assert [(found.name, found.kind) for found in latest.damaged] == [(name, kind)]


def test_a_newer_schema_is_passed_over_by_name(storage: MemoryStorage) -> None:
    about = meta(sequence=2, schema_version=2, logical_hash=logical_hash_of(rows(2)))
    CheckpointStore(storage, newest_schema=2).save(SLOT, about, rows(2))
    save(CheckpointStore(storage), 1)
    latest = CheckpointStore(storage).latest(SLOT)
    assert latest.checkpoint is not None
    assert latest.checkpoint.meta.sequence == 1
    assert latest.damaged[0].kind == "NewerSchemaError"


def test_only_damaged_checkpoints_leave_none_and_name_all(
    storage: MemoryStorage, store: CheckpointStore
) -> None:
    for sequence in (1, 2):
        save(store, sequence)
        storage.flip(f"checkpoints/{SLOT}/{sequence:012d}.arrow", 99)
    latest = store.latest(SLOT)
    assert latest.checkpoint is None
    assert len(latest.damaged) == 2


def test_an_overtaken_owners_checkpoint_is_passed_over(store: CheckpointStore) -> None:
    save(store, 10, fence=1)
    save(store, 12, fence=1)  # a zombie: fence 2 was granted at row 10
    latest = store.latest(SLOT, [Bound(SLOT, 2, 10), Bound("eth-5m", 9, 0)])
    assert latest.checkpoint is not None
    assert latest.checkpoint.meta.sequence == 10


def test_an_overtaken_owner_cannot_replace_its_successors_checkpoint(
    store: CheckpointStore,
) -> None:
    save(store, 12, fence=2)
    with pytest.raises(StaleWriterError):
        save(store, 12, fence=1)
    save(store, 12, fence=3)
    assert store.load(SLOT, 12).meta.fence == 3


def test_a_damaged_checkpoint_of_the_same_sequence_is_replaced(
    storage: MemoryStorage, store: CheckpointStore
) -> None:
    save(store, 12, fence=2)
    storage.flip(f"checkpoints/{SLOT}/000000000012.arrow", 50)
    save(store, 12, fence=2)
    assert store.load(SLOT, 12).upserts == rows(12)


def test_a_checkpoint_of_the_same_state_does_not_take_the_base_of_a_handoff_away(
    store: CheckpointStore,
) -> None:
    """A base was pinned while the slot took its own checkpoint of the same row."""
    content = rows(5)
    about = meta(sequence=5, fence=1, logical_hash=logical_hash_of(content))
    pinned = store.save(SLOT, about, content)
    later = msgspec.structs.replace(about, time_ms=about.time_ms + 7)
    assert store.save(SLOT, later, content) == pinned
    assert store.restore(SLOT, pinned).meta == about
    other = msgspec.structs.replace(later, incarnation=about.incarnation + 1)
    assert store.save(SLOT, other, content) != pinned


def test_a_digest_names_a_full_state_or_a_delta_upon_its_base(store: CheckpointStore) -> None:
    base = save(store, 10)
    delta = save_delta(store, 10, base, 11)
    assert store.restore(SLOT, base).upserts == rows(10)
    assert store.restore(SLOT, delta).upserts == rows(11)
    with pytest.raises(MissingFileError, match="no checkpoint of btc-5m has the digest 00"):
        store.restore(SLOT, "00")


def test_recovery_takes_what_the_fence_record_names_if_it_is_newer(
    storage: MemoryStorage, store: CheckpointStore
) -> None:
    base = save(store, 10)
    delta = save_delta(store, 10, base, 11)

    def recovered(named: str | None) -> tuple[Any, list[str]]:
        found = store.recover(SLOT, [Bound(SLOT, 2, 11)], named)
        assert found.checkpoint is not None
        return found.checkpoint.meta.sequence, [damage.kind for damage in found.damaged]

    assert recovered(None) == (10, [])
    assert recovered(delta) == (11, [])
    assert recovered("00") == (10, ["MissingFileError"])
    storage.flip(f"checkpoints/{SLOT}/000000000011-h11.delta.arrow", 77)
    assert recovered(delta) == (10, ["MissingFileError"])
    save(store, 11, fence=2)
    assert recovered(base) == (11, [])


def test_retention_keeps_the_newest_and_the_bases_of_kept_deltas(store: CheckpointStore) -> None:
    base = save(store, 1)
    delta = save_delta(store, 1, base, 2)
    for sequence in range(3, 3 + FULL_KEPT + 5):
        save(store, sequence)
    store.prune(SLOT)
    fulls = store._fulls(SLOT)
    assert len(fulls) == FULL_KEPT + 1
    assert store.restore(SLOT, delta).upserts == rows(2)
    for sequence in range(100, 100 + DELTAS_KEPT):
        save_delta(store, 1, base, sequence)
    store.prune(SLOT)
    with pytest.raises(MissingFileError):
        store.restore(SLOT, delta)


def test_storing_a_checkpoint_removes_nothing_while_somebody_waits(
    storage: MemoryStorage, store: CheckpointStore
) -> None:
    base = save(store, 1)
    for sequence in range(2, 2 + 2 * DELTAS_KEPT):
        save_delta(store, 1, base, sequence)
    assert len(storage.names(f"checkpoints/{SLOT}/")) == 1 + 2 * DELTAS_KEPT
    store.prune(SLOT)
    assert len(storage.names(f"checkpoints/{SLOT}/")) == 1 + DELTAS_KEPT


def test_a_deleted_base_is_named(storage: MemoryStorage, store: CheckpointStore) -> None:
    delta = save_delta(store, 10, save(store, 10), 11)
    storage.delete(f"checkpoints/{SLOT}/000000000010.arrow")
    with pytest.raises(MissingFileError, match="no checkpoint of btc-5m"):
        store.restore(SLOT, delta)
    with pytest.raises((MissingFileError, DamagedCheckpointError)):
        store.load(SLOT, 10)
