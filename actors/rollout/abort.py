"""End a rollout whose driver is gone: no standby stays behind, no slot stays without its owner.

A driver that lives is asked to stop and does all this itself; one that hangs is ended first, so
that it cannot wake up in the middle. For one that died, see `actors.rollout.abandoned_slots`.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from actors.elapsed import elapsed_ms
from actors.rollout.abandoned_slots import (
    PATIENT_TRIES_MAX,
    TRIES_MAX,
    AbortCalls,
    end_slots,
    stuck_in,
)
from actors.rollout.errors import RolloutError
from actors.rollout.record import (
    Active,
    end_turn,
    last_beat_ms,
    read_active,
    read_plan,
    read_state,
    write_report,
)
from actors.rollout.report import Report, make_report
from actors.rollout.rollout_state import Phase, Rollout
from actors.runtime import wire_ms
from checkpoints.storage import LocalStorage, Storage

STOP_SECONDS: Final = 45.0
"""Wire. A driver that was asked to stop takes back what is unconfirmed within seconds."""
HANGS_MS: Final = 10_000
"""Wire without a sign of a living process: it is stopped or stuck and hears no polite end."""
POLL_SECONDS: Final = 0.2
STUCK_MS_MAX: Final = 600_000
"""Wire without a sign of its driver: so long a rollout with a stuck slot keeps its turn, and the
supervisor comes again; then a person has to see to the slot."""

Notify = Callable[[str], None]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    rollout: str
    how: str
    slots: dict[str, str]
    """What became of each slot that the rollout had begun with."""


async def abort(
    storage_root: str,
    calls: AbortCalls,
    speed: float,
    notify: Notify,
    *,
    comes_again: bool = False,
) -> Ended:
    """End the rollout under way; raise `RolloutError` if there is none.

    For a caller that comes again, one with a slot that is stuck is not ended: it raises too.
    """
    storage = LocalStorage(Path(storage_root))
    active = read_active(storage)
    if active is None:
        raise RolloutError("no roll is under way; there is nothing to end")
    if await asyncio.to_thread(stop_driver, storage, active):
        return Ended(rollout=active.rollout, how="its driver stopped it", slots={})
    rollout, plan = read_state(storage, active.rollout), read_plan(storage, active.rollout)
    handoffs = {} if rollout is None else rollout.handoffs
    order = () if plan is None else plan.order
    tries = PATIENT_TRIES_MAX if comes_again else TRIES_MAX
    slots = await end_slots(calls, handoffs, order, speed, tries)
    for slot, end in slots.items():
        notify(f"{slot:<10} {end}")
    stuck = stuck_in(slots) if comes_again else ()
    if stuck and _sign_age_ms(storage, active) < STUCK_MS_MAX:
        raise RolloutError(f"{active.rollout}: {', '.join(stuck)} is stuck; tried again later")
    if rollout is not None:
        write_report(storage, _report(rollout))
    end_turn(storage, active.rollout)
    return Ended(rollout=active.rollout, how="its driver was gone", slots=slots)


def stop_driver(storage: Storage, active: Active) -> bool:
    """Ask a living driver to stop and wait for it; end one that hangs. True: it did it itself."""
    if not active.driver_lives:
        return False
    if _sign_age_ms(storage, active) < HANGS_MS:
        _signal(active, signal.SIGTERM)
        if _wait(lambda: read_active(storage) != active or not active.driver_lives, STOP_SECONDS):
            return read_active(storage) != active
    _signal(active, signal.SIGKILL)
    if not _wait(lambda: not active.driver_lives, STOP_SECONDS):
        raise RolloutError(f"{active.rollout}: process {active.driver} does not end; try again")
    return read_active(storage) != active


def _sign_age_ms(storage: Storage, active: Active) -> float:
    now_ms = wire_ms()
    signs = (active.begun_wire_ms, last_beat_ms(storage, active.rollout))
    return min(elapsed_ms(now_ms, sign_ms) for sign_ms in signs)


def _signal(active: Active, number: signal.Signals) -> None:
    if active.driver_lives:
        os.kill(int(active.driver.partition("-")[0]), number)


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _report(rollout: Rollout) -> Report:
    failure = rollout.failure or "its driver was gone"
    ended = msgspec.structs.replace(rollout, phase=Phase.STOPPED, failure=failure)
    return make_report(ended, rollout.started_wire_ms, {})
