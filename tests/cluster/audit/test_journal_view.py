"""What a reader of the journal must survive: damage, gaps, zombies, clocks."""

import subprocess
import sys
from pathlib import Path

import pytest

from checkpoints.errors import StorageError
from checkpoints.journal import Journal
from checkpoints.journal_days import compact_day
from checkpoints.storage import LocalStorage
from cluster.audit.journal_part import ALL
from cluster.audit.journal_view import JournalView, Within
from cluster.audit.kept_flushes import KeptFlushes
from tests.checkpoints.builders import DAY, NOON_MS, row

NEXT = "2026-01-02"


def fill(root: Path) -> LocalStorage:
    storage = LocalStorage(root)
    for sequence in range(1, 7):
        Journal(storage, "btc-5m").append([row(sequence)])
    return storage


def sequences(root: Path) -> list[int]:
    found = JournalView(root).fetch("select sequence from valid order by sequence")
    return [sequence for (sequence,) in found]


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def named(root: Path) -> list[tuple[str, str]]:
    return [(found.kind, found.subject) for found in JournalView(root).problems()]


def test_a_storage_without_a_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="holds no journal"):
        JournalView(tmp_path)


def test_a_flipped_bit_in_a_flush_is_named_and_so_is_the_row_it_held(tmp_path: Path) -> None:
    name = fill(tmp_path).names(f"journal/{DAY}/")[2]
    flip(tmp_path / name)
    assert sequences(tmp_path) == [1, 2, 4, 5, 6]
    assert named(tmp_path) == [("damaged", name), ("missing_rows", "btc-5m row 4")]


def test_a_torn_tail_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    name = fill(tmp_path).names(f"journal/{DAY}/")[-1]
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-40])
    assert sequences(tmp_path) == [1, 2, 3, 4, 5]
    assert named(tmp_path) == [("damaged", name)]


def test_a_torn_parquet_day_is_named_and_other_days_are_read(tmp_path: Path) -> None:
    storage = fill(tmp_path)
    compact_day(storage, DAY, NEXT)
    Journal(storage, "btc-5m").append([row(7, market_ms=NOON_MS + 86_400_000)])
    day = tmp_path / f"journal/{DAY}.parquet"
    day.write_bytes(day.read_bytes()[:-20])
    assert sequences(tmp_path) == [7]
    assert named(tmp_path)[0] == ("damaged", f"journal/{DAY}.parquet")


def test_a_damaged_page_within_a_parquet_day_is_named(tmp_path: Path) -> None:
    storage = fill(tmp_path)
    compact_day(storage, DAY, NEXT)
    Journal(storage, "btc-5m").append([row(7, market_ms=NOON_MS + 86_400_000)])
    day = tmp_path / f"journal/{DAY}.parquet"
    data = bytearray(day.read_bytes())
    data[4:100] = bytes(96)
    day.write_bytes(data)
    assert sequences(tmp_path) == [7]
    assert named(tmp_path)[0] == ("damaged", f"journal/{DAY}.parquet")


def test_a_zombies_rows_are_void_also_when_the_claim_that_voids_them_is_damaged(
    tmp_path: Path,
) -> None:
    storage = fill(tmp_path)
    Journal(storage, "btc-5m").append([row(5, fence=2, release="cd" * 32)])
    Journal(storage, "btc-5m").append([row(6, fence=2, release="cd" * 32)])
    view = JournalView(tmp_path)
    found = view.fetch("select sequence, fence from valid order by sequence")
    assert found == [(1, 1), (2, 1), (3, 1), (4, 1), (5, 2), (6, 2)]
    flip(tmp_path / f"journal/{DAY}/btc-5m/000000000005-00000002.arrow")
    view = JournalView(tmp_path)
    found = view.fetch("select sequence, fence from valid order by sequence")
    assert found == [(1, 1), (2, 1), (3, 1), (4, 1), (6, 2)]


def test_a_clock_that_went_backwards_is_named_with_how_far(tmp_path: Path) -> None:
    storage = fill(tmp_path)
    Journal(storage, "btc-5m").append([row(7, market_ms=NOON_MS - 500, wire_ms=900)])
    problems = JournalView(tmp_path).problems()
    assert [one.subject for one in problems] == ["btc-5m row 7", "btc-5m row 7"]
    assert problems[0].reason == "market time is 506 ms before that of the row before it"
    assert problems[1].reason.startswith("wire time is 106 ms")


def test_a_part_of_a_journal_is_the_rows_of_its_days_and_slot(tmp_path: Path) -> None:
    storage = fill(tmp_path)
    Journal(storage, "eth-5m").append([row(1, slot="eth-5m")])
    compact_day(storage, DAY, NEXT)
    day_ms = 86_400_000
    for slot, sequence in (("btc-5m", 7), ("eth-5m", 2)):
        later = row(sequence, slot=slot, market_ms=NOON_MS + day_ms)
        Journal(storage, slot).append([later])
    assert found(tmp_path, Within()) == [("btc-5m", n) for n in range(1, 8)] + [
        ("eth-5m", 1),
        ("eth-5m", 2),
    ]
    assert found(tmp_path, Within(first_day=NEXT)) == [("btc-5m", 7), ("eth-5m", 2)]
    assert found(tmp_path, Within(last_day=DAY, slot="eth-5m")) == [("eth-5m", 1)]
    assert found(tmp_path, Within(first_day="2027-01-01")) == []


def test_a_part_of_a_journal_names_only_its_own_damage(tmp_path: Path) -> None:
    storage = fill(tmp_path)
    later = row(7, market_ms=NOON_MS + 86_400_000)
    Journal(storage, "btc-5m").append([later])
    flip(tmp_path / storage.names(f"journal/{DAY}/")[2])
    assert [one.kind for one in JournalView(tmp_path, within=Within(last_day=DAY)).damaged]
    assert not JournalView(tmp_path, within=Within(first_day=NEXT)).damaged
    assert not JournalView(tmp_path, within=Within(slot="eth-5m")).damaged


def found(root: Path, within: Within) -> list[tuple[str, int]]:
    rows = JournalView(root, within=within).fetch(
        "select slot, sequence from valid order by slot, sequence"
    )
    return [(slot, sequence) for slot, sequence in rows]


def test_a_command_that_reads_a_journal_says_nothing_but_its_answer() -> None:
    """A struct with methods beside DuckDB's import keeps DuckDB from ending in order."""
    modules = ("cluster.audit.journal_view", "cluster.commands.audit", "cluster.daily_audit.run")
    for module in modules:
        done = subprocess.run(
            [sys.executable, "-c", f"import {module}"], capture_output=True, check=True
        )
        assert done.stderr == b"", module


def test_a_reader_that_comes_again_reads_only_what_is_new_and_sees_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, kept, names = fill(tmp_path), KeptFlushes(), list[str]()
    read = LocalStorage.read

    def counted(self: LocalStorage, name: str) -> bytes:
        names.append(name)
        return read(self, name)

    monkeypatch.setattr(LocalStorage, "read", counted)

    def again(within: Within = ALL) -> list[int]:
        names.clear()
        view = JournalView(tmp_path, within=within, kept=kept)
        rows = view.fetch("select sequence from valid order by sequence")
        return [sequence for (sequence,) in rows]

    assert again() == [1, 2, 3, 4, 5, 6]
    assert len(names) == 6
    Journal(storage, "btc-5m").append([row(7)])
    assert again() == [1, 2, 3, 4, 5, 6, 7]
    assert [name[-21:-15] for name in names] == ["000007"]
    assert again(Within(slot="eth-5m")) == []
    compact_day(storage, DAY, NEXT)
    Journal(storage, "btc-5m").append([row(8)])
    assert again() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_damage_is_named_each_time_by_a_reader_that_comes_again(tmp_path: Path) -> None:
    kept, name = KeptFlushes(), fill(tmp_path).names(f"journal/{DAY}/")[2]
    flip(tmp_path / name)
    for _ in range(2):
        view = JournalView(tmp_path, kept=kept)
        assert [one.name for one in view.damaged] == [name]
        rows = view.fetch("select sequence from valid order by sequence")
        assert [sequence for (sequence,) in rows] == [1, 2, 4, 5, 6]


def test_what_is_kept_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.audit.kept_flushes.BYTES_MAX", 1)
    storage, kept = fill(tmp_path), KeptFlushes()
    Journal(storage, "eth-5m").append([row(1, slot="eth-5m")])
    for _ in range(2):
        view = JournalView(tmp_path, kept=kept)
        assert view.fetch("select count(*) from valid") == [(7,)]
