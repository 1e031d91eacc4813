"""The sandbox exchange as a process of its own: start it, wait until it is ready, reuse, end it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from actors.config import Venue
from cluster.errors import SandboxError
from cluster.jobs import WORKING_TREE
from cluster.processes import MARK, end_all, marked, record_of, signal_process, wait_until
from cluster.state_folder import StateFolder
from signals.market_time import MarketClock

START_LIMIT_SECONDS: Final = 60.0
END_LIMIT_SECONDS: Final = 15.0


class SeriesSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where one price series of one asset comes from."""

    asset: str
    series: str
    source: str
    note: str = ""


class SandboxReady(msgspec.Struct, frozen=True, kw_only=True):
    """What the sandbox process writes once it serves."""

    pid: int
    port: int
    urls: dict[str, str]
    """Fields of `actors.config.Venue`, and the admin door's."""
    speed: int
    anchor_wire_ms: int
    anchor_market_ms: int
    anchor_boot_ms: int = 0
    anchor_boot_id: str = ""
    provenance: tuple[SeriesSource, ...] = ()
    notice: str = ""

    @property
    def venue(self) -> dict[str, str]:
        known = {field.name for field in msgspec.structs.fields(Venue)}
        return {name: url for name, url in self.urls.items() if name in known}

    def sources(self) -> Iterator[str]:
        """Yield a line for each series: which assets are from the tape, which generated."""
        for series in dict.fromkeys(entry.series for entry in self.provenance):
            by_source: dict[str, list[str]] = {}
            for entry in self.provenance:
                if entry.series == series and entry.asset not in by_source.get(entry.source, []):
                    by_source.setdefault(entry.source, []).append(entry.asset)
            parts = [f"{source} for {' '.join(assets)}" for source, assets in by_source.items()]
            yield f"{series}: {', '.join(parts)}"

    @property
    def clock(self) -> MarketClock:
        return MarketClock(
            speed=self.speed,
            anchor_wire_ms=self.anchor_wire_ms,
            anchor_market_ms=self.anchor_market_ms,
            anchor_boot_ms=self.anchor_boot_ms,
            anchor_boot_id=self.anchor_boot_id,
        )


class SandboxOptions(msgspec.Struct, frozen=True, kw_only=True):
    speed: int = 30
    seed: int = 1
    tape: Path | None = None
    port: int = 0
    """0: one that the system gives, kept by the sandbox for its next start."""


def read_ready(file: Path) -> SandboxReady:
    """Read the ready file; raise `SandboxError` naming it."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=SandboxReady)
    except FileNotFoundError:
        raise SandboxError(f"{file} does not exist; the sandbox is not ready") from None
    except msgspec.MsgspecError as error:
        raise SandboxError(f"{file} is not a sandbox's ready file: {error}") from error


def ensure_sandbox(state: StateFolder, options: SandboxOptions) -> SandboxReady:
    """Return the living sandbox's facts, or start one; raise `SandboxError` with its last lines."""
    record = state.read_run()
    if record.sandbox is not None and record.sandbox.alive and state.sandbox_ready.exists():
        return _same_speed(read_ready(state.sandbox_ready), options)
    end_sandbox(state)
    options = _same_port(state, options)
    state.sandbox_ready.unlink(missing_ok=True)
    log = state.logs / "sandbox.log"
    with log.open("ab") as stream:
        child = subprocess.Popen(  # noqa: S603 our own module with checked arguments
            _command(state, options),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, MARK: f"{state.owner}#sandbox"},
            cwd=WORKING_TREE,
            start_new_session=True,
        )
    sandbox = record_of(child.pid)
    state.write_run(msgspec.structs.replace(state.read_run(), sandbox=sandbox))
    wait_until(lambda: state.sandbox_ready.exists() or not sandbox.alive, START_LIMIT_SECONDS)
    if not sandbox.alive or not state.sandbox_ready.exists():
        end_sandbox(state)
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
        raise SandboxError(f"the sandbox exchange did not start; {log} ends with:\n{tail}")
    return read_ready(state.sandbox_ready)


def _same_speed(ready: SandboxReady, options: SandboxOptions) -> SandboxReady:
    if ready.speed != options.speed:
        raise SandboxError(
            f"a sandbox at speed {ready.speed} runs here: `make stop` first, or SPEED={ready.speed}"
        )
    return ready


def _same_port(state: StateFolder, options: SandboxOptions) -> SandboxOptions:
    """Keep the port of the last start: the fleet's configuration names it."""
    if options.port or not state.sandbox_ready.exists():
        return options
    return msgspec.structs.replace(options, port=read_ready(state.sandbox_ready).port)


def end_sandbox(state: StateFolder) -> None:
    """End the sandbox that this fleet started."""
    record = state.read_run()
    if record.sandbox is not None:
        signal_process(record.sandbox, signal.SIGTERM)
    grace = END_LIMIT_SECONDS if record.sandbox is not None and record.sandbox.alive else 0.0
    end_all(lambda: marked(f"{state.owner}#sandbox"), grace)
    if record.sandbox is not None:
        state.write_run(msgspec.structs.replace(record, sandbox=None))


def _command(state: StateFolder, options: SandboxOptions) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "cluster.sandbox",
        f"--state={state.sandbox}",
        f"--port={options.port}",
        f"--speed={options.speed}",
        f"--seed={options.seed}",
        f"--ready-file={state.sandbox_ready}",
    ]
    return [*command, f"--tape={options.tape.resolve()}"] if options.tape else command
