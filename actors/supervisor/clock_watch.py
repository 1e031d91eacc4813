"""Watch the machine's clock: one that is set, forwards or back, is an alarm.

The fleet goes on unmoved, see `actors.clock`; the stamps that the venue checks do not. The last
reading is kept in the storage, so that a set clock is seen across the supervisor's own restart,
and told once.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from actors.clock import LINE, ClockSet, ClockWatch, boot_id, wall_over_boot_ms
from actors.detectors.registry import new_alarm
from actors.runtime import log_event
from checkpoints.alarms import Alarm, AlarmStore
from checkpoints.errors import CheckpointsError, MissingFileError
from checkpoints.storage import Storage

KIND: Final = "clock_set"
POLL_SECONDS: Final = 1.0
"""Real, between two comparisons; each reads two clocks."""
SEEN_FILE: Final = "supervisor/clock"
"""Storage file with the last reading that was told."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    boot: str
    """Which start of the machine."""
    line_ms: float
    """Where the fleet's time stood over the time since boot: another one, another fleet's start."""
    over_boot_ms: float
    """Where the machine's clock stood when its last change was told."""


class ClockWatcher:
    """Looks for as long as this supervisor watches."""

    def __init__(
        self,
        storage: Storage,
        now: Callable[[], tuple[int, int]],
        over_boot_ms: Callable[[], float] = wall_over_boot_ms,
    ) -> None:
        self._storage = storage
        self._alarms = AlarmStore(storage)
        self._now = now
        """Wire and market ms."""
        self._over_boot_ms = over_boot_ms
        self._boot = boot_id()
        self._watch = ClockWatch(self._seen_before())

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            found = self._watch.measure(self._over_boot_ms())
            if found is not None:
                await asyncio.to_thread(self.report, found)
            await asyncio.sleep(POLL_SECONDS)

    def report(self, found: ClockSet) -> None:
        """Raise the alarm, then remember that it was raised."""
        wire_ms, market_ms = self._now()
        seen = Seen(
            boot=self._boot, line_ms=LINE.over_boot_ms, over_boot_ms=self._watch.over_boot_ms
        )
        try:
            self._alarms.raise_alarm(clock_alarm(found, wire_ms, market_ms))
            self._storage.write(SEEN_FILE, msgspec.json.encode(seen))
        except CheckpointsError as error:
            log_event("alarm_not_stored", kind=KIND, reason=str(error))

    def _seen_before(self) -> float:
        """Return where the clock stood when it was last right for all that is known."""
        try:
            seen = msgspec.json.decode(self._storage.read(SEEN_FILE), type=Seen)
        except (MissingFileError, msgspec.MsgspecError):
            return LINE.over_boot_ms
        same = (seen.boot, seen.line_ms) == (self._boot, LINE.over_boot_ms)
        return seen.over_boot_ms if same else LINE.over_boot_ms


def clock_alarm(found: ClockSet, wire_ms: int, market_ms: int) -> Alarm:
    """Word the alarm: how far, which way, what goes on and what a person should do."""
    seconds = abs(found.by_ms) / 1_000
    return new_alarm(
        KIND,
        found.direction,
        {"set_by_ms": f"{found.by_ms:+d}", "direction": found.direction},
        action=(
            f"This machine's clock was set {found.direction} by {seconds:.3f} s. Heartbeats, "
            "deadlines and decisions go on unchanged. Check that the clock is right now (NTP): the "
            "venue checks the times of orders."
        ),
        wire_ms=wire_ms,
        market_ms=market_ms,
    )
