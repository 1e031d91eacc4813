"""A real watcher starts the real audit of a day that is due; the alarm comes from its process."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from checkpoints.alarms import AlarmStore
from checkpoints.audit_days import SINCE_FILE, Since
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage
from cluster.daily_audit import records
from cluster.daily_audit.process import audit_mark, end_audit
from cluster.daily_audit.report import CheckState
from cluster.local.ending import end_watcher
from cluster.local.processes import marked, wait_until
from cluster.local.state_folder import StateFolder
from cluster.local.watcher import start_watcher
from signals.market import day_start_ms
from signals.market_time import MarketClock
from tests.cluster.daily_audit.days import DAY, check, config_of, make_state

pytestmark = [pytest.mark.timeout(300)]
WAIT_SECONDS = 240.0
"""The audit runs only while nothing else wants its core."""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    """Return a fleet's folder at three in the morning after its day, with a head that is none."""
    state = make_state(tmp_path / "s", trades=1)
    state.prepare()
    clock = MarketClock(
        anchor_wire_ms=time.time_ns() // 1_000_000, anchor_market_ms=day_start_ms(DAY) + 97_200_000
    )
    storage = LocalStorage(state.storage)
    config = replace(config_of(state), clock=clock)
    storage.write("config/current.json", msgspec.json.encode(config))
    storage.write(SINCE_FILE, msgspec.json.encode(Since(day=DAY)))
    head = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    state.update_run(head=ProcessId.of(head.pid), launched=True)
    try:
        yield state
    finally:
        end_watcher(state)
        end_audit(state)
        head.kill()
        head.wait()
    assert marked(audit_mark(state)) == []


def test_the_watcher_of_a_fleet_audits_its_day(state: StateFolder) -> None:
    storage = LocalStorage(state.storage)
    start_watcher(state)
    assert wait_until(lambda: AlarmStore(storage).latched() != [], WAIT_SECONDS)
    found = records.read(storage, DAY)
    assert found is not None
    assert found.scheduled
    assert check(found, "decisions made again").state is CheckState.PASSED
    assert check(found, "record").state is CheckState.PASSED
    (alarm,) = [one.alarm for one in AlarmStore(storage).latched()]
    assert (alarm.kind, alarm.subject) == ("daily_audit_failed", DAY)
    assert "venue" in alarm.evidence  # nothing answers at its address
    assert "what runs" in alarm.evidence  # nor does any slot of it run
