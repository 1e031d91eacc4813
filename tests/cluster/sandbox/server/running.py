"""Run a sandbox's application on a free port of loopback, in a thread, for one test."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep, time_ns

import httpx
import msgspec

from cluster.sandbox.auth import AccountFile
from cluster.sandbox.clock import ClockFile
from cluster.sandbox.exchange import Exchange
from cluster.sandbox.server import serving
from cluster.sandbox.server.serving import Ready, Urls
from cluster.sandbox.server.world import World
from tests.cluster.sandbox.server.examples import OPEN_MS

WAIT_S = 90.0
START_S = 180.0


class SilentLedger:
    """Counts what a real ledger would put on the disk."""

    def __init__(self) -> None:
        self.syncs = 0
        self.closed = False

    def sync(self) -> None:
        self.syncs += 1

    def close(self) -> None:
        self.closed = True


class Running:
    def __init__(self, world: World, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self.world = world
        self.urls: Urls = serving.urls_of(port)
        self.port = port
        self._loop = loop

    def publish(self, *events: object) -> None:
        """Let the exchange say something now, on the server's own thread."""

        async def deliver() -> None:
            self.world.exchange.events.extend(events)
            self.world.commit()

        asyncio.run_coroutine_threadsafe(deliver(), self._loop).result(WAIT_S)

    def fault(self, **fields: object) -> int | None:
        url = f"{self.urls.admin_url}/faults"
        answer = httpx.post(url, json=fields, verify=False, timeout=WAIT_S)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]


def make_world(exchange: Exchange, folder: Path) -> World:
    clock = ClockFile.resume(
        folder, speed=30, start_market_ms=OPEN_MS, wire_ms=time_ns() // 1_000_000
    )
    return World(exchange, clock, SilentLedger(), AccountFile(folder), seed=7)


@contextlib.contextmanager
def running(exchange: Exchange, folder: Path) -> Iterator[Running]:
    """Serve until the block ends."""
    world = make_world(exchange, folder)
    listener = serving.listen(0)
    port = listener.getsockname()[1]
    started: list[asyncio.AbstractEventLoop] = []
    up, stop = threading.Event(), []

    async def serve() -> None:
        server = serving.make_server(world)
        await server.startup(sockets=[listener])
        started.append(asyncio.get_running_loop())
        stop.append(server)
        up.set()
        await server.main_loop()
        await server.shutdown(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(START_S)
    try:
        yield Running(world, port, started[0])
    finally:
        stop[0].should_exit = True
        thread.join(WAIT_S)


@contextlib.contextmanager
def process(folder: Path, *options: str, ends_with: int = 0) -> Iterator[Ready]:
    """Run ``python -m cluster.sandbox`` until the block ends; it must then exit as expected.

    What it says goes to ``log.txt`` in the folder.
    """
    ready_file = folder / "ready.json"
    ready_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "cluster.sandbox", "--state", str(folder / "state")]
    command += ["--ready-file", str(ready_file), *options]
    with (folder / "log.txt").open("ab") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = monotonic() + START_S
        while not ready_file.exists():
            assert child.poll() is None, (folder / "log.txt").read_text()
            assert monotonic() < deadline, "the sandbox does not serve"
            sleep(0.02)
        yield msgspec.json.decode(ready_file.read_bytes(), type=Ready)
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        assert child.wait(WAIT_S) == ends_with
