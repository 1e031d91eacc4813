"""`doctor`: look at all that a fleet needs on this machine and say what to do about each fault."""

import asyncio
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from actors.clock import wall_ms
from actors.config import FleetConfig, Mode
from actors.runtime import load_config
from actors.venue.connect import adapter_of
from actors.venue.keys import PrivateKeyError
from actors.venue.preflight import problems
from checkpoints.errors import DamagedError
from checkpoints.storage import LocalStorage
from cluster.config.load import DEFAULT_FILE
from cluster.config.offline import read_offline
from cluster.daily_audit import records
from cluster.daily_audit.finding import audit_finding
from cluster.errors import ClusterError
from cluster.halting.drill import drill_finding, last_drill
from cluster.local.account_check import needs_of, ours_in
from cluster.local.account_findings import account_findings
from cluster.local.environment import file_limit_problem
from cluster.local.findings import Finding, fault, note, ok
from cluster.local.head import answers, head_processes, read_token
from cluster.local.services import services_of
from cluster.local.state_folder import StateFolder
from cluster.local.state_lock import holder
from cluster.local.storage_findings import check_storage
from cluster.status.standing import standing
from cluster.terminal.counting import counted

PYTHON_MIN: Final = (3, 11)
VENUE_SECONDS: Final = 5.0
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def examine(state: StateFolder, named: Path | None) -> Iterator[Finding]:
    """Yield one finding per check; none of them changes anything but a probe file.

    `named`: a configuration file that the operator points at. Without one the fleet that was
    launched here is examined, else the file of the first steps.
    """
    stored = _stored(state)
    config = named or DEFAULT_FILE
    launched = stored if named is None and isinstance(stored, FleetConfig) else None
    yield check_python(sys.version_info[:2])
    yield check_configuration(config) if launched is None else _as_launched(launched)
    yield check_folder(state)
    yield check_token(state)
    yield check_limits(_slots_in(config) if launched is None else len(launched.slots))
    yield from check_head(state)
    yield from check_standing(state)
    yield drill_finding(last_drill(state), int(wall_ms()))
    yield audit_finding(records.latest(LocalStorage(state.storage)), int(wall_ms()))
    fleet = stored or _unstarted(config, state)
    if isinstance(fleet, Finding):
        yield fleet
        yield from check_storage(state)
        return
    if fleet is None:
        yield note("fleet", f"none was launched in {state.root} yet; `midstride run` does it")
        return
    if fleet is stored and named is not None:
        yield from _not_the_named(fleet, named)
    yield check_key(fleet)
    if fleet.mode is not Mode.SANDBOX or exchange_runs(state):
        yield asyncio.run(check_venue(fleet))
        yield from asyncio.run(check_services(fleet))
        if fleet.mode is Mode.LIVE:
            yield from check_account(state, fleet)
    else:
        yield note("venue", "the sandbox exchange does not run, so it is not asked")
    yield from check_storage(state)


def check_python(version: tuple[int, ...]) -> Finding:
    text = ".".join(str(part) for part in version)
    if version < PYTHON_MIN:
        return fault("python", f"{text}; 3.11 or later is needed: make run PYTHON=python3.11")
    return ok("python", text)


def check_configuration(config: Path) -> Finding:
    try:
        found, _ = read_offline(config)
    except ClusterError as error:
        return fault("configuration", str(error))
    return ok("configuration", f"{config}, {counted(len(found.slots), 'slot')}")


def check_folder(state: StateFolder) -> Finding:
    try:
        state.prepare()
    except ClusterError as error:
        return fault("state folder", str(error))
    return ok("state folder", str(state.root))


def check_token(state: StateFolder) -> Finding:
    if not state.token.exists():
        return note("token", "none yet; made at the first start")
    try:
        read_token(state.token)
    except (OSError, ValueError) as error:
        return fault("token", f"{error}: `midstride stop`, then `midstride run` makes it again")
    if state.token.stat().st_mode & OTHERS:
        return fault("token", f"others may read {state.token}: chmod 600 {state.token}")
    return ok("token", f"{state.token}, readable by you only")


def _as_launched(fleet: FleetConfig) -> Finding:
    said = f"as this fleet was launched: mode {fleet.mode}, {counted(len(fleet.slots), 'slot')}"
    return ok("configuration", f"{said} (`midstride config show --running`)")


def _not_the_named(fleet: FleetConfig, named: Path) -> Iterator[Finding]:
    """Say whose services the rows below are of, where a named file is of another mode."""
    try:
        mode = read_offline(named)[0].mode
    except ClusterError:
        return  # said of the configuration
    if mode is not fleet.mode:
        yield note(
            "services",
            f"those of the {fleet.mode} fleet that was launched here; to examine the {mode} "
            "configuration, name a folder of its own with --state",
        )


def _slots_in(config: Path) -> int:
    try:
        return len(read_offline(config)[0].slots)
    except ClusterError:
        return 0  # said of the configuration


def check_limits(slots: int) -> Finding:
    problem = file_limit_problem(slots)
    return ok("open files", "enough") if problem is None else fault("open files", problem)


def exchange_runs(state: StateFolder) -> bool:
    record = state.read_run()
    return record.sandbox is not None and record.sandbox.alive


def check_standing(state: StateFolder) -> Iterator[Finding]:
    """Yield who runs, watches, or just now starts or ends this fleet."""
    by = holder(state)
    if by is not None:
        yield note("now", f"`{by.command}` (pid {by.process.pid}) starts or ends the fleet")
    told = standing(state.read_run())
    if told is not None:
        yield note("fleet", told)


def check_head(state: StateFolder) -> Iterator[Finding]:
    record = state.read_run()
    left = head_processes(state)
    if record.head is None or not record.head.alive:
        if left:
            pids = ", ".join(str(entry.pid) for entry in left[:5])
            yield fault(
                "Ray head",
                f"gone, but {len(left)} of its processes live ({pids}): `midstride stop` ends them",
            )
        else:
            yield note("Ray head", "not running")
    elif answers(state, record.ports):
        yield ok("Ray head", f"pid {record.head.pid}, {counted(len(left), 'process', 'processes')}")
    else:
        said = f"pid {record.head.pid} does not answer: `midstride stop`, then `midstride run`"
        yield fault("Ray head", said)
    if record.sandbox is not None:
        alive = record.sandbox.alive
        yield (
            ok("sandbox", f"pid {record.sandbox.pid}") if alive else note("sandbox", "not running")
        )


def check_key(fleet: FleetConfig) -> Finding:
    try:
        adapter_of(fleet).check_key(fleet)
    except PrivateKeyError as error:
        return fault("trading key", str(error))
    return ok("trading key", "readable by you only, well formed")


async def check_venue(fleet: FleetConfig) -> Finding:
    reads = adapter_of(fleet).public(fleet, VENUE_SECONDS)
    try:
        before = wall_ms()
        found = await reads.server_time_ms()
        after = wall_ms()
    finally:
        await reads.close()
    if not isinstance(found, int):
        return fault("venue", f"{fleet.venue.clob_url} does not answer: {found.reason}")
    skew_ms = round(found - (before + after) / 2)
    if abs(skew_ms) > fleet.timing.clock_skew_limit_ms:
        return fault(
            "clock",
            f"{skew_ms} ms from the venue's, limit {fleet.timing.clock_skew_limit_ms}: set the "
            "machine's clock (timedatectl set-ntp true)",
        )
    return ok("venue", f"answers in {after - before:.0f} ms, clock differs by {skew_ms} ms")


def check_account(state: StateFolder, fleet: FleetConfig) -> Iterator[Finding]:
    """Yield what the venue says of a live fleet's account; takes some seconds, changes nothing."""
    head = state.read_run().head
    runs = head is not None and head.alive
    ours = msgspec.structs.replace(ours_in(LocalStorage(state.storage)), beats=runs)
    report = asyncio.run(adapter_of(fleet).examine(fleet, VENUE_SECONDS))
    yield from account_findings(report, problems(report, needs_of(fleet), ours))


async def check_services(fleet: FleetConfig) -> list[Finding]:
    async with services_of(fleet) as services:
        return await services.findings()


def _unstarted(config: Path, state: StateFolder) -> FleetConfig | None:
    """Return the fleet that a file describes where its addresses are real: before its first start.

    The sandbox's addresses are known when it runs.
    """
    try:
        found, _ = read_offline(config)
    except ClusterError:
        return None
    if found.mode is Mode.SANDBOX or urlsplit(found.venue.clob_url).scheme != "https":
        return None
    return msgspec.structs.replace(found, storage=str(state.storage))


def _stored(state: StateFolder) -> FleetConfig | Finding | None:
    try:
        return load_config(str(state.storage))
    except FileNotFoundError:
        return None
    except DamagedError as error:
        return fault(
            "stored configuration",
            f"{error}: `midstride stop`, then `midstride run` writes it again; to "
            "cancel orders now, use the venue's own page",
        )
