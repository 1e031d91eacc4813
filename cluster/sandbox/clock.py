"""Market time of the sandbox: an anchor on disk, so that it stands still while the sandbox is down.

The file holds a reservation: market time up to which ticks may have been told. It is renewed ahead
of use, so that after a crash the clock resumes at or after anything anyone saw, never before.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from cluster.sandbox.model import Now

FILE_NAME: Final = "clock.json"
RESERVE_WIRE_MS: Final = 1_000
"""How far ahead market time is reserved: a crash skips at most this, times the speed."""


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """Convert wire to market time, both UTC milliseconds."""

    speed: int
    anchor_wire_ms: int
    anchor_market_ms: int

    def at(self, wire_ms: int) -> Now:
        return Now(wire_ms, self.anchor_market_ms + (wire_ms - self.anchor_wire_ms) * self.speed)


class _Reservation(msgspec.Struct, frozen=True, kw_only=True):
    market_ms: int


class ClockError(Exception):
    """The clock file cannot be used; the message says why and what to do."""


class ClockFile:
    """Keep the reservation of one running clock."""

    def __init__(self, folder: Path, clock: Clock, wire_ms: int | None = None) -> None:
        self.clock = clock
        self._folder = folder
        self._reserved_market_ms = clock.anchor_market_ms
        self.keep(clock.anchor_wire_ms if wire_ms is None else wire_ms)

    @classmethod
    def resume(
        cls,
        folder: Path,
        *,
        speed: int,
        start_market_ms: int,
        wire_ms: int,
        before: Clock | None = None,
    ) -> "ClockFile":
        """Anchor market time at the stored reservation, or at `start_market_ms` the first time.

        `before` is the clock of a sandbox that died under a fleet that goes on by it: it goes on.
        """
        if before is not None and before.at(wire_ms).market_ms >= start_market_ms:
            return cls(folder, before, wire_ms)
        path = folder / FILE_NAME
        market_ms = start_market_ms
        if path.exists():
            try:
                stored = msgspec.json.decode(path.read_bytes(), type=_Reservation)
            except msgspec.DecodeError as error:
                raise ClockError(f"{path} is damaged ({error}): start fresh") from error
            market_ms = max(stored.market_ms, start_market_ms)
        clock = Clock(speed=speed, anchor_wire_ms=wire_ms, anchor_market_ms=market_ms)
        return cls(folder, clock)

    def keep(self, wire_ms: int) -> Now:
        """Return the instant of `wire_ms`; renew the reservation before it runs out."""
        now = self.clock.at(wire_ms)
        margin_ms = RESERVE_WIRE_MS * self.clock.speed
        if now.market_ms + margin_ms // 2 > self._reserved_market_ms:
            self._store(now.market_ms + margin_ms)
        return now

    def close(self, wire_ms: int) -> None:
        """Store the exact time: a clean stop skips nothing."""
        self._store(self.clock.at(wire_ms).market_ms)

    def _store(self, market_ms: int) -> None:
        data = msgspec.json.encode(_Reservation(market_ms=market_ms))
        temporary = self._folder / f"{FILE_NAME}.new"
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._folder / FILE_NAME)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._reserved_market_ms = market_ms
