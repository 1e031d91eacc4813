"""Records of audits: one at a time, whole or not there, and none believed from the future."""

import errno
import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import pytest

from checkpoints.audit_days import audited_days
from checkpoints.errors import StorageError
from checkpoints.storage import LocalStorage
from cluster.daily_audit import records
from cluster.daily_audit.errors import AuditRunsError
from cluster.daily_audit.report import DayAudit, DayFigures
from signals.market import day_start_ms

DAY = "2026-03-04"
NOW_MS = day_start_ms("2026-03-05") + 9_000_000


def audit(day: str = DAY, **about: object) -> DayAudit:
    found = DayAudit(
        day=day,
        well=True,
        over=True,
        mode="paper",
        began_wire_ms=NOW_MS,
        ended_wire_ms=NOW_MS + 1,
        checks=(),
        figures=DayFigures(),
        scheduled=True,
    )
    return msgspec.structs.replace(found, **about)


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    (tmp_path / "journal" / DAY).mkdir(parents=True)
    (tmp_path / "journal" / "2026-03-03.parquet").write_bytes(b"")
    return LocalStorage(tmp_path)


def hold(root: Path, told: Connection) -> None:
    with records.alone(LocalStorage(root)):
        told.send("held")
        signal.pause()


def test_a_second_audit_is_refused_until_the_first_ends_also_by_a_kill(
    storage: LocalStorage,
) -> None:
    here, there = multiprocessing.Pipe()
    holder = multiprocessing.get_context("fork").Process(target=hold, args=(storage.root, there))
    holder.start()
    assert here.recv() == "held"
    with pytest.raises(AuditRunsError, match="another audit"), records.alone(storage):
        pass
    os.kill(holder.pid or 0, signal.SIGKILL)
    holder.join()
    with records.alone(storage):
        assert records.latest(storage) is None


def test_a_record_that_is_kept_is_read_back_and_counts(storage: LocalStorage) -> None:
    records.keep(storage, audit())
    assert records.read(storage, DAY) == audit()
    assert records.latest(storage) == audit()
    found = records.known(storage, NOW_MS, "2026-03-05")
    assert found.audited == {DAY}
    assert found.with_rows == {DAY, "2026-03-03"}


def test_an_audit_by_hand_replaces_the_record_and_is_not_the_daily_one(
    storage: LocalStorage,
) -> None:
    records.keep(storage, audit(scheduled=False))
    assert records.known(storage, NOW_MS, "2026-03-05").audited == frozenset()
    records.keep(storage, audit())
    records.keep(storage, audit(scheduled=False, well=False))
    assert records.known(storage, NOW_MS, "2026-03-05").audited == {DAY}
    found = records.latest(storage)
    assert found is not None
    assert not found.well


def test_a_record_from_the_future_is_put_aside_and_its_day_is_owed_again(
    storage: LocalStorage,
) -> None:
    """The clock was three days ahead when it was made, and is right again."""
    ahead = audit("2026-03-07", began_wire_ms=NOW_MS + 3 * 86_400_000)
    records.keep(storage, audit())
    records.keep(storage, ahead)
    assert records.known(storage, NOW_MS, "2026-03-05").audited == {DAY}
    assert audited_days(storage) == [DAY]
    aside = storage.read("damaged/audits/2026-03-07.json")
    assert msgspec.json.decode(aside, type=DayAudit) == ahead


def test_days_are_owed_from_the_first_question_on_and_a_clock_ahead_does_not_move_that(
    storage: LocalStorage,
) -> None:
    assert records.known(storage, NOW_MS, "2027-01-01").since == "2027-01-01"
    assert records.known(storage, NOW_MS, "2026-03-05").since == "2026-03-05"
    assert records.known(storage, NOW_MS, "2026-03-09").since == "2026-03-05"


def test_records_are_kept_as_long_as_the_journal_and_no_longer(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "DAYS_KEPT", 3)
    for number in range(1, 8):
        records.keep(storage, audit(f"2026-03-{number:02d}"))
    assert audited_days(storage) == ["2026-03-05", "2026-03-06", "2026-03-07"]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_damaged_record_is_none_and_its_day_is_audited_again(
    storage: LocalStorage, data: bytes
) -> None:
    records.keep(storage, audit())
    (storage.root / "audits" / f"{DAY}.json").write_bytes(data)
    (storage.root / "audits" / "since.json").write_bytes(data)
    assert records.read(storage, DAY) is None
    assert records.known(storage, NOW_MS, "2026-03-05").audited == frozenset()
    assert records.latest(storage) is None


def test_a_full_disk_leaves_the_record_of_before(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    records.keep(storage, audit())

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("checkpoints.storage._write_temporary", full)
    with pytest.raises(StorageError, match="No space left"):
        records.keep(storage, audit(well=False))
    assert records.read(storage, DAY) == audit()
