"""Rehearse a release's shared actors before anything is switched: a refusal costs nothing.

Each runs in a process of its own, from the release's archive, in a folder of its own, on what the
fleet has recorded: see `actors.rehearsal`. It is given no venue's address and no secret.
"""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
from msgspec.structs import replace

from actors.config import AlarmSinks, FleetConfig
from actors.gateway.log_file import LOG_FOLDER
from actors.messages import FenceRecord
from actors.rehearsal import room as names
from actors.rehearsal.room import Result, Statuses
from actors.rollout.ports import CallFailedError
from actors.rollout.shared import Notify
from actors.runtime import load_config
from actors.shared_kind import Kind
from checkpoints.archive import archived_releases, unpack_archive
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage

PLAY_SECONDS: Final = 90.0
"""Wire. Measured 1 .. 4 s; one that has no end is a failure too."""
NOWHERE: Final = "http://127.0.0.1:9"
"""The discard port: whatever a rehearsed actor asks, nobody is asked."""
UNKNOWN_PART: Final = "No module named actors.rehearsal"
SAID_MAX: Final = 300
KEPT_FROM_ENVIRONMENT: Final = ("PATH", "LANG", "LC_ALL", "TZ")


class RehearsalCalls(Protocol):
    """What is asked of the running fleet; `CallFailedError` where there is no answer."""

    def current(self, kind: Kind) -> str: ...

    async def ask_bytes(self, name: str, method: str) -> bytes: ...


async def rehearse(
    storage_root: str,
    release: str,
    running: str,
    owners: Iterable[FenceRecord],
    calls: RehearsalCalls,
    notify: Notify,
) -> tuple[str, ...]:
    """Rehearse all shared actors of a release; return one sentence for each that failed.

    `running`: release of the gateway that serves, to compare what both make of its log.
    """
    with tempfile.TemporaryDirectory(prefix="midstride-rehearsal-") as folder:
        stage = Path(folder)
        tree = await asyncio.to_thread(_unpacked, storage_root, release, stage / "new")
        rooms = {kind: stage / str(kind) for kind in Kind}
        for room in rooms.values():
            await asyncio.to_thread(_furnish, storage_root, room)
        await _ask_fleet(rooms, owners, calls)
        await _ask_running(storage_root, running, stage, rooms[Kind.GATEWAY])
        results = await asyncio.gather(*(play(tree, str(k), rooms[k]) for k in Kind))
    failures = []
    for kind, result in zip(Kind, results, strict=True):
        notify(f"{kind:<11} rehearsed: {result.failure or '; '.join(result.played)}")
        if result.failure is not None:
            failures.append(f"the {kind} of {release[:12]} failed its rehearsal: {result.failure}")
    return tuple(failures)


def _unpacked(storage_root: str, release: str, folder: Path) -> Path:
    folder.mkdir()
    unpack_archive(LocalStorage(Path(storage_root)), release, folder)
    return folder


def _furnish(storage_root: str, room: Path) -> None:
    """Lay out what every part gets: a configuration that leads nowhere, and the recorded log."""
    room.mkdir()
    config = harmless(load_config(storage_root))
    (room / names.CONFIG).write_bytes(msgspec.json.encode(config))
    (room / names.RECORDED).write_text(storage_root, encoding="utf-8")
    segments = sorted((Path(storage_root) / LOG_FOLDER).glob("[0-9]*.log"))
    if segments:
        (room / names.LOG).mkdir()
        shutil.copy(segments[-1], room / names.LOG / segments[-1].name)


def harmless(config: FleetConfig) -> FleetConfig:
    """Return the configuration without a way out: no venue, no sink of alarms."""
    urls: dict[str, Any] = {
        name: NOWHERE for name in config.venue.__struct_fields__ if name.endswith("_url")
    }
    return replace(config, venue=replace(config.venue, **urls), alarms=AlarmSinks())


async def _ask_fleet(
    rooms: dict[Kind, Path], owners: Iterable[FenceRecord], calls: RehearsalCalls
) -> None:
    gateway, feeds = calls.current(Kind.GATEWAY), calls.current(Kind.MARKET_DATA)
    slots = {owner.slot: f"{owner.slot}/{owner.incarnation}" for owner in owners}
    said = await asyncio.gather(*(_asked(calls, name, "status") for name in slots.values()))
    statuses = Statuses(
        fences=await _asked(calls, gateway, "fences"),
        gateway=await _asked(calls, gateway, "status"),
        feeds=await _asked(calls, feeds, "status"),
        slots={slot: data for slot, data in zip(slots, said, strict=True) if data},
    )
    (rooms[Kind.SUPERVISOR] / names.STATUSES).write_bytes(msgspec.json.encode(statuses))
    buffers = await _asked(calls, feeds, "buffers")
    if buffers:
        (rooms[Kind.MARKET_DATA] / names.BUFFERS).write_bytes(buffers)


async def _asked(calls: RehearsalCalls, name: str, method: str) -> bytes:
    """Ask for what is recorded; without an answer the rehearsal goes on with less."""
    try:
        return await calls.ask_bytes(name, method)
    except CallFailedError:
        return b""


async def _ask_running(storage_root: str, running: str, stage: Path, room: Path) -> None:
    """Have the running release fold the same log, so that both results can be compared."""
    if running not in archived_releases(LocalStorage(Path(storage_root))):
        return
    with contextlib.suppress(CheckpointsError):
        tree = await asyncio.to_thread(_unpacked, storage_root, running, stage / "running")
        await play(tree, "ledger", room)


async def play(tree: Path, part: str, room: Path) -> Result:
    """Run one part in a process of its own; a release that has no rehearsals passes, said."""
    environment = {name: os.environ[name] for name in KEPT_FROM_ENVIRONMENT if name in os.environ}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-B",
        "-m",
        "actors.rehearsal",
        part,
        str(room),
        cwd=tree,
        env=environment | {"HOME": str(room)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, trouble = await asyncio.wait_for(child.communicate(), PLAY_SECONDS)
    except TimeoutError:
        child.kill()
        await child.wait()
        return Result(failure=f"it has no end in {PLAY_SECONDS:.0f} s")
    return result_of(said.decode(errors="replace"), trouble.decode(errors="replace"))


def result_of(said: str, trouble: str) -> Result:
    """Read the last line of what a rehearsal said; without one its process says why it ended."""
    lines = said.strip().splitlines()
    try:
        return msgspec.json.decode(lines[-1], type=Result)
    except (IndexError, msgspec.DecodeError):
        if UNKNOWN_PART in trouble:
            return Result(failure=None, played=("the release has no rehearsals",))
        last = trouble.strip().splitlines()[-1:] or ["it said nothing"]
        return Result(failure=f"its process ended: {last[0]}"[:SAID_MAX])
