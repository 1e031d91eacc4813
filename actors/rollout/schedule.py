"""When slots decide, and where between two decisions a switch may be."""

from typing import Final

import msgspec

from actors.rollout import handoff_events as on
from actors.rollout.handoff_state import SWITCH_QUIET_MS
from signals.market import CYCLE_MS, DecisionPoint, Slot, deadline_ms, decision_points
from signals.market_time import MarketClock

QUIET_SHARE: Final = 3
"""Where decisions are due often the quiet time shrinks to a third of the gap between two on the
wire, or no switch would fit."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """From configuration and clock, never from a slot's own word."""

    offsets_ms: tuple[int, ...]
    clock: MarketClock

    def next_due(self, slot: str, market_ms: int) -> tuple[DecisionPoint, int]:
        """Return the slot's next decision point after now and its deadline (market ms)."""
        points = decision_points(Slot.parse(slot).timeframe, self.offsets_ms, market_ms)
        point, following = next(points), next(points)
        return point, deadline_ms(point, following)

    def is_quiet(self, slot: str, now: on.Now) -> bool:
        """Tell whether no decision of the slot is due within the switch's deadline."""
        timeframe = Slot.parse(slot).timeframe
        points = decision_points(timeframe, self.offsets_ms, now.market_ms - CYCLE_MS)
        last, point = next(points), next(points)
        while point.due_ms <= now.market_ms:
            last, point = point, next(points)
        gap_wire_ms = (point.due_ms - last.due_ms) / self.clock.speed
        needed_ms = min(SWITCH_QUIET_MS, gap_wire_ms / QUIET_SHARE)
        return self.clock.wire_ms(point.due_ms) - now.wire_ms >= needed_ms
