"""The watcher's part: start an audit when a day is due, end one that hangs, tell what was missed.

The audit itself runs in a process of its own, so that nothing of it can hold up the watcher.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from actors.clock import wire_ms
from actors.machine.backoff import Backoff
from actors.runtime import load_config
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.daily_audit import records
from cluster.daily_audit.alarms import raise_missed
from cluster.daily_audit.calendar import Due, due_days
from cluster.daily_audit.process import BUSY, LOG, start_audit
from cluster.errors import ClusterError
from cluster.local.state_folder import RunRecord, StateFolder
from cluster.terminal.console import notify
from signals.market import day_of

POLL_SECONDS: Final = 60.0
"""Between two looks at the calendar."""
AUDIT_SECONDS_MAX: Final = 4 * 3_600.0
"""A day of 64 slots on a busy core takes minutes; what takes hours hangs."""
TRIES_MAX: Final = 3
"""Of one day: what ended three times without a record needs a person."""
PAUSES: Final = Backoff(first_ms=60_000, most_ms=900_000, factor=4)
"""Before the second and third try: a full disk or a venue that is away may be over by then."""
FAST_SECONDS_MIN: Final = 3_600.0
"""Wire, between audits of a fleet whose days pass faster than real ones."""


class Child(Protocol):
    """The audit's process."""

    pid: int

    def poll(self) -> int | None: ...


class AuditKeeper:
    """One watcher's view of its audits; nothing is lost with it, the storage knows what is done."""

    def __init__(
        self,
        state: StateFolder,
        start: Callable[[StateFolder, str], Child] | None = None,
        now_ms: Callable[[], int] = lambda: int(wire_ms()),
    ) -> None:
        self._state = state
        self._start = start or start_audit
        self._now_ms = now_ms
        self._child: Child | None = None
        self._day = ""
        self._began_s = float("-inf")
        self._next_s = float("-inf")
        self._tries: dict[str, int] = {}
        """Ends without a record, by day."""

    def poll(self, record: RunRecord, now_s: float) -> None:
        """Do what is due; what fails is written down and tried again later."""
        try:
            if self._child is not None:
                self._watch_child(self._child, now_s)
            elif record.launched and now_s >= self._next_s:
                self._next_s = now_s + POLL_SECONDS
                self._start_due(now_s)
        except (ClusterError, CheckpointsError, OSError) as error:
            notify(f"the daily audit was not started: {error}")

    def _watch_child(self, child: Child, now_s: float) -> None:
        code = child.poll()
        if code is None:
            if now_s - self._began_s > AUDIT_SECONDS_MAX:
                os.killpg(child.pid, signal.SIGKILL)
            return
        self._child = None
        if code in {0, BUSY}:
            return
        tries = self._tries[self._day] = self._tries.get(self._day, 0) + 1
        self._next_s = now_s + PAUSES.wait_s(tries)
        notify(f"the audit of {self._day} ended without a record (exit {code}), try {tries}")
        if tries >= TRIES_MAX:
            why = f"its process ended {tries} times without a record: read {self._log()}"
            raise_missed(self._state, self._day, why, self._now_ms())

    def _log(self) -> Path:
        return self._state.logs / LOG

    def _start_due(self, now_s: float) -> None:
        due, is_fast = self._due()
        for day in due.late:
            why = "nobody made it at its time: the fleet's watcher was away"
            raise_missed(self._state, day, why, self._now_ms())
        days = [day for day in due.days if self._tries.get(day, 0) < TRIES_MAX]
        if days and not (is_fast and now_s - self._began_s < FAST_SECONDS_MIN):
            self._child = self._start(self._state, days[0])
            self._day, self._began_s = days[0], now_s

    def _due(self) -> tuple[Due, bool]:
        config = load_config(str(self._state.storage))
        is_fast = config.clock.speed != 1
        at_wire_ms = self._now_ms()  # of the fleet's own clock, which this process now follows
        now_ms = config.clock.market_ms(at_wire_ms)
        storage = LocalStorage(self._state.storage)
        known = records.known(storage, at_wire_ms, day_of(now_ms))
        return due_days(now_ms, config.daily_audit, known, catches_up=not is_fast), is_fast
