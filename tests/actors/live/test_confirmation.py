"""The record of a confirmation on the disk."""

from pathlib import Path

import msgspec

from actors.config import Mode
from actors.live.confirmation import (
    HISTORY,
    IN_FORCE,
    Confirmed,
    end,
    in_force,
    put_in_force,
    store_of,
)
from checkpoints.storage import LocalStorage
from cluster.audit.reconcile import ALL_TRADES_S, trades_since_s
from tests.actors.live.starts import live_config, risked


def confirmed(wire_ms: int = 1) -> Confirmed:
    return Confirmed(risked=risked(), typed="ababab 50", who="ann", wire_ms=wire_ms)


def test_a_record_is_in_force_until_a_person_stops_the_fleet(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    assert in_force(storage) is None
    put_in_force(storage, confirmed())
    assert in_force(storage) == confirmed()
    end(storage)
    assert in_force(storage) is None
    put_in_force(storage, confirmed(2))
    assert in_force(storage) == confirmed(2)
    assert len(storage.names(f"{HISTORY}/")) == 2, "each one is kept for later readers"
    end(LocalStorage(tmp_path / "never used"))


def test_an_edited_record_is_none(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    put_in_force(storage, confirmed())
    data = storage.read(IN_FORCE)
    for damaged in (data.replace(b'"ann"', b' "ann"'), data[:-1], b"", b"{}", b"\xff"):
        storage.write(IN_FORCE, damaged)
        assert isinstance(in_force(storage), str)


def test_a_copied_storage_is_another_one(tmp_path: Path) -> None:
    one, other = LocalStorage(tmp_path / "one"), LocalStorage(tmp_path / "other")
    assert store_of(one) == store_of(one)
    assert store_of(one).id != store_of(other).id
    copied = LocalStorage(tmp_path / "copy")
    copied.write("live/store", one.read("live/store"))
    assert store_of(copied) != store_of(one)


def test_trades_are_the_fleets_since_the_first_start_that_a_person_confirmed(
    tmp_path: Path,
) -> None:
    config = live_config(tmp_path)
    storage = LocalStorage(tmp_path)
    assert trades_since_s(config) == ALL_TRADES_S
    for wire_ms in (1_700_000_002_000, 1_700_000_001_500):
        given = msgspec.structs.replace(confirmed(), wire_ms=wire_ms)
        put_in_force(storage, given)
    end(storage)
    assert trades_since_s(config) == 1_700_000_001
    paper = msgspec.structs.replace(config, mode=Mode.PAPER)
    assert trades_since_s(paper) == ALL_TRADES_S
