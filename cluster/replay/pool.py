"""Guests shared by worker threads: kept while they may be needed, never more than a limit."""

import threading
import time
from typing import Final

import msgspec

from checkpoints.errors import CheckpointsError
from cluster.replay.decider import Ready
from cluster.replay.errors import ReplayError
from cluster.replay.guests import Guest, Rooms

IDLE_MAX: Final = 2
"""Beyond the ones at work; a guest holds about 60 MB."""


class GuestPool:
    """Lends guests by release; remembers which release cannot be opened, and why."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._lock = threading.Lock()
        self._idle: list[tuple[str, Guest]] = []
        self.kind = rooms.kind
        self.failures: dict[str, str] = {}
        self.ready: dict[str, Ready] = {}
        """What each release's first guest said of itself, and how long it took to be there."""

    def borrow(self, release: str) -> Guest | str:
        """Return a guest, or why this release cannot decide."""
        with self._lock:
            if release in self.failures:
                return self.failures[release]
            for place, (known, guest) in enumerate(self._idle):
                if known == release:
                    del self._idle[place]
                    return guest
        began = time.monotonic()
        try:
            guest = self._rooms.open(release)
        except (ReplayError, CheckpointsError) as error:
            with self._lock:
                return self.failures.setdefault(release, str(error))
        with self._lock:
            waited = msgspec.structs.replace(guest.ready, start_seconds=time.monotonic() - began)
            self.ready.setdefault(release, waited)
        return guest

    def give_back(self, release: str, guest: Guest) -> None:
        with self._lock:
            self._idle.append((release, guest))
            surplus = self._idle[:-IDLE_MAX]
            self._idle = self._idle[-IDLE_MAX:]
        for _, old in surplus:
            old.close()

    def confirm(self) -> None:
        """Let the idle guests attest again, now that all that they use is loaded."""
        for release, guest in self._idle:
            try:
                guest.confirm()
            except ReplayError as error:
                self.failures.setdefault(release, str(error))

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for _, guest in idle:
            guest.close()
        self._rooms.close()
