"""Which faults there are, and for how long their effects may excuse a decision."""

from enum import StrEnum
from typing import Final

import msgspec

from actors.rollout.handoff_state import Step


class Fault(StrEnum):
    CRASH_SLOT = "crash slot"
    PAUSE_SLOT = "pause slot"
    LOSE_SLOT = "lose slot"
    """Its process dies and Ray gives the actor up: only a vacancy helps."""
    ZOMBIE_SLOT = "zombie slot"
    """Ray gives the actor up, but its process only sleeps and wakes beside its successor."""
    CRASH_GATEWAY = "crash gateway"
    PAUSE_GATEWAY = "pause gateway"
    ZOMBIE_GATEWAY = "zombie gateway"
    """Hangs for so long that the supervisor ends it, or wakes when nobody believes in it."""
    HAND_GATEWAY_OVER = "hand gateway over"
    CRASH_MARKET_DATA = "crash market data"
    CRASH_SUPERVISOR = "crash supervisor"
    CRASH_DRIVER = "crash driver"
    PAUSE_DRIVER = "pause driver"
    POWER_OFF = "power off"
    NETWORK_STORM = "network storm"
    VENUE_RESTART = "venue restart"
    DISK_FULL = "disk full"
    LOG_FULL = "log full"
    DISK_SLOW = "disk slow"
    CHECKPOINT_FLIPPED = "checkpoint flipped"


GRACE_S: Final = 6.0
"""After a fault its effects may last: restarts, retries, a hung process being ended."""
HUNG_S: Final = 16.0
"""Until the supervisor has ended what hangs."""
CRASHES: Final = (Fault.CRASH_SLOT, Fault.CRASH_GATEWAY, Fault.CRASH_DRIVER, Fault.POWER_OFF)
AIMED: Final = (
    Fault.CRASH_SLOT,
    Fault.CRASH_SLOT,
    Fault.PAUSE_SLOT,
    Fault.CRASH_GATEWAY,
    Fault.CRASH_GATEWAY,
    Fault.PAUSE_GATEWAY,
    Fault.CRASH_DRIVER,
    Fault.CRASH_DRIVER,
    Fault.PAUSE_DRIVER,
    Fault.POWER_OFF,
    Fault.NETWORK_STORM,
    Fault.HAND_GATEWAY_OVER,
)


class Declared(msgspec.Struct, frozen=True):
    """A fault that may cost decisions: of one slot or of all, for a stretch of wire seconds."""

    fault: Fault
    slot: str | None
    from_s: float
    to_s: float


class Aim(msgspec.Struct, kw_only=True):
    step: Step
    fault: Fault
    tries: int = 0
