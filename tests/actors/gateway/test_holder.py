"""Who may take the lock: only the heir, whatever is started again in between."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.holder import (
    MOVES_FILE,
    MOVES_KEPT,
    Move,
    beat_before,
    heir,
    name_heir,
    next_number,
    read_moves,
)
from actors.gateway.lock import CURRENT_FILE, Current
from checkpoints.storage import LocalStorage
from tests.checkpoints.memory_storage import MemoryStorage

GATEWAYS = tuple(f"gateway/{number}" for number in range(1, 6))


def serving(storage: MemoryStorage | LocalStorage, name: str) -> None:
    storage.write(CURRENT_FILE, msgspec.json.encode(Current(name=name, generation=1)))


def test_before_the_first_gateway_any_may_begin() -> None:
    storage = MemoryStorage()
    assert heir(storage) is None
    assert next_number(storage) == 1


def test_a_move_names_the_heir_and_bars_who_moved() -> None:
    storage = MemoryStorage()
    serving(storage, "gateway/1")
    assert heir(storage) == "gateway/1"
    name_heir(storage, "gateway/2", beat_wire_ms=7)
    assert heir(storage) == "gateway/2"
    assert read_moves(storage) == {"gateway/1": Move(to="gateway/2", beat_wire_ms=7)}
    assert beat_before(storage, "gateway/2") == 7
    assert beat_before(storage, "gateway/1") == 0


def test_one_that_has_served_does_not_start_again_with_the_heartbeat_of_its_handover() -> None:
    """Seed 4 of the simulation: its restart would count a gap that the venue never saw."""
    storage = MemoryStorage()
    serving(storage, "gateway/1")
    name_heir(storage, "gateway/2", beat_wire_ms=7)
    serving(storage, "gateway/2")
    assert beat_before(storage, "gateway/2") == 0


def test_a_take_back_bars_the_successor_whether_it_served_or_not() -> None:
    for served in (False, True):
        storage = MemoryStorage()
        serving(storage, "gateway/1")
        name_heir(storage, "gateway/2")
        if served:
            serving(storage, "gateway/2")
        name_heir(storage, "gateway/1")
        assert heir(storage) == "gateway/1"
        assert read_moves(storage)["gateway/2"].to == "gateway/1"
        assert next_number(storage) == 3


@given(st.lists(st.tuples(st.sampled_from(GATEWAYS), st.booleans()), max_size=20))
def test_the_last_named_is_the_only_heir_in_any_order_of_events(
    events: list[tuple[str, bool]],
) -> None:
    storage = MemoryStorage()
    serving(storage, "gateway/1")
    for name, serves in events:
        name_heir(storage, name)
        assert heir(storage) == name
        assert name not in read_moves(storage)
        if serves:
            serving(storage, name)
            assert heir(storage) == name


def test_old_moves_are_forgotten_and_the_heir_is_not() -> None:
    storage = MemoryStorage()
    for number in range(1, 2 * MOVES_KEPT):
        serving(storage, f"gateway/{number}")
        name_heir(storage, f"gateway/{number + 1}")
    assert len(read_moves(storage)) == MOVES_KEPT
    assert heir(storage) == f"gateway/{2 * MOVES_KEPT}"
    assert next_number(storage) == 2 * MOVES_KEPT + 1


def test_a_damaged_record_names_nobody(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    serving(storage, "gateway/1")
    storage.write(MOVES_FILE, b"{")
    with pytest.raises(msgspec.DecodeError):
        heir(storage)
