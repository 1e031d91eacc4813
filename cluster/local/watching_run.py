"""A `run` in a terminal while its fleet trades: the table, the time, and what dies meanwhile.

This process is no driver of Ray, so no death in the cluster takes it along. What it shows is drawn
by another process, and what died is started again by the watcher; it starts either of them again.
"""

import os
import subprocess
import time
from typing import Final

from rich.console import Console

from actors.machine.backoff import Backoff
from cluster.errors import ClusterError
from cluster.local.environment import child_environment, interpreter
from cluster.local.head import head_environment
from cluster.local.jobs import WORKING_TREE
from cluster.local.state_folder import StateFolder
from cluster.local.state_lock import hold, holder
from cluster.local.watcher import LOG, start_watcher

POLL_SECONDS: Final = 0.25
PAUSES: Final = Backoff(first_ms=2_000, most_ms=60_000)
"""Before a table or a watcher is started again: the head may be dying, or a file of the tree may be
half edited."""
LEAVE_SECONDS: Final = 5.0
LOCK_SECONDS: Final = 5.0


def watch(state: StateFolder, seconds: float | None, console: Console) -> None:
    """Show the fleet until the time is over; raise `ClusterError` if it is down for good."""
    run = _Watch(state, console, None if seconds is None else time.monotonic() + seconds)
    try:
        while (run.end is None or time.monotonic() < run.end) and run.poll():
            time.sleep(POLL_SECONDS)
    finally:
        run.close()


class _Again:
    """When something that died is started again, each time after a longer wait."""

    def __init__(self) -> None:
        self._count = 0
        self._next = 0.0

    def due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._count += 1
        self._next = now + PAUSES.wait_s(self._count)
        return True


class _Watch:
    def __init__(self, state: StateFolder, console: Console, end: float | None) -> None:
        self.end = end
        self._state = state
        self._console = console
        self._table: subprocess.Popen[bytes] | None = None
        self._tables = _Again()
        self._watchers = _Again()
        self._down = False

    def poll(self) -> bool:
        """Show, and bring back what died; False once another command has ended the fleet."""
        record = self._state.read_run()
        if not record.launched and record.head is None and record.watcher is None:
            self._console.print("the fleet was ended by another command")
            return False
        head_lives = record.head is not None and record.head.alive
        if not head_lives:
            self._head_is_down()
        elif self._down:
            self._down = False
            self._console.print("the Ray head is up again")
        if (record.watcher is None or not record.watcher.alive) and holder(self._state) is None:
            self._watcher_is_gone()
        if head_lives and self._console.is_terminal:
            self._draw()
        return True

    def _head_is_down(self) -> None:
        if self._down:
            return
        self._down = True
        self._close_table()
        self._console.print(
            "the Ray head died, and all actors with it; the watcher starts them again "
            f"({self._state.logs / LOG})"
        )

    def _watcher_is_gone(self) -> None:
        if self._state.read_run().gave_up:
            raise ClusterError(
                "the fleet died again and again and is not started any more: `midstride alarms "
                "list` says why, `midstride run` starts it"
            )
        if not self._watchers.due():
            return
        self._console.print("the fleet's watcher died; a new one is started")
        try:
            with hold(self._state, "cluster run", LOCK_SECONDS):
                start_watcher(self._state)
        except ClusterError as error:
            self._console.print(f"the fleet goes on without a watcher for now: {error}")

    def _draw(self) -> None:
        if self._table is not None and self._table.poll() is None:
            return
        if not self._tables.due():
            return
        if self._table is not None:
            self._console.show_cursor()
        command = [interpreter(), "-m", "cluster.status.live_table", str(self._state.root)]
        self._table = subprocess.Popen(  # noqa: S603 our own module with our own folder
            [*command, str(self.end or 0)],
            stdin=subprocess.DEVNULL,
            env={**child_environment(os.environ), **head_environment(self._state)},
            cwd=WORKING_TREE,
        )

    def close(self) -> None:
        self._close_table()

    def _close_table(self) -> None:
        if self._table is None:
            return
        self._table.terminate()
        try:
            self._table.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self._table.kill()
            self._table.wait()
        self._table = None
        self._console.show_cursor()
