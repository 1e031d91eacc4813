"""The sandbox exchange as a process of its own: start it, wait until it is ready, reuse, end it."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from actors.clock import LINE, boot_id, wire_ms
from actors.config import SlotConfig, Venue
from actors.market_data.sources.addresses import SourceAddress
from checkpoints.errors import DamagedError
from checkpoints.process_id import ProcessId
from checkpoints.small_file import from_json, read_file
from cluster.config.venue import Deployment
from cluster.errors import ClusterError, SandboxError
from cluster.local.durable_files import write_durably
from cluster.local.environment import child_environment, interpreter
from cluster.local.jobs import WORKING_TREE
from cluster.local.processes import MARK, end_all, marked, wait_until
from cluster.local.state_folder import StateFolder
from signals.market import DEFAULT_SLOTS, Asset, Slot
from signals.market_time import MarketClock

START_LIMIT_SECONDS: Final = 60.0
END_LIMIT_SECONDS: Final = 15.0
DEFAULT_TIMEFRAMES: Final = {str(slot.timeframe) for slot in DEFAULT_SLOTS}
LOG_BYTES_MAX: Final = 5_000_000
"""A log above it is begun anew at the next start."""
OF_EACH_START: Final = frozenset({"--port", "--exchanges-port", "--ready-file", "--state"})
"""Options in which two starts of one fleet may differ."""


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
    exchanges: tuple[SourceAddress, ...] = ()
    """Stand-ins of the exchanges of candles, funding and open interest."""

    @property
    def exchanges_port(self) -> int:
        urls = [urlsplit(one.rest_url).port or 0 for one in self.exchanges]
        return urls[0] if urls else 0

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
    more_assets: tuple[str, ...] = ()
    more_timeframes: tuple[str, ...] = ()
    """Of both: what the fleet's slots need beside what is listed anyway."""
    wall_clock: bool = False
    """Market time is the wall's, as at the venue; only at speed 1."""
    exchanges: bool = False
    """Serve stand-ins of the data exchanges too."""
    claims: bool = False
    """Winnings are to be redeemed, as at the venue."""


def listing_for(
    options: SandboxOptions, slots: Iterable[SlotConfig], more_assets: Iterable[str] = ()
) -> SandboxOptions:
    """Return the options under which sandbox and stand-ins have these slots and assets too."""
    more = [slot for entry in slots if (slot := Slot.parse(entry.slot)) not in DEFAULT_SLOTS]
    return msgspec.structs.replace(
        options,
        more_assets=tuple(sorted({*more_assets, *(str(one.asset) for one in more)} - set(Asset))),
        more_timeframes=tuple(sorted({str(slot.timeframe) for slot in more} - DEFAULT_TIMEFRAMES)),
    )


def read_ready(file: Path) -> SandboxReady:
    """Read the ready file; raise `SandboxError` naming it."""
    try:
        return from_json(read_file(file), SandboxReady, str(file))
    except FileNotFoundError:
        raise SandboxError(
            f"{file} is missing: the sandbox exchange is not ready; `midstride doctor` says more"
        ) from None
    except (DamagedError, OSError) as error:
        raise SandboxError(f"{file} is not a sandbox's ready file: {error}") from error


def deployment_from(ready: SandboxReady, storage: Path, key_file: Path | None) -> Deployment:
    """Return what a configuration file cannot know, as a start knows it."""
    return Deployment(
        storage=str(storage.resolve()),
        clock=ready.clock,
        venue=ready.venue,
        exchanges=ready.exchanges,
        private_key_file=str(key_file.resolve()) if key_file else None,
    )


def ensure_sandbox(state: StateFolder, options: SandboxOptions) -> SandboxReady:
    """Return the living sandbox's facts, or start one; raise `SandboxError` with its last lines."""
    wanted = sandbox_command(state, options)
    record = state.read_run()
    if record.sandbox is not None and record.sandbox.alive and state.sandbox_ready.exists():
        other = differences(record.sandbox_command, wanted)
        if other:
            raise SandboxError(refusal(state, other))
        return read_ready(state.sandbox_ready)
    end_sandbox(state)
    return _start(state, wanted)


def use_real_venue(state: StateFolder) -> None:
    """Write the facts of a fleet without a sandbox: no addresses of ours, and the real time."""
    end_sandbox(state)
    state.update_run(sandbox_command=())
    now_ms = int(wire_ms())
    ready = SandboxReady(
        pid=os.getpid(),
        port=0,
        urls={},
        speed=1,
        anchor_wire_ms=now_ms,
        anchor_market_ms=now_ms,
        anchor_boot_ms=now_ms - int(LINE.over_boot_ms),
        anchor_boot_id=boot_id(),
    )
    write_durably(state.sandbox_ready, msgspec.json.encode(ready))


def start_again(state: StateFolder) -> SandboxReady:
    """Start a sandbox that died as it was started before; its state is on disk.

    A fleet may go on meanwhile by the clock that it was told, so the clock goes on too.
    """
    command = state.read_run().sandbox_command
    end_sandbox(state)
    try:
        ready = read_ready(state.sandbox_ready)
    except SandboxError:
        return _start(state, command)
    clock = ("--clock", str(ready.anchor_wire_ms), str(ready.anchor_market_ms))
    return _start(state, command, clock)


def _start(state: StateFolder, command: Sequence[str], clock: Sequence[str] = ()) -> SandboxReady:
    command = _on_its_port(state, command)
    state.sandbox_ready.unlink(missing_ok=True)
    log = state.logs / "sandbox.log"
    with log.open("wb" if log.exists() and log.stat().st_size > LOG_BYTES_MAX else "ab") as stream:
        child = subprocess.Popen(  # noqa: S603 our own module with checked arguments
            [*command, *clock],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**child_environment(os.environ), MARK: f"{state.owner}#sandbox"},
            cwd=WORKING_TREE,
            start_new_session=True,
        )
    sandbox = ProcessId.of(child.pid)
    state.update_run(sandbox=sandbox, sandbox_command=tuple(command))
    wait_until(lambda: state.sandbox_ready.exists() or not sandbox.alive, START_LIMIT_SECONDS)
    if not sandbox.alive or not state.sandbox_ready.exists():
        end_sandbox(state)
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
        raise SandboxError(f"the sandbox exchange did not start; {log} ends with:\n{tail}")
    return read_ready(state.sandbox_ready)


def differences(running: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the options in which a start differs from the one that runs, as it runs with them."""
    ours, theirs = _options(wanted), _options(running)
    return [
        f"{name.removeprefix('--')} {theirs.get(name, 'not set')} (asked: {value or 'not set'})"
        for name, value in {**dict.fromkeys(theirs, ""), **ours}.items()
        if theirs.get(name, "") != value and name not in OF_EACH_START
    ]


def refusal(state: StateFolder, other: Sequence[str]) -> str:
    return (
        f"a fleet runs in {state.root} with {', '.join(other)}. It goes on as it was: start with "
        "the same options to watch it, or `midstride stop` first"
    )


def _options(command: Sequence[str]) -> dict[str, str]:
    pairs = (word.partition("=") for word in command if word.startswith("--"))
    return {name: value or "set" for name, _, value in pairs}


def _on_its_port(state: StateFolder, command: Sequence[str]) -> list[str]:
    """Keep the ports of the last start: the fleet's configuration names them."""
    try:
        ready = read_ready(state.sandbox_ready)
    except SandboxError:
        return list(command)
    kept = {
        "--port=0": f"--port={ready.port}",
        "--exchanges-port=0": f"--exchanges-port={ready.exchanges_port}",
    }
    return [kept.get(word, word) for word in command]


def end_sandbox(state: StateFolder) -> None:
    """End the sandbox that this fleet started."""
    record = state.read_run()
    if record.sandbox is not None:
        record.sandbox.signal(signal.SIGTERM)
    grace = END_LIMIT_SECONDS if record.sandbox is not None and record.sandbox.alive else 0.0
    end_all(lambda: marked(f"{state.owner}#sandbox"), grace)
    if record.sandbox is not None:
        with contextlib.suppress(ClusterError):  # a full disk; the name of a dead one harms nobody
            state.update_run(sandbox=None)


def sandbox_command(state: StateFolder, options: SandboxOptions) -> list[str]:
    command = [
        interpreter(),
        "-m",
        "cluster.sandbox",
        f"--state={state.sandbox}",
        f"--port={options.port}",
        f"--speed={options.speed}",
        f"--seed={options.seed}",
        f"--ready-file={state.sandbox_ready}",
    ]
    if options.wall_clock:
        command.append("--market-clock=wall")
    if options.claims:
        command.append("--claims")
    if options.exchanges:
        command.append("--exchanges-port=0")
    for name, values in (("assets", options.more_assets), ("timeframes", options.more_timeframes)):
        if values:
            command.append(f"--more-{name}={','.join(values)}")
    return [*command, f"--tape={options.tape.resolve()}"] if options.tape else command
