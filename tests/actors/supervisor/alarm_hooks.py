"""What tests of alarms share: a webhook on a loopback server, a clock, a pump served by hand."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from actors.config import AlarmSinks
from actors.supervisor.alarm_sinks import SinkPump
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.severity import Severity
from checkpoints.storage import LocalStorage
from tests.loopback_server import served


def wait_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for what answers, however busy the machine is."""
    for limit in ("WEBHOOK_SECONDS", "COMMAND_SECONDS"):
        monkeypatch.setattr(f"actors.supervisor.alarm_senders.{limit}", 90.0)


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

    with served(Handler) as address:
        hook.url = f"http://{address}/alarms"
        try:
            yield hook
        finally:
            stopped.set()


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
