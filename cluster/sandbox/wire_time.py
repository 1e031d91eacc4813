"""Wire time of the sandbox: UTC at its start, and the time that has passed since.

The venue is another machine: setting this one's clock does not move it.
"""

import time
from pathlib import Path
from typing import Final

BOOT_ID_FILE: Final = Path("/proc/sys/kernel/random/boot_id")


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


_WALL_OVER_BOOT_MS: Final = (time.time_ns() - _boot_ns()) // 1_000_000


def wire_clock_ms() -> int:
    """Return wire time, the sandbox's only source of it."""
    return _WALL_OVER_BOOT_MS + _boot_ns() // 1_000_000


def boot_anchor_ms(wire_ms: int) -> int:
    """Return the time since the machine's start at an instant of wire time."""
    return wire_ms - _WALL_OVER_BOOT_MS


def boot_id() -> str:
    """Name this start of the machine; empty where the system does not say."""
    try:
        return BOOT_ID_FILE.read_text().strip()
    except OSError:
        return ""
