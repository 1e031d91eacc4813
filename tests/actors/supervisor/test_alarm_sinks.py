"""Alarms leave the fleet: a webhook on a loopback server, a command with JSON on its stdin.

The server fails, hangs, answers 500, drips, is down for a while: a message comes again until it is
taken, and nothing else waits for it.
"""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from actors.config import AlarmSinks
from actors.supervisor.alarm_messages import PAUSES, REPEAT_MS, RESOLVED_WITHIN_MS, TRIES_MAX
from actors.supervisor.alarm_sinks import SinkPump
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
        self.keys: list[str] = []
        self.hangs: threading.Event | None = None
        """Until then nothing is answered."""
        self.drips = False


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for what answers, however busy the machine is."""
    for limit in ("WEBHOOK_SECONDS", "COMMAND_SECONDS"):
        monkeypatch.setattr(f"actors.supervisor.alarm_senders.{limit}", 90.0)


@contextmanager
def webhook() -> Iterator[Hook]:
    hook = Hook()
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            hook.bodies.append(json.loads(body))
            hook.kinds.append(self.headers["content-type"])
            hook.keys.append(self.headers["idempotency-key"])
            if hook.hangs is not None:
                hook.hangs.wait(90)
            if hook.drips:
                self._drip()
                return
            self.send_response(hook.status)
            self.end_headers()

        def _drip(self) -> None:
            """Send a byte of an answer's head now and then, without an end."""
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
                while not stopped.wait(0.02):
                    self.wfile.write(b"x")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/alarms"
    try:
        yield hook
    finally:
        stopped.set()
        server.shutdown()
        serving.join()
        server.server_close()


class Wire:
    """The clock of a test."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now_ms


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


class Rounds:
    """A pump whose sinks are served by hand, on a clock of the test's own."""

    def __init__(self, storage: LocalStorage, sinks: AlarmSinks, wire: Wire | None = None) -> None:
        self.storage = storage
        self.wire = wire or Wire()
        self.heard: list[str] = []
        self.pump = SinkPump(storage, sinks, self.wire)

    def round(self, wait_ms: float = 0) -> int:
        """Let time pass, read the alarms, hand over what is due; return how many were tried."""
        self.wire.now_ms += wait_ms
        return asyncio.run(self._round())

    async def _round(self) -> int:
        await self.pump.pump(lambda alarm: self.heard.append(alarm.id))
        tried = 0
        for name in self.pump.sinks:
            while await self.pump.send_one(name):
                tried += 1
        return tried

    def clear(self, identity: str, reason: str = "seen") -> None:
        AlarmStore(self.storage).clear(identity, reason, "ann", int(self.wire.now_ms))


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


def test_a_command_gets_the_alarm_on_its_stdin(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "storage")
    said = tmp_path / "said.json"
    identity = raise_alarm(storage)
    rounds = Rounds(storage, AlarmSinks(command=f"cat >> '{said}'"))
    assert (rounds.round(), rounds.round()) == (1, 0)
    assert json.loads(said.read_text())["id"] == identity


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
    from actors.supervisor.alarm_sinks import senders

    rounds.pump._senders.update(senders(AlarmSinks(webhook_url=url)))
    return rounds.pump


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


def test_an_alarm_that_comes_and_goes_is_told_with_a_count_and_not_each_time(
    tmp_path: Path,
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    with webhook() as hook:
        rounds = Rounds(storage, AlarmSinks(webhook_url=hook.url))
        for _ in range(5):
            rounds.clear(told_alarm(rounds))
            rounds.round(1_000)
        assert [body["status"] for body in hook.bodies] == ["raised", "resolved"]
        raise_alarm(storage)
        rounds.round(1_000)
        assert len(hook.bodies) == 2, "not yet"
        rounds.round(REPEAT_MS)
        assert hook.bodies[-1]["status"] == "raised"
        assert hook.bodies[-1]["before"] == 4


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


def test_a_disk_that_takes_no_mark_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from checkpoints.errors import StorageError

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
