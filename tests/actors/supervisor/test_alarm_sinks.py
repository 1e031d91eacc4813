"""Alarms leave the fleet: a webhook on a loopback server, a command with JSON on its stdin."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from actors.config import AlarmSinks
from actors.supervisor.alarm_sinks import TRIES_MAX, SinkPump
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.severity import Severity
from checkpoints.storage import LocalStorage


class Hook:
    """What a webhook's server was sent, and what it answers."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.kinds: list[str] = []
        self.status = 204
        self.url = ""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for what answers, however busy the machine is."""
    for limit in ("WEBHOOK_SECONDS", "COMMAND_SECONDS"):
        monkeypatch.setattr(f"actors.supervisor.alarm_sinks.{limit}", 90.0)


@contextmanager
def webhook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            hook.bodies.append(json.loads(body))
            hook.kinds.append(self.headers["content-type"])
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/alarms"
    try:
        yield hook
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def raise_alarm(storage: LocalStorage, kind: str = "no_decision") -> str:
    alarm = Alarm(
        kind=kind,
        subject="btc-5m",
        severity=Severity.CRITICAL,
        action="look at the slot",
        evidence={"due_ms": "7"},
        raised_wire_ms=1,
    )
    return AlarmStore(storage).raise_alarm(alarm).alarm.id


def pump(storage: LocalStorage, sinks: AlarmSinks, rounds: int = 1) -> int:
    async def play() -> int:
        pumped = SinkPump(storage, sinks)
        latched = 0
        for _ in range(rounds):
            latched = await pumped.pump(lambda _alarm: None)
        return latched

    return asyncio.run(play())


def test_a_webhook_gets_each_alarm_once_as_json(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    with webhook() as hook:
        sinks = AlarmSinks(webhook_url=hook.url)
        assert pump(storage, sinks) == 0
        raised = [raise_alarm(storage, "no_decision"), raise_alarm(storage, "feed_stale")]
        assert pump(storage, sinks, rounds=3) == 2
        assert sorted(body["id"] for body in hook.bodies) == sorted(raised)
        assert hook.bodies[0]["action"] == "look at the slot"
        assert hook.bodies[0]["evidence"] == {"due_ms": "7"}
        assert set(hook.kinds) == {"application/json"}
        pump(storage, sinks)  # another life of the supervisor
        assert len(hook.bodies) == 2


def test_a_command_gets_the_alarm_on_its_stdin(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "storage")
    said = tmp_path / "said.json"
    identity = raise_alarm(storage)
    pump(storage, AlarmSinks(command=f"cat >> '{said}'"), rounds=2)
    assert json.loads(said.read_text())["id"] == identity


def test_both_sinks_are_used_and_a_webhook_that_fails_is_tried_again(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "storage")
    raise_alarm(storage)
    with webhook() as hook:
        hook.status = 500
        sinks = AlarmSinks(webhook_url=hook.url, command="exit 0")
        pumped = SinkPump(storage, sinks)

        async def play() -> None:
            await pumped.pump(lambda _alarm: None)
            hook.status = 200
            await pumped.pump(lambda _alarm: None)
            await pumped.pump(lambda _alarm: None)

        asyncio.run(play())
        assert len(hook.bodies) == 2


@pytest.mark.parametrize("command", ["exit 3", "no-such-program-anywhere"])
def test_a_command_that_fails_is_tried_so_many_times_and_no_more(
    tmp_path: Path, command: str
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    count = tmp_path / "count"
    raise_alarm(storage)
    pump(storage, AlarmSinks(command=f"echo >> '{count}'; {command}"), rounds=TRIES_MAX + 3)
    assert len(count.read_text()) == TRIES_MAX


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = LocalStorage(tmp_path / "storage")
    raise_alarm(storage)
    pid = tmp_path / "pid"
    pid.touch()
    for seconds in (0.3, 3.0, 30.0):  # on a busy machine a shell takes its time to start
        monkeypatch.setattr("actors.supervisor.alarm_sinks.COMMAND_SECONDS", seconds)
        pump(storage, AlarmSinks(command=f"sleep 600 & echo $! > '{pid}'; wait"))
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


def test_a_webhook_that_nobody_serves_stops_nothing(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    raise_alarm(storage)
    assert pump(storage, AlarmSinks(webhook_url="http://127.0.0.1:9/"), rounds=2) == 1
    assert len(AlarmStore(storage).latched()) == 1
