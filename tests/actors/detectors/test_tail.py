"""The journal's new rows: each once, a few flushes at a look, from now on."""

from pathlib import Path

import pytest

from actors.detectors.tail import BEGIN_FLUSHES, FENCES_KEPT, LOOK_FLUSHES_MAX, JournalTail
from checkpoints.journal import Journal
from checkpoints.storage import LocalStorage
from signals.market import DAY_MS
from tests.checkpoints.builders import NOON_MS, row

SLOTS = ("btc-5m", "eth-5m")


def write(root: Path, first: int, last: int, slot: str = "btc-5m", **fields: int) -> None:
    """Write one flush of one row for each sequence."""
    journal = Journal(LocalStorage(root), slot)
    for n in range(first, last + 1):
        journal.append([row(n, slot=slot, **{"market_ms": NOON_MS + n, **fields})])


def sequences(tail: JournalTail) -> list[tuple[str, int]]:
    return [(one.slot, one.sequence) for one in tail.read().rows]


def test_each_row_is_read_once_and_slots_come_in_the_order_of_time(tmp_path: Path) -> None:
    tail = JournalTail(LocalStorage(tmp_path), {})
    assert tail.read().rows == ()
    for slot in SLOTS:
        write(tmp_path, 1, 2, slot)
    assert sequences(tail) == [("btc-5m", 1), ("eth-5m", 1), ("btc-5m", 2), ("eth-5m", 2)]
    assert sequences(tail) == []
    write(tmp_path, 3, 3, market_ms=NOON_MS + DAY_MS)
    assert sequences(tail) == [("btc-5m", 3)], "also on the next day"


def test_a_higher_fence_is_read_from_its_first_row_and_a_forgotten_one_no_more(
    tmp_path: Path,
) -> None:
    tail = JournalTail(LocalStorage(tmp_path), {})
    write(tmp_path, 1, 3, fence=1)
    tail.read()
    write(tmp_path, 3, 3, fence=2)
    assert sequences(tail) == [("btc-5m", 3)]
    for fence in range(3, FENCES_KEPT + 3):
        write(tmp_path, fence + 1, fence + 1, fence=fence)
        tail.read()
    write(tmp_path, 99, 99, fence=1)
    assert sequences(tail) == []


def test_a_position_goes_on_where_it_was(tmp_path: Path) -> None:
    first = JournalTail(LocalStorage(tmp_path), {})
    write(tmp_path, 1, 2)
    first.read()
    write(tmp_path, 3, 4)
    assert sequences(JournalTail(LocalStorage(tmp_path), first.positions)) == [
        ("btc-5m", 3),
        ("btc-5m", 4),
    ]


def test_a_long_journal_is_begun_at_its_end_and_said_to_be(tmp_path: Path) -> None:
    write(tmp_path, 1, BEGIN_FLUSHES + 5)
    write(tmp_path, 1, 2, "eth-5m")
    news = JournalTail(LocalStorage(tmp_path), {}).read()
    assert news.begun_late == ("btc-5m",)
    assert sum(one.slot == "btc-5m" for one in news.rows) == BEGIN_FLUSHES
    assert news.caught_up


def test_a_gap_is_caught_up_in_bounded_looks(tmp_path: Path) -> None:
    tail = JournalTail(LocalStorage(tmp_path), {})
    write(tmp_path, 1, 1)
    tail.read()
    write(tmp_path, 2, 2 * LOOK_FLUSHES_MAX + 3)
    looks = [tail.read() for _ in range(3)]
    assert [poll.caught_up for poll in looks] == [False, False, True]
    assert [len(poll.rows) for poll in looks] == [LOOK_FLUSHES_MAX, LOOK_FLUSHES_MAX, 2]


def test_a_folder_that_did_not_change_is_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.detectors.tail.SETTLED_NS", 0)
    storage = LocalStorage(tmp_path)
    tail = JournalTail(storage, {})
    write(tmp_path, 1, 1)
    tail.read()
    listed: list[str] = []
    monkeypatch.setattr(storage, "names", lambda prefix: listed.append(prefix) or [])
    tail.read()
    assert listed == []
    write(tmp_path, 2, 2)
    tail.read()
    assert len(listed) == 1


def test_a_damaged_flush_is_passed_and_not_read_again(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    write(tmp_path, 1, 2)
    (name, _) = storage.names("journal/")
    storage.write(name, b"torn")
    tail = JournalTail(storage, {})
    assert sequences(tail) == [("btc-5m", 2)]
    assert sequences(tail) == []
