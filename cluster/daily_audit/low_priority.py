"""Step behind everything else on this machine: the slots must not feel an audit."""

import contextlib
import os
from typing import Final

NICE: Final = 19


def step_behind() -> None:
    """Run on one core, and there only while nothing else wants it; children inherit it."""
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
