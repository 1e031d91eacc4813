"""The watcher's part: an audit is started when a day is due, and its absence is never silent."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from checkpoints.alarms import AlarmState, AlarmStore
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage
from cluster.daily_audit import keeper as keeping
from cluster.daily_audit import records
from cluster.daily_audit.keeper import (
    AUDIT_SECONDS_MAX,
    PAUSES,
    POLL_SECONDS,
    TRIES_MAX,
    AuditKeeper,
)
from cluster.daily_audit.process import BUSY, audit_mark, end_audit, start_audit
from cluster.local.processes import marked, wait_until
from cluster.local.state_folder import RunRecord, StateFolder
from signals.market import day_of, day_start_ms
from signals.market_time import MarketClock
from tests.cluster.audit.complete_record import make_config
from tests.cluster.daily_audit.test_records import audit

LAUNCHED = RunRecord(launched=True)
HOUR_MS = 3_600_000
REAL = MarketClock(speed=1)


class FakeChild:
    pid = 4_000_000

    def __init__(self) -> None:
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code


class Fleet:
    """A watcher's keeper on clocks of the test."""

    def __init__(self, state: StateFolder, clock: MarketClock = REAL) -> None:
        self.state, self.storage = state, LocalStorage(state.storage)
        config = msgspec.structs.replace(make_config(state.storage), clock=clock)
        self.storage.write("config/current.json", msgspec.json.encode(config))
        self.now_ms = day_start_ms("2026-03-04") + 10 * HOUR_MS
        self.now_s = 0.0
        self.started: list[str] = []
        self.child = FakeChild()
        self.begin_watching()

    def begin_watching(self) -> None:
        self.keeper = AuditKeeper(self.state, self._start, lambda: self.now_ms)

    def _start(self, _state: StateFolder, day: str) -> FakeChild:
        self.started.append(day)
        self.child = FakeChild()
        return self.child

    def rows(self, *days: str) -> None:
        for day in days:
            (self.state.storage / "journal" / day).mkdir(parents=True, exist_ok=True)

    def at(self, day: str, hours: float) -> None:
        self.now_ms = day_start_ms(day) + int(hours * HOUR_MS)
        self.poll()

    def poll(self, seconds: float = POLL_SECONDS, record: RunRecord = LAUNCHED) -> None:
        self.now_s += seconds
        self.keeper.poll(record, self.now_s)

    def finish(self, code: int = 0, *, keep: bool = True) -> None:
        if keep:
            made = audit(self.started[-1], began_wire_ms=self.now_ms)
            records.keep(self.storage, made)
        self.child.code = code
        self.poll(1.0)

    def alarms(self) -> list[AlarmState]:
        return AlarmStore(self.storage).latched()


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    state = StateFolder(tmp_path)
    for folder in (state.storage, state.logs):
        folder.mkdir()
    return Fleet(state)


def test_a_day_is_audited_once_at_its_time_and_the_next_one_a_day_later(fleet: Fleet) -> None:
    fleet.rows("2026-03-04", "2026-03-05")
    fleet.poll()
    assert fleet.started == []  # the day before this fleet was first watched is not owed
    fleet.at("2026-03-05", 2.4)
    assert fleet.started == []
    fleet.at("2026-03-05", 2.6)
    assert fleet.started == ["2026-03-04"]
    fleet.finish()
    fleet.at("2026-03-05", 23.0)
    assert fleet.started == ["2026-03-04"]
    fleet.at("2026-03-06", 2.6)
    assert fleet.started == ["2026-03-04", "2026-03-05"]
    assert fleet.alarms() == []


def test_a_watcher_that_was_away_is_noticed_at_the_next_start(fleet: Fleet) -> None:
    fleet.rows("2026-03-04", "2026-03-05", "2026-03-07")
    fleet.poll()
    fleet.begin_watching()
    fleet.at("2026-03-08", 3.0)
    assert [(one.alarm.kind, one.alarm.subject) for one in fleet.alarms()] == [
        ("daily_audit_missed", "2026-03-04"),
        ("daily_audit_missed", "2026-03-05"),
    ]
    for _ in range(3):
        fleet.finish()
        fleet.poll()
    assert fleet.started == ["2026-03-04", "2026-03-05", "2026-03-07"]


def test_a_fleet_that_does_not_run_is_not_audited_until_it_does(fleet: Fleet) -> None:
    fleet.rows("2026-03-04")
    fleet.poll()
    fleet.now_ms = day_start_ms("2026-03-05") + 3 * HOUR_MS
    fleet.poll(record=RunRecord(launched=False))
    assert fleet.started == []
    fleet.poll()
    assert fleet.started == ["2026-03-04"]


def test_an_audit_that_ends_without_a_record_is_tried_again_and_then_an_alarm(
    fleet: Fleet,
) -> None:
    fleet.rows("2026-03-04", "2026-03-05")
    fleet.poll()
    fleet.at("2026-03-05", 3.0)
    for tries in range(1, TRIES_MAX + 1):
        assert len(fleet.started) == tries
        assert fleet.alarms() == []
        fleet.finish(-9, keep=False)
        fleet.poll(PAUSES.wait_s(tries) / 2)
        assert len(fleet.started) == tries
        fleet.poll(PAUSES.wait_s(tries))
    (alarm,) = [one.alarm for one in fleet.alarms()]
    assert (alarm.kind, alarm.subject) == ("daily_audit_missed", "2026-03-04")
    assert "3 times" in alarm.evidence["why"]
    assert len(fleet.started) == TRIES_MAX
    fleet.at("2026-03-06", 3.0)
    assert fleet.started[-1] == "2026-03-05"


def test_an_audit_by_hand_at_the_same_time_is_waited_for_and_is_no_try(fleet: Fleet) -> None:
    fleet.rows("2026-03-04")
    fleet.poll()
    fleet.at("2026-03-05", 3.0)
    for _ in range(2 * TRIES_MAX):
        fleet.finish(BUSY, keep=False)
        fleet.poll()
    assert len(fleet.started) == 2 * TRIES_MAX + 1
    assert fleet.alarms() == []


def test_an_audit_that_hangs_is_ended(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr(keeping.os, "killpg", lambda pid, _: killed.append(pid))
    fleet.rows("2026-03-04")
    fleet.poll()
    fleet.at("2026-03-05", 3.0)
    fleet.poll(AUDIT_SECONDS_MAX - 1)
    assert killed == []
    fleet.poll(2)
    assert killed == [FakeChild.pid]


def test_a_clock_set_back_over_midnight_starts_nothing_and_loses_no_day(fleet: Fleet) -> None:
    fleet.rows("2026-03-04", "2026-03-05")
    fleet.poll()
    fleet.at("2026-03-05", 3.0)
    fleet.finish()
    fleet.at("2026-03-04", 23.0)
    fleet.at("2026-03-05", 2.6)
    fleet.at("2026-03-05", 5.0)
    assert set(fleet.started) == {"2026-03-04"}
    fleet.finish()
    fleet.at("2026-03-06", 3.0)
    assert fleet.started[-1] == "2026-03-05"


def test_days_that_pass_faster_than_real_ones_are_audited_at_most_once_an_hour(
    tmp_path: Path,
) -> None:
    state = StateFolder(tmp_path)
    for folder in (state.storage, state.logs):
        folder.mkdir()
    anchor = day_start_ms("2026-03-04")
    clock = MarketClock(speed=30, anchor_wire_ms=anchor, anchor_market_ms=anchor)
    fleet = Fleet(state, clock)
    fleet.now_ms = anchor
    starts: list[float] = []
    for minute in range(600):
        fleet.now_ms = anchor + minute * 60_000
        fleet.rows(day_of(clock.market_ms(fleet.now_ms)))
        count = len(fleet.started)
        fleet.poll()
        if len(fleet.started) > count:
            starts.append(fleet.now_s)
            fleet.finish()
    assert 5 <= len(starts) <= 11
    assert min(b - a for a, b in pairwise(starts)) >= 3_600
    assert fleet.alarms() == []


@pytest.mark.parametrize("data", [b"", b"{", b'{"mode": 7}'])
def test_a_configuration_that_cannot_be_read_keeps_the_watcher_going(
    fleet: Fleet, data: bytes
) -> None:
    (fleet.state.storage / "config" / "current.json").write_bytes(data)
    fleet.poll()
    assert fleet.started == []


@pytest.fixture
def process_state(fleet: Fleet) -> Iterator[StateFolder]:
    yield fleet.state
    end_audit(fleet.state)


def test_the_process_of_an_audit_is_ended_with_its_fleet(process_state: StateFolder) -> None:
    child = start_audit(process_state, "2026-03-04")
    assert marked(audit_mark(process_state)) == [ProcessId.of(child.pid)]
    end_audit(process_state)
    assert marked(audit_mark(process_state)) == []
    assert wait_until(lambda: child.poll() is not None, 10)
