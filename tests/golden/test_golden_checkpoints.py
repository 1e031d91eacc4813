"""Every past release's checkpoint is read by today's code and read back without loss."""

from pathlib import Path

import msgspec
import pytest

from actors.slot.checkpoints import take_records
from actors.slot.recovery import MEMORY_PREFIX
from actors.slot.state import SlotState
from checkpoints.codec import SCHEMA_VERSION, Checkpoint, decode_checkpoint
from checkpoints.errors import DamagedCheckpointError
from checkpoints.record_set import RecordSet, logical_hash_of
from checkpoints.records import Records, struct_from_records
from checkpoints.upgrades import SLOT_STATE, UpgradeChain, memory_chain
from signals.strategy import load_strategy
from tests.golden.make import FOLDER

GOLDEN = sorted(FOLDER.glob("*.arrow"))


def read(path: Path) -> Checkpoint:
    return decode_checkpoint(path.read_bytes())


def chains(checkpoint: Checkpoint) -> list[tuple[UpgradeChain, int, int]]:
    """Return (chain, version stored, version of today) of the state and of the memory."""
    meta = checkpoint.meta
    assert meta.strategy is not None
    assert meta.memory_version is not None
    strategy = load_strategy(meta.strategy)
    steps = getattr(strategy, "MEMORY_UPGRADES", ())
    memory = memory_chain(meta.strategy, strategy.MEMORY_VERSION, steps)
    return [
        (SLOT_STATE, meta.schema_version, SCHEMA_VERSION),
        (memory, meta.memory_version, strategy.MEMORY_VERSION),
    ]


def upgraded(checkpoint: Checkpoint) -> Records:
    records = checkpoint.upserts
    for chain, stored, today in chains(checkpoint):
        records = chain.prove(records, stored, today)
    return records


def test_there_is_a_golden_checkpoint_of_each_timeframe() -> None:
    assert {path.stem.rpartition("-")[2] for path in GOLDEN} == {"5m", "15m"}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_checkpoint_is_what_its_name_says_and_holds_a_trading_slot(path: Path) -> None:
    checkpoint = read(path)
    assert path.stem == f"{checkpoint.meta.release[:12]}-{checkpoint.meta.slot}"
    state = struct_from_records(SlotState, upgraded(checkpoint))
    assert state.slot == checkpoint.meta.slot
    assert state.journal_sequence == checkpoint.meta.sequence
    assert state.counts.decisions > 0
    assert state.positions
    assert state.orders


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_todays_code_takes_the_same_state_again_from_what_it_has_read(path: Path) -> None:
    checkpoint = read(path)
    records = upgraded(checkpoint)
    state = struct_from_records(SlotState, records)
    assert checkpoint.meta.strategy is not None
    kind = load_strategy(checkpoint.meta.strategy).Memory
    memory = struct_from_records(kind, records, MEMORY_PREFIX)
    assert take_records(RecordSet(), state, memory) == logical_hash_of(records)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_going_down_again_gives_the_old_release_exactly_what_it_wrote(path: Path) -> None:
    checkpoint = read(path)
    records = upgraded(checkpoint)
    for chain, stored, today in reversed(chains(checkpoint)):
        records = chain.convert(records, today, stored)
    assert logical_hash_of(records) == checkpoint.meta.logical_hash


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_checkpoint_with_one_flipped_bit_is_refused(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    with pytest.raises(DamagedCheckpointError):
        decode_checkpoint(bytes(data))


def test_a_state_that_loses_a_field_on_the_way_is_noticed() -> None:
    """The proof above can fail: a value that today's layout does not know is not read back."""
    checkpoint = read(GOLDEN[0])
    records = dict(checkpoint.upserts)
    key = next(key for key in records if key[0] == "orders")
    value = msgspec.json.decode(records[key]) | {"unknown_field": 1}
    records[key] = msgspec.json.encode(value)
    state = struct_from_records(SlotState, records)
    assert take_records(RecordSet(), state, msgspec.defstruct("Nothing", [])()) != logical_hash_of(
        records
    )
