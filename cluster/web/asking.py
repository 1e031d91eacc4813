"""The console's side of its reader: start it, ask it, notice that it died, start it again."""

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import Final

import msgspec

from actors.machine.backoff import Backoff
from cluster.errors import ClusterError
from cluster.local.environment import child_environment, interpreter
from cluster.local.head import head_environment
from cluster.local.jobs import WORKING_TREE
from cluster.local.processes import MARK
from cluster.local.state_folder import StateFolder
from cluster.status.dead_fleet import death_in, death_text
from cluster.web.fleet_seen import Seen

START_S: Final = 60.0
"""Wire, to join Ray: two seconds on a quiet machine."""
ANSWER_S: Final = 15.0
"""Wire: two rounds of questions, on a machine that is far too busy."""
LINE_BYTES_MAX: Final = 4_000_000
"""Of an answer: sixteen slots are 20 kB."""
PAUSES: Final = Backoff(first_ms=1_000, most_ms=15_000)


class Asker:
    """Asks the fleet through a child. `ask` returns what it said, or why nothing was said."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self._child: asyncio.subprocess.Process | None = None
        self._failures = 0
        self._not_before_s = 0.0
        self._problem = ""

    async def ask(self) -> Seen | str:
        if self._child is None:
            if time.monotonic() < self._not_before_s:
                return self._problem
            down = await asyncio.to_thread(not_running, self._state)
            if down:
                return down
        try:
            fresh = self._child is None
            child = self._child = self._child or await self._start()
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(b"\n")
            await child.stdin.drain()
            async with asyncio.timeout(START_S if fresh else ANSWER_S):
                line = await child.stdout.readline()
            if not line.endswith(b"\n"):
                return await self._failed("the process that asks the fleet ended")
            seen = msgspec.json.decode(line, type=Seen)
        except TimeoutError:
            return await self._failed("the fleet did not answer in time")
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            return await self._failed(f"asking the fleet failed ({error})")
        self._failures = 0
        return seen

    async def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None and child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    async def _failed(self, problem: str) -> str:
        await self.close()
        self._failures += 1
        self._problem = problem
        self._not_before_s = time.monotonic() + PAUSES.wait_ms(self._failures) / 1_000
        return problem

    async def _start(self) -> asyncio.subprocess.Process:
        log = self._state.root / "console" / "reader.log"
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with log.open("wb") as stream:
            return await asyncio.create_subprocess_exec(
                python_of(self._state),
                "-m",
                "cluster.web.fleet_reader",
                str(self._state.root),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stream,
                limit=LINE_BYTES_MAX,
                cwd=WORKING_TREE,
                env={
                    **child_environment(os.environ),
                    **head_environment(self._state),
                    MARK: f"{self._state.owner}#console",
                },
            )


def python_of(state: StateFolder) -> str:
    """Return the interpreter that the head runs under: another one cannot join it."""
    try:
        named = state.read_run().python
    except ClusterError:
        named = ""
    return named if named and Path(named).exists() else interpreter()


def not_running(state: StateFolder) -> str:
    """Say that no fleet runs, and what is known of its end; empty: its head process lives."""
    try:
        record = state.read_run()
    except ClusterError as error:
        return str(error)
    if record.head is not None and record.head.alive:
        return ""
    death = death_in(state)
    return "no fleet runs here: `midstride run` starts it" if death is None else death_text(death)
