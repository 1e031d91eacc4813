"""Which messages of alarms leave the fleet, how often, in what order, over supervisors."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.config import AlarmSinks
from actors.supervisor.alarm_messages import (
    PAUSES,
    REPEAT_MS,
    RESOLVED_WITHIN_MS,
    Message,
    Outbox,
    Status,
    raised,
)
from actors.supervisor.alarm_sinks import SinkPump, senders
from checkpoints.alarms import Alarm
from checkpoints.errors import StorageError
from checkpoints.severity import Severity
from checkpoints.storage import LocalStorage
from tests.actors.supervisor.alarm_hooks import Rounds, raise_alarm, wait_long, webhook


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    wait_long(monkeypatch)


def test_a_webhook_gets_each_alarm_once_as_json(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    with webhook() as hook:
        sinks = AlarmSinks(webhook_url=hook.url)
        rounds = Rounds(storage, sinks)
        assert rounds.round() == 0
        raised = [raise_alarm(storage, "no_decision"), raise_alarm(storage, "feed_stale")]
        for _ in range(3):
            rounds.round(PAUSES.most_ms)
        assert sorted(body["id"] for body in hook.bodies) == sorted(raised)
        assert hook.bodies[0]["action"] == "look at the slot"
        assert hook.bodies[0]["evidence"] == {"due_ms": "7"}
        assert {body["status"] for body in hook.bodies} == {"raised"}
        assert set(hook.kinds) == {"application/json"}
        assert Rounds(storage, sinks, rounds.wire).round() == 0  # another life of the supervisor


def test_an_alarm_that_is_over_is_told_once_with_the_reason(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    with webhook() as hook:
        sinks = AlarmSinks(webhook_url=hook.url)
        rounds = Rounds(storage, sinks)
        identity = raise_alarm(storage)
        rounds.round()
        rounds.clear(identity, "the slot decided again")
        for _ in range(3):
            rounds.round(1_000)
        assert [body["status"] for body in hook.bodies] == ["raised", "resolved"]
        assert hook.bodies[1]["id"] == identity
        assert hook.bodies[1]["reason"] == "the slot decided again"
        assert hook.bodies[1]["who"] == "ann"
        assert hook.keys == [f"{identity}/raised", f"{identity}/resolved"]
        assert Rounds(storage, sinks, rounds.wire).round() == 0


def test_an_end_that_came_while_nobody_watched_is_told_after_the_start(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    with webhook() as hook:
        sinks = AlarmSinks(webhook_url=hook.url)
        rounds = Rounds(storage, sinks)
        old, new = raise_alarm(storage, "feed_stale"), raise_alarm(storage, "no_decision")
        rounds.round()
        rounds.clear(old)
        rounds.wire.now_ms += RESOLVED_WITHIN_MS + 1
        rounds.clear(new)
        Rounds(storage, sinks, rounds.wire).round()
        ends = [body["id"] for body in hook.bodies if body["status"] == "resolved"]
        assert ends == [new], "what was over a day ago is news to nobody"


@pytest.mark.parametrize("status", [301, 400, 401, 404, 429, 500, 503])
def test_a_message_that_is_not_taken_comes_again_later_and_later(
    tmp_path: Path, status: int
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    identity = raise_alarm(storage)
    with webhook() as hook:
        hook.status = status
        rounds = Rounds(storage, AlarmSinks(webhook_url=hook.url))
        assert rounds.round() == 1
        assert rounds.pump.standing.undelivered == 1
        for failures in range(1, 10):
            assert rounds.round(PAUSES.wait_ms(failures) - 1) == 0, "not before its pause"
            assert rounds.round(1) == 1
        hook.status = 200
        assert rounds.round(PAUSES.most_ms) == 1
        assert rounds.pump.standing.undelivered == 0
        assert rounds.round(PAUSES.most_ms) == 0
    assert set(hook.keys) == {f"{identity}/raised"}, "the same message, by its key"
    assert [body["tries"] for body in hook.bodies] == list(range(1, 12))


def test_a_service_that_is_down_for_hours_gets_begin_and_end_when_it_is_back(
    tmp_path: Path,
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    with webhook() as hook:
        url = hook.url
    identity = raise_alarm(storage)
    rounds = Rounds(storage, AlarmSinks(webhook_url=url))
    for _ in range(20):
        rounds.round(PAUSES.most_ms)
    rounds.clear(identity)
    rounds.round(PAUSES.most_ms)
    with webhook() as hook:
        rounds.pump = again_at(rounds, hook.url)
        rounds.round(PAUSES.most_ms)
        assert [body["status"] for body in hook.bodies] == ["raised", "resolved"]


def again_at(rounds: Rounds, url: str) -> SinkPump:
    """Let the same pump reach the service at the address where it is now."""
    rounds.pump._senders.update(senders(AlarmSinks(webhook_url=url)))
    return rounds.pump


def test_an_alarm_that_comes_and_goes_is_told_with_a_count_and_not_each_time(
    tmp_path: Path,
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    with webhook() as hook:
        rounds = Rounds(storage, AlarmSinks(webhook_url=hook.url))
        for _ in range(5):
            rounds.clear(told_alarm(rounds))
            rounds.round(1_000)
        assert rounds.pump._waiting == {}, "nothing is kept of the alarms in between"
        assert [body["status"] for body in hook.bodies] == ["raised", "resolved"]
        raise_alarm(storage)
        rounds.round(1_000)
        assert len(hook.bodies) == 2, "not yet"
        rounds.round(REPEAT_MS)
        assert hook.bodies[-1]["status"] == "raised"
        assert hook.bodies[-1]["before"] == 4


def test_a_repeat_that_ends_while_it_is_handed_over_gets_its_end_too() -> None:
    outbox, now_ms = Outbox(), 1_000.0
    first, second = alarm_message(1), alarm_message(2)
    outbox.put(first, now_ms)
    assert outbox.due(now_ms) is not None
    outbox.taken(first, now_ms)
    outbox.put(second, now_ms)
    now_ms += REPEAT_MS
    handed = outbox.due(now_ms)
    assert handed is not None
    assert handed.key == second.key
    outbox.put(replace(second, status=Status.RESOLVED, key=f"{second.id}/resolved"), now_ms)
    outbox.taken(handed, now_ms)
    end = outbox.due(now_ms)
    assert end is not None, "whoever got the start waits for the end"
    assert end.key == f"{second.id}/resolved"


def alarm_message(number: int) -> Message:
    return raised(
        Alarm(
            id=f"no_decision.btc-5m.{number}",
            kind="no_decision",
            subject="btc-5m",
            severity=Severity.CRITICAL,
            action="look at the slot",
            raised_wire_ms=1,
        )
    )


def told_alarm(rounds: Rounds) -> str:
    identity = raise_alarm(rounds.storage)
    rounds.round()
    return identity


def test_sixteen_slots_are_sixteen_subjects_and_each_is_told(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "storage")
    with webhook() as hook:
        for number in range(16):
            raise_alarm(storage, f"kind_{number}")
        rounds = Rounds(storage, AlarmSinks(webhook_url=hook.url))
        rounds.round()
        assert len(hook.bodies) == 16


def test_a_disk_that_takes_no_mark_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    raise_alarm(storage)

    def full(_name: str, _data: bytes) -> bool:
        raise StorageError("no space left on device")

    with webhook() as hook:
        rounds = Rounds(storage, AlarmSinks(webhook_url=hook.url))
        monkeypatch.setattr(storage, "create", full)
        assert rounds.round() == 1
        assert rounds.round(PAUSES.most_ms) == 0, "this life knows that it was told"
        assert len(hook.bodies) == 1


def test_an_alarm_that_is_not_told_yet_is_told_by_the_next_life(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    raise_alarm(storage)
    with webhook() as hook:
        hook.status = 500
        sinks = AlarmSinks(webhook_url=hook.url)
        Rounds(storage, sinks).round()
        hook.status = 200
        Rounds(storage, sinks).round()
        assert len(hook.bodies) == 2


def test_an_alarm_is_heard_once_though_its_sink_is_down_and_the_supervisor_begins_anew(
    tmp_path: Path,
) -> None:
    """What an alarm leads to, such as a halt that a person has ended since, is not done again."""
    storage = LocalStorage(tmp_path)
    identity = raise_alarm(storage)
    sinks = AlarmSinks(command="exit 1")
    first = Rounds(storage, sinks)
    for _ in range(3):
        first.round(PAUSES.most_ms)
    assert first.heard == [identity]
    second = Rounds(storage, sinks, first.wire)
    assert second.round() == 1, "it is told again"
    assert second.heard == []


def test_an_alarm_whose_hearing_was_cut_off_is_heard_again(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    identity = raise_alarm(storage)
    sinks = AlarmSinks(command="exit 1")
    Rounds(storage, sinks).round()  # and then it dies
    second = Rounds(storage, sinks)
    second.round()
    assert second.heard == [identity]


def test_without_a_sink_nothing_waits(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    raise_alarm(storage)
    rounds = Rounds(storage, AlarmSinks())
    assert rounds.round() == 0
    assert rounds.pump.standing.undelivered == 0
    asyncio.run(asyncio.wait_for(rounds.pump.run(), 10))
