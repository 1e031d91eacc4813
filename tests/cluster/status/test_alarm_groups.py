"""Alarms as people read and clear them."""

from pathlib import Path

import pytest

from checkpoints.alarms import Alarm, AlarmState, AlarmStore
from checkpoints.severity import Severity
from checkpoints.storage import LocalStorage
from cluster.__main__ import run
from cluster.status.alarm_groups import find_alarms, group_alarms, short_ids


def latched(kind: str, subject: str, raised: int, severity: Severity = Severity.WARNING) -> Alarm:
    return Alarm(
        kind=kind, subject=subject, severity=severity, action="look", raised_wire_ms=raised
    )


def state(alarm: Alarm) -> AlarmState:
    return AlarmState(alarm=alarm, cleared=None)


def test_sixteen_slots_of_one_cause_are_one_group_and_the_worst_comes_first() -> None:
    slots = [state(latched("no_decision", f"slot-{n}", n)) for n in range(16)]
    worse = state(latched("wrong_code", "btc-5m", 99, Severity.CRITICAL))
    first, second = group_alarms([*slots, worse])
    assert (first.kind, second.kind) == ("wrong_code", "no_decision")
    assert len(second.alarms) == 16


def test_a_short_id_names_one_alarm_and_grows_where_two_would_share_it() -> None:
    identities = [f"kind.subject-{n}.1" for n in range(3_000)]
    shorts = short_ids(identities)
    assert len(set(shorts.values())) == 3_000
    one = identities[7]
    assert find_alarms(shorts[one], identities) == (one,)
    assert find_alarms(one, identities) == (one,)
    assert find_alarms("zz", identities) == ()


@pytest.fixture
def store(tmp_path: Path) -> AlarmStore:
    store = AlarmStore(LocalStorage(tmp_path / "storage"))
    for number in range(3):
        store.raise_alarm(latched("no_decision", f"slot-{number}", number))
    store.raise_alarm(latched("disk_low", "storage", 9))
    return store


def clear(tmp_path: Path, *words: str) -> int:
    return run(["alarms", "clear", *words, "--reason", "seen", "--state", str(tmp_path)])


def test_alarms_are_cleared_by_short_id_by_kind_or_all_at_once(
    tmp_path: Path, store: AlarmStore, capsys: pytest.CaptureFixture[str]
) -> None:
    identities = [one.alarm.id for one in store.history()]
    assert clear(tmp_path, short_ids(identities)[identities[0]]) == 0
    assert len(store.latched()) == 3
    assert clear(tmp_path, "--kind", "no_decision") == 0
    assert [one.alarm.kind for one in store.latched()] == ["disk_low"]
    assert clear(tmp_path, "--kind", "no_decision") == 1
    assert "there are: disk_low" in capsys.readouterr().err
    assert clear(tmp_path, "--all") == 0
    assert store.latched() == []
    assert clear(tmp_path, "--all") == 0
    assert "nothing to clear" in capsys.readouterr().err


def test_what_names_no_alarm_or_asks_for_two_things_clears_nothing(
    tmp_path: Path, store: AlarmStore
) -> None:
    assert clear(tmp_path) == 2
    assert clear(tmp_path, "--all", "--kind", "disk_low") == 2
    assert clear(tmp_path, "nothing") == 1
    assert len(store.latched()) == 4


def test_the_list_shows_one_group_a_cause_and_how_to_clear_it(
    tmp_path: Path, store: AlarmStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(store.latched()) == 4
    assert run(["alarms", "list", "--state", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert "WARNING  no_decision: slot-0, slot-1, slot-2" in shown.out
    assert "4 alarms; clear with `midstride alarms clear" in shown.err
