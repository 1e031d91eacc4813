"""The real sandbox exchange as a process of a test's own, and a configuration that uses it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from actors.config import FleetConfig, Mode, SlotConfig, Timing, Venue
from actors.venue.key_kinds import THROW_AWAY
from signals.market import DEFAULT_SLOTS, Slot
from signals.market_time import MarketClock
from signals.params import load_params

START_LIMIT_S = 180.0
END_LIMIT_S = 90.0
ANSWER_LIMIT_S = 90.0
TEST_KEY = THROW_AWAY + "11" * 25
"""A key of nobody's, for tests only."""


@dataclass(frozen=True)
class Sandbox:
    process: subprocess.Popen[bytes]
    urls: dict[str, str]
    clock: MarketClock
    folder: Path

    def venue(self) -> Venue:
        key_file = self.folder / "key"
        key_file.write_text(TEST_KEY)
        key_file.chmod(0o600)
        fields = {k: v for k, v in self.urls.items() if k in Venue.__struct_fields__}
        return Venue(**fields, private_key_file=str(key_file))

    def config(
        self, slots: tuple[Slot, ...] = DEFAULT_SLOTS, timing: Timing | None = None
    ) -> FleetConfig:
        return FleetConfig(
            timing=timing or Timing(),
            mode=Mode.SANDBOX,
            storage=str(self.folder / "storage"),
            clock=self.clock,
            venue=self.venue(),
            slots=tuple(SlotConfig(slot=str(slot)) for slot in slots),
            params=load_params(""),
        )


@contextmanager
def sandbox(folder: Path, *options: str, speed: int = 30) -> Iterator[Sandbox]:
    """Serve on a free loopback port until the block ends."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "cluster.sandbox", "--state", str(folder / "exchange")]
    command += ["--port", "0", "--speed", str(speed), "--seed", "1", "--ready-file", str(ready)]
    command += options
    with (folder / "sandbox.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_for(ready, process)
            said = json.loads(ready.read_text())
            clock = MarketClock(
                speed=said["speed"],
                anchor_wire_ms=said["anchor_wire_ms"],
                anchor_market_ms=said["anchor_market_ms"],
            )
            yield Sandbox(process, said["urls"], clock, folder)
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGTERM)
            try:
                process.wait(END_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(ready: Path, process: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + START_LIMIT_S
    while not (ready.exists() and ready.stat().st_size):
        assert process.poll() is None, "the sandbox ended before it was ready"
        assert time.monotonic() < limit, "the sandbox is not ready in time"
        time.sleep(0.05)


def admin(exchange: Sandbox, method: str, path: str, body: object = None) -> Any:
    """Ask the sandbox's admin door."""
    request = urllib.request.Request(
        exchange.urls["admin_url"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
    )
    with urllib.request.urlopen(request, timeout=ANSWER_LIMIT_S) as answer:
        return json.loads(answer.read() or b"null")


def fault(exchange: Sandbox, kind: str, route: str = "*", **fields: object) -> None:
    admin(exchange, "POST", "/faults", {"kind": kind, "route": route, **fields})


def store_config(config: FleetConfig) -> str:
    """Write the configuration where actors read it; return the storage root."""
    folder = Path(config.storage) / "config"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "current.json").write_bytes(msgspec.json.encode(config))
    return config.storage
