"""The daily audit that did not happen: when it was due, and what Prometheus is told of it."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from actors.config import DailyAudit, FleetConfig
from actors.metrics.audit_due import audit_due_ms
from actors.metrics.figures import Disk
from actors.metrics.publish import FleetMetrics
from checkpoints.storage import LocalStorage
from cluster.daily_audit import records
from cluster.daily_audit.calendar import Known, due_days
from signals.market import DAY_MS, day_of, day_start_ms
from tests.actors.metrics.fleets import told, whole_fleet
from tests.actors.supervisor.watchers import config
from tests.cluster.daily_audit.test_records import audit

DAY = "2026-03-04"
HOUR_MS = 3_600_000
AT_MS = day_start_ms(DAY) + DAY_MS + 9_000_000
"""Half past two on the morning after the day."""


def real_time(folder: Path, **fields: Any) -> FleetConfig:
    made = config(folder)
    return replace(made, clock=replace(made.clock, speed=1), **fields)


def test_the_day_after_the_newest_audit_is_due_at_the_configured_time(tmp_path: Path) -> None:
    fleet = real_time(tmp_path)
    assert audit_due_ms(fleet, ["2026-03-02", "2026-03-03"], "2026-03-01") == AT_MS
    assert audit_due_ms(fleet, [], DAY) == AT_MS, "the first day that is owed"
    assert audit_due_ms(fleet, ["2026-02-20"], DAY) == AT_MS, "audited by hand before that"
    evening = real_time(tmp_path, daily_audit=DailyAudit(at_utc="23:30"))
    assert audit_due_ms(evening, ["2026-03-03"], None) == AT_MS + 21 * HOUR_MS


def test_where_none_is_expected_none_is_due(tmp_path: Path) -> None:
    off = real_time(tmp_path, daily_audit=DailyAudit(at_utc="off"))
    fast = replace(real_time(tmp_path), clock=replace(real_time(tmp_path).clock, speed=30))
    assert audit_due_ms(off, ["2026-03-03"], "2026-03-01") is None
    assert audit_due_ms(fast, ["2026-03-03"], "2026-03-01") is None
    assert audit_due_ms(real_time(tmp_path), [], None) is None, "nobody has begun to make them"


@pytest.mark.parametrize("at_utc", ["00:00", "02:30", "23:59"])
def test_the_watcher_starts_the_audit_at_the_very_moment_from_which_it_is_overdue(
    tmp_path: Path, at_utc: str
) -> None:
    when = DailyAudit(at_utc=at_utc)
    due_ms = audit_due_ms(real_time(tmp_path, daily_audit=when), ["2026-03-03"], "2026-03-01")
    assert due_ms is not None
    audited = frozenset(day_of(day_start_ms("2026-03-01") + n * DAY_MS) for n in range(3))
    known = Known(since="2026-03-01", audited=audited, with_rows=frozenset({DAY}))
    assert due_days(due_ms - 1, when, known, catches_up=True).days == ()
    assert due_days(due_ms, when, known, catches_up=True).days == (DAY,)


def test_an_audit_that_is_not_made_grows_overdue() -> None:
    watch = whole_fleet()
    for late_ms, overdue_ms in ((-1, 0), (0, 0), (7 * HOUR_MS, 7 * HOUR_MS)):
        disk = Disk(audit_due_ms=watch.now_ms - late_ms)
        assert told(watch, disk=disk)["daily_audit_overdue_ms"] == {(): overdue_ms}
    assert "daily_audit_overdue_ms" not in told(watch, disk=Disk())


def test_the_supervisor_reads_what_the_audits_themselves_have_stored(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    fleet = replace(real_time(tmp_path), storage=str(tmp_path))
    metrics = FleetMetrics(fleet)
    assert metrics._read_disk().audit_due_ms is None
    records.known(storage, AT_MS, "2026-03-03")
    assert metrics._read_disk().audit_due_ms == AT_MS - DAY_MS
    records.keep(storage, audit("2026-03-03"))
    assert metrics._read_disk().audit_due_ms == AT_MS


@pytest.mark.parametrize("name", ["2026-02-30.json", "since.json"])
def test_a_file_that_names_no_day_costs_no_other_figure(tmp_path: Path, name: str) -> None:
    storage = LocalStorage(tmp_path)
    storage.write(f"audits/{name}", b'{"day":"no day"}')
    disk = FleetMetrics(replace(real_time(tmp_path), storage=str(tmp_path)))._read_disk()
    assert disk.audit_due_ms is None
    assert disk.free_bytes is not None
