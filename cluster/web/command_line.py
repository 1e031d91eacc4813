"""Buttons that are commands: the very command that a person would type, in a process of its own.

So it refuses what the command refuses, and neither a Ray that hangs nor a head that dies takes the
console along. A halt goes on when the console ends.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from cluster.local.environment import child_environment
from cluster.local.jobs import WORKING_TREE
from cluster.local.state_folder import StateFolder
from cluster.terminal.plain_text import plain
from cluster.web.asking import python_of

LINE_BYTES_MAX: Final = 100_000
LINES_MAX: Final = 200
"""Kept of what one command said."""
LIBRARY_NOISE: Final = "nanobind: leaked"
"""What a library of the database may print while the process ends."""
NOT_ENDED: Final = 124
"""As `timeout` says it."""


class GivenUp(StrEnum):
    """What becomes of a command whose caller does not wait for it any more."""

    GOES_ON = "goes on"
    ENDS = "ends"


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    code: int
    lines: tuple[str, ...]


def command_of(state: StateFolder, words: Sequence[str]) -> tuple[str, ...]:
    """Return what starts `midstride WORDS` on this fleet, under the Python that can join it."""
    return (python_of(state), "-m", "cluster", *words, f"--state={state.root}")


def environment() -> dict[str, str]:
    """Return what such a process gets; its lines are not broken for a narrow terminal."""
    return child_environment(os.environ) | {"COLUMNS": "200"}


async def run_command(
    state: StateFolder,
    words: Sequence[str],
    seconds: float,
    said: Callable[[str], None] = lambda _: None,
    *,
    given_up: GivenUp = GivenUp.GOES_ON,
) -> Ended:
    """Run `midstride WORDS` on this fleet; `said` gets each line as it comes."""
    try:
        child = await asyncio.create_subprocess_exec(
            *command_of(state, words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_BYTES_MAX,
            cwd=WORKING_TREE,
            env=environment(),
            start_new_session=True,
        )
    except OSError as error:
        return Ended(
            code=1, lines=(f"error: the command could not be started ({error}): use a shell",)
        )
    lines: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            async for line in _lines(child):
                if len(lines) < LINES_MAX:
                    lines.append(line)
                    said(line)
            code = await child.wait()
    except asyncio.CancelledError:
        if given_up is GivenUp.ENDS:
            await _end(child)
        raise
    except TimeoutError:
        await _end(child)
        lines.append(f"error: it had not ended after {seconds:.0f} s and was ended")
        code = NOT_ENDED
    return Ended(code=code, lines=tuple(lines))


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    await child.wait()


async def _lines(child: asyncio.subprocess.Process) -> AsyncIterator[str]:
    assert child.stderr is not None
    async for line in child.stderr:
        text = plain(line.decode(errors="replace").rstrip())
        if text.startswith(LIBRARY_NOISE):
            break  # it comes at the very end, after what the command says
        if text:
            yield text
