"""What the figures need beside the state of now: when things were last seen to change. Pure."""

import bisect
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.slot.status import SlotStatus
from actors.supervisor.state import SupervisorState

LATENESS_BOUNDS_MS: Final = (5, 10, 20, 50, 100, 150, 250, 500, 1_000, 2_500, 5_000, 10_000)
"""Wire ms from due to journaled; the aim is a p99 of 150."""
RELEASE_DIGITS: Final = 12
"""Of a release's digest, as a label."""


class SlotSeenBefore(msgspec.Struct, frozen=True, kw_only=True):
    due_ms: int
    """Of the last decision that was counted."""
    checkpoint_sequence: int
    checkpoint_market_ms: int
    """When that was first seen."""


class SeenBefore(msgspec.Struct, frozen=True, kw_only=True):
    slots: dict[str, SlotSeenBefore] = {}
    lateness: tuple[int, ...] = (0,) * (len(LATENESS_BOUNDS_MS) + 1)
    """Decisions by bucket; the last has no upper bound."""
    releases: frozenset[str] = frozenset()
    """That any slot was seen on: a figure that has been told goes to 0, it does not vanish."""


def see(before: SeenBefore, state: SupervisorState) -> SeenBefore:
    """Take in what the slots said last."""
    slots, lateness = dict(before.slots), list(before.lateness)
    releases = set(before.releases)
    for watched in state.slots.values():
        if watched.release:
            releases.add(watched.release[:RELEASE_DIGITS])
        status = watched.status
        if status is None:
            continue
        known = slots.get(status.slot)
        late_ms = late_wire_ms(status, state.rules.clock.speed)
        if known is not None and late_ms is not None and _last_due_ms(status) > known.due_ms:
            lateness[bisect.bisect_left(LATENESS_BOUNDS_MS, late_ms)] += 1
        slots[status.slot] = _slot(known, status)
    return replace(before, slots=slots, lateness=tuple(lateness), releases=frozenset(releases))


def late_wire_ms(status: SlotStatus, speed: int) -> float | None:
    last = status.last_decision
    return None if last is None else (last.journaled_ms - last.due_ms) / speed


def _last_due_ms(status: SlotStatus) -> int:
    return 0 if status.last_decision is None else status.last_decision.due_ms


def _slot(known: SlotSeenBefore | None, status: SlotStatus) -> SlotSeenBefore:
    same = known is not None and known.checkpoint_sequence == status.checkpoint_sequence
    return SlotSeenBefore(
        due_ms=_last_due_ms(status),
        checkpoint_sequence=status.checkpoint_sequence,
        checkpoint_market_ms=known.checkpoint_market_ms if known and same else status.market_ms,
    )
