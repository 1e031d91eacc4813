"""The operator's rollback, run by the supervisor as a process of its own, from its own archive.

Not a call: a way back takes minutes, stops at a signal to its process, and must be driven by code
that no edit of the moment reached (docs/decisions/0004).
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from actors.ray_job import JOB_MARK
from checkpoints.archive import archive_uri, unpack_archive
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage

ROLL_BACK_SECONDS: Final = 900.0
SECONDS_PER_SLOT: Final = 60.0
"""Wire, the larger of the two: slots one after another, each with a start, a wait for quiet and a
confirmation."""
SAID_MAX: Final = 500
CHUNK: Final = 4_096
STATE_STORAGE: Final = "storage"
"""Folder of the storage inside a state folder, see `cluster.local.state_folder`."""


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """Where the command finds the fleet."""

    storage_root: str
    address: str
    """Of the Ray head."""


async def roll_back(
    fleet: Fleet, release: str, to: str, slots: tuple[str, ...], seconds: float | None = None
) -> str | None:
    """Roll slots back to the archived release `to`; return why that failed, or None.

    `release` is the asker's own: it drives from its archive, verified, not from files that may
    have been edited meanwhile.
    """
    storage = Path(fleet.storage_root)
    if storage.name != STATE_STORAGE:
        return f"{storage} lies in no state folder: roll back by hand"
    job = {"runtime_env": {"working_dir": archive_uri(storage, release)}}
    # as the driver of a job: Ray then puts no folder of this process on the actors' paths
    environment = {
        **os.environ,
        "RAY_ADDRESS": fleet.address,
        JOB_MARK: msgspec.json.encode(job).decode(),
    }
    words = ["rollback", f"--state={storage.parent}", f"--to={to}", f"--slots={','.join(slots)}"]
    with tempfile.TemporaryDirectory(prefix="midstride-") as room:
        try:
            await asyncio.to_thread(unpack_archive, LocalStorage(storage), release, Path(room))
        except (CheckpointsError, OSError) as error:
            return f"{type(error).__name__}: {error}"
        limit_s = seconds or max(ROLL_BACK_SECONDS, len(slots) * SECONDS_PER_SLOT)
        return await _run([*words, "--shadow=0", "--bake=0"], Path(room), environment, limit_s)


async def _run(
    words: list[str], root: Path, environment: Mapping[str, str], seconds: float
) -> str | None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cluster",
        "rolling-update",
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=root,
        env=dict(environment),
    )
    said = bytearray()
    try:
        await asyncio.wait_for(_read_output(child, said), seconds)
    except TimeoutError:
        child.kill()
        await child.wait()
        return f"no end in {seconds} s: {_end_of(said)}"
    return None if child.returncode == 0 else _end_of(said)


async def _read_output(child: asyncio.subprocess.Process, said: bytearray) -> None:
    """Read what a command says until it ends, so that one without an end says how far it came."""
    assert child.stdout is not None
    while data := await child.stdout.read(CHUNK):
        said += data
        del said[:-CHUNK]
    await child.wait()


def _end_of(said: bytearray) -> str:
    return said.decode(errors="replace")[-SAID_MAX:]
