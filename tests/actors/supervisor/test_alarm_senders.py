"""A webhook on a loopback server and a command with JSON on its stdin, well and faulty.

The server hangs, drips or is not there; the command fails, hangs or cannot be started: a message
comes again until it is taken, and nothing else waits for it.
"""

import asyncio
import json
import threading
import time
from pathlib import Path

import pytest

from actors.config import AlarmSinks
from actors.supervisor.alarm_messages import PAUSES, TRIES_MAX
from actors.supervisor.alarm_sinks import SinkPump
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from tests.actors.supervisor.alarm_hooks import Rounds, raise_alarm, wait_long, webhook


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    wait_long(monkeypatch)


def test_a_command_gets_the_alarm_on_its_stdin(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "storage")
    said = tmp_path / "said.json"
    identity = raise_alarm(storage)
    rounds = Rounds(storage, AlarmSinks(command=f"cat >> '{said}'"))
    assert (rounds.round(), rounds.round()) == (1, 0)
    assert json.loads(said.read_text())["id"] == identity


@pytest.mark.parametrize("command", ["exit 3", "no-such-program-anywhere", "kill -9 $$"])
def test_a_command_that_fails_is_tried_so_many_times_and_no_more(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.supervisor.alarm_messages.TRIES_MAX", 4)
    assert TRIES_MAX * PAUSES.most_ms > 86_400_000, "a day"
    storage = LocalStorage(tmp_path / "storage")
    count = tmp_path / "count"
    identity = raise_alarm(storage)
    rounds = Rounds(storage, AlarmSinks(command=f"echo >> '{count}'; {command}"))
    for _ in range(7):
        rounds.round(PAUSES.most_ms)
    assert len(count.read_text()) == 4
    assert [state.alarm.id for state in AlarmStore(storage).latched()] == [identity]


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = LocalStorage(tmp_path / "storage")
    raise_alarm(storage)
    pid = tmp_path / "pid"
    pid.touch()
    for seconds in (0.3, 3.0, 30.0):  # on a busy machine a shell takes its time to start
        monkeypatch.setattr("actors.supervisor.alarm_senders.COMMAND_SECONDS", seconds)
        Rounds(storage, AlarmSinks(command=f"sleep 600 & echo $! > '{pid}'; wait")).round()
        if pid.read_text():
            break
    stat = Path(f"/proc/{pid.read_text().strip()}/stat")
    deadline = time.monotonic() + 90
    while _lives(stat):
        assert time.monotonic() < deadline, "what the shell has started lives on"
        time.sleep(0.01)


def _lives(stat: Path) -> bool:
    """Tell whether a process runs: one that was killed takes a moment to go."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("way", ["hangs", "drips"])
def test_a_webhook_that_takes_and_never_answers_ends_at_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    raise_alarm(storage)
    monkeypatch.setattr("actors.supervisor.alarm_senders.WEBHOOK_SECONDS", 0.3)
    with webhook() as hook:
        hook.hangs = threading.Event() if way == "hangs" else None
        hook.drips = way == "drips"
        rounds = Rounds(storage, AlarmSinks(webhook_url=hook.url))
        assert rounds.round() == 1
        assert rounds.pump.standing.undelivered == 1
        if hook.hangs is not None:
            hook.hangs.set()


def test_a_webhook_that_hangs_delays_neither_the_command_nor_the_next_alarm(
    tmp_path: Path,
) -> None:
    """The supervisor's own tasks: the webhook hangs for as long as the test lasts."""
    storage = LocalStorage(tmp_path / "storage")
    told = tmp_path / "told"
    told.touch()
    heard: list[str] = []
    with webhook() as hook:
        hook.hangs = threading.Event()
        pump = SinkPump(storage, AlarmSinks(webhook_url=hook.url, command=f"cat >> '{told}'"))

        async def play() -> None:
            serving = asyncio.create_task(pump.run())
            for kind in ("no_decision", "feed_stale", "clock_set"):
                raise_alarm(storage, kind)
                await pump.pump(lambda alarm: heard.append(alarm.kind))
                assert heard[-1] == kind, "the alarm is seen although the webhook hangs"
                await asyncio.to_thread(await_text, told, kind)
            serving.cancel()
            await asyncio.wait([serving])

        asyncio.run(asyncio.wait_for(play(), 120))
        assert len(hook.bodies) <= 1, "the webhook still has the first one"
        hook.hangs.set()


def await_text(file: Path, text: str) -> None:
    deadline = time.monotonic() + 90
    while text not in file.read_text():
        assert time.monotonic() < deadline, f"{text} was not told"
        time.sleep(0.01)


def test_the_webhooks_address_comes_from_a_file_of_its_owner_alone(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "storage")
    raise_alarm(storage)
    file = tmp_path / "url"
    with webhook() as hook:
        rounds = Rounds(storage, AlarmSinks(webhook_url_file=str(file)))
        for mode, text in ((None, ""), (0o644, hook.url), (0o600, ""), (0o600, "a b")):
            if mode is not None:
                file.write_text(text)
                file.chmod(mode)
            assert rounds.round(PAUSES.most_ms) == 1
            assert hook.bodies == [], (mode, text)
        file.write_text(f"{hook.url}\n")
        file.chmod(0o600)
        rounds.round(PAUSES.most_ms)
        assert len(hook.bodies) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "nonsense", "http://[", "ftp://a/", ""])
def test_an_address_at_which_nobody_serves_stops_nothing(tmp_path: Path, url: str) -> None:
    storage = LocalStorage(tmp_path)
    raise_alarm(storage)
    rounds = Rounds(storage, AlarmSinks(webhook_url=url))
    rounds.round()
    rounds.round(PAUSES.most_ms)
    assert len(rounds.pump.standing.alarms) == 1
    assert len(rounds.heard) == 1


def test_no_log_line_holds_the_address(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    storage = LocalStorage(tmp_path)
    raise_alarm(storage)
    Rounds(storage, AlarmSinks(webhook_url="http://127.0.0.1:9/token-of-a-service")).round()
    assert "alarm_webhook_failed" in caplog.text
    assert "token-of-a-service" not in caplog.text


def test_a_machine_that_makes_no_process_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    raise_alarm(storage)
    told = tmp_path / "told"
    rounds = Rounds(storage, AlarmSinks(command=f"cat > '{told}'"))

    async def refuse(*_: object, **__: object) -> None:
        raise OSError("resource temporarily unavailable")

    with monkeypatch.context() as full:
        full.setattr(asyncio, "create_subprocess_shell", refuse)
        assert rounds.round() == 1
    assert rounds.round(PAUSES.most_ms) == 1
    assert told.exists()
