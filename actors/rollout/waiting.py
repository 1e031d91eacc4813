"""Deliberate waiting: how long a whole rollout did nothing but wait, and for what."""

from typing import Final

from actors.rollout.handoff_state import Handoff, Step
from actors.rollout.handoff_table import ENDED
from actors.rollout.rollout_state import Rollout

SHADOW: Final = "shadow"
"""Decisions of the owner to compare with."""
QUIET: Final = "quiet"
"""A moment in which no decision is due."""
CONFIRM: Final = "confirm"
"""The new owner's first decision."""
BAKE: Final = "bake"
"""More good decisions of the canary."""
_NOT_BEGUN: Final = ENDED | {Step.PLANNED}


class Waiting:
    """Adds up wire time; while any slot is warmed, switched or retired nothing counts."""

    def __init__(self) -> None:
        self.waited_ms: dict[str, float] = {}
        self._what: str | None = None
        self._since_wire_ms = 0.0

    def see(self, rollout: Rollout, wire_ms: float) -> None:
        """Take in the state that holds from now on."""
        if self._what is not None:
            before_ms = self.waited_ms.get(self._what, 0.0)
            self.waited_ms[self._what] = before_ms + wire_ms - self._since_wire_ms
        self._what, self._since_wire_ms = waits_for(rollout), wire_ms


def waits_for(rollout: Rollout) -> str | None:
    """Return what everything under way waits for; None if something is at work."""
    waits = {_wait_of(h) for h in rollout.handoffs.values() if h.step not in _NOT_BEGUN}
    if None in waits:
        return None
    return next((what for what in (SHADOW, QUIET, BAKE, CONFIRM) if what in waits), None)


def _wait_of(handoff: Handoff) -> str | None:
    match handoff.step:
        case Step.SHADOWING:
            return SHADOW
        case Step.READY:
            return QUIET
        case Step.CONFIRMING:
            return BAKE if handoff.confirmed else CONFIRM
        case _:
            return None
