"""Alarms latch, are said once, and survive several writers and damaged files."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.errors import MissingFileError
from checkpoints.severity import Severity
from checkpoints.storage import LocalStorage
from tests.checkpoints.memory_storage import MemoryStorage


def alarm(**changes: Any) -> Alarm:
    values: dict[str, Any] = {
        "kind": "missed_decision",
        "subject": "btc-5m",
        "severity": Severity.CRITICAL,
        "action": "restarted",
        "evidence": {"due_ms": "5"},
        "raised_wire_ms": 7,
    }
    return Alarm(**{**values, **changes})


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def store(storage: MemoryStorage) -> AlarmStore:
    return AlarmStore(storage)


def test_a_latched_alarm_is_said_once(store: AlarmStore) -> None:
    first = store.raise_alarm(alarm())
    again = store.raise_alarm(alarm(raised_wire_ms=8, action="again"))
    assert (first.new, again.new) == (True, False)
    assert again.alarm == first.alarm
    assert store.raise_alarm(alarm(subject="eth-5m")).new
    assert [state.alarm.subject for state in store.latched()] == ["btc-5m", "eth-5m"]


def test_a_cleared_alarm_may_be_raised_anew(store: AlarmStore) -> None:
    first = store.raise_alarm(alarm()).alarm
    assert store.clear(first.id, "feed was down", "operator")
    assert not store.clear(first.id, "again", "operator")
    assert store.latched() == []
    second = store.raise_alarm(alarm())
    assert second.new
    assert second.alarm.id != first.id
    assert [state.latched for state in store.history()] == [False, True]
    cleared = store.history()[0].cleared
    assert cleared is not None
    assert (cleared.reason, cleared.who) == ("feed was down", "operator")


def test_an_unknown_alarm_cannot_be_cleared(store: AlarmStore) -> None:
    with pytest.raises(MissingFileError):
        store.clear("nothing.x.1", "why", "me")


def test_two_writers_latch_one_alarm(storage: MemoryStorage, store: AlarmStore) -> None:
    class Racing(AlarmStore):
        """Another process raises the same alarm after we looked and before we create."""

        def _cleared_count(self, stem: str) -> int:
            count = super()._cleared_count(stem)
            store.raise_alarm(alarm(raised_wire_ms=1))
            return count

    raised = Racing(storage).raise_alarm(alarm())
    assert not raised.new
    assert raised.alarm.raised_wire_ms == 1
    assert len(storage.names("")) == 1


@pytest.mark.parametrize("content", [b"", b"{", b'{"kind": 3}', b"\xff", b'{"id": "\xff"}'])
def test_a_damaged_alarm_stays_an_alarm_until_it_is_cleared(
    storage: MemoryStorage, store: AlarmStore, content: bytes
) -> None:
    first = store.raise_alarm(alarm()).alarm
    storage.write(f"alarms/{first.id}.json", content)
    assert [state.alarm.kind for state in store.latched()] == ["damaged_alarm"]
    assert not store.raise_alarm(alarm()).new
    assert store.clear(first.id, "disk replaced", "operator")
    assert store.latched() == []


def test_a_damaged_clearing_leaves_the_alarm_latched(
    storage: MemoryStorage, store: AlarmStore
) -> None:
    first = store.raise_alarm(alarm()).alarm
    store.clear(first.id, "why", "me")
    storage.truncate(f"alarms/{first.id}.cleared.json", 5)
    assert len(store.latched()) == 1


subjects = st.text(max_size=90)


@given(subjects, subjects)
def test_any_subject_has_its_own_name(one: str, other: str) -> None:
    store = AlarmStore(MemoryStorage())
    store.raise_alarm(alarm(subject=one))
    assert store.raise_alarm(alarm(subject=other)).new == (one != other)


# ---- what is read each second --------------------------------------------------------------------


class CountedStorage(LocalStorage):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reads = self.listings = 0

    def read(self, name: str) -> bytes:
        self.reads += 1
        return super().read(name)

    def names(self, prefix: str) -> list[str]:
        self.listings += 1
        return super().names(prefix)


def test_a_reader_for_years_reads_no_alarm_twice(tmp_path: Path) -> None:
    storage = CountedStorage(tmp_path)
    others, reader = AlarmStore(storage), AlarmStore(storage)
    for number in range(40):
        one = others.raise_alarm(alarm(subject=f"s{number}")).alarm
        if number:
            others.clear(one.id, "seen", "me")
    wanted = [state.alarm.subject for state in reader.latched()]
    reader.latched()
    storage.reads = storage.listings = 0
    for _ in range(100):
        assert [state.alarm.subject for state in reader.latched()] == wanted == ["s0"]
    assert (storage.reads, storage.listings) == (0, 0)
    fresh = others.raise_alarm(alarm(subject="fresh")).alarm
    storage.reads = 0
    assert [state.alarm.subject for state in reader.latched()] == ["fresh", "s0"]
    assert storage.reads <= 2, "the new one, and whether it was cleared"
    others.clear(fresh.id, "seen", "me")
    assert [state.alarm.subject for state in reader.latched()] == ["s0"]


def test_a_change_within_the_grain_of_a_folders_stamp_is_seen_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    others, reader = AlarmStore(storage), AlarmStore(storage)
    monkeypatch.setattr(storage, "folder_stamp", lambda _name: 7)
    others.raise_alarm(alarm(subject="one"))
    assert len(reader.latched()) == 1
    others.raise_alarm(alarm(subject="two"))
    assert len(reader.latched()) == 2


@given(st.lists(st.tuples(st.sampled_from(["raise", "clear", "look"]), st.integers(0, 3))))
def test_one_reader_sees_what_a_fresh_one_does(steps: list[tuple[str, int]]) -> None:
    storage = MemoryStorage()
    others, reader = AlarmStore(storage), AlarmStore(storage)
    for what, number in steps:
        if what == "raise":
            others.raise_alarm(alarm(subject=f"s{number}"))
        elif what == "clear":
            for state in others.latched():
                if state.alarm.subject == f"s{number}":
                    others.clear(state.alarm.id, "seen", "me")
        else:
            assert reader.latched() == AlarmStore(storage).latched()
    assert reader.latched() == AlarmStore(storage).latched()
