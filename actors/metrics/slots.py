"""The figures of one slot. Pure."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from actors.metrics.seen import SeenBefore, late_wire_ms
from actors.slot.seat import Phase
from actors.slot.status import SlotStatus
from actors.supervisor.state import Place, Watched

MICRO: Final = 1_000_000
REGIMES: Final = ("normal", "regime_shift")


class Figure(NamedTuple):
    name: str
    """Of the table, without ``midstride_``."""
    value: float
    labels: tuple[str, ...] = ()
    """Values of the table's labels, in its order."""


def slot_figures(
    watched: Watched, seen: SeenBefore, market_ms: int, speed: int
) -> Iterator[Figure]:
    """Yield what is known of a slot; before its first answer that is little."""
    slot = (watched.slot,)
    yield Figure("slot_live", watched.place is Place.LIVE, slot)
    yield Figure("slot_incarnation", watched.incarnation, slot)
    yield Figure("slot_fence", watched.fence, slot)
    if watched.memory_mb:
        yield Figure("slot_memory_mb", watched.memory_mb, slot)
    status = watched.status
    if status is None:
        return
    for phase in Phase:
        yield Figure("slot_state", status.state == phase, (watched.slot, phase))
    yield from _decisions(status, market_ms, speed)
    yield from _money(status)
    known = seen.slots.get(status.slot)
    since_ms = status.market_ms if known is None else known.checkpoint_market_ms
    yield Figure("checkpoint_age_ms", max(0, status.market_ms - since_ms), slot)
    behind = status.journal_sequence - status.checkpoint_sequence
    yield Figure("checkpoint_behind_rows", max(0, behind), slot)


def _decisions(status: SlotStatus, market_ms: int, speed: int) -> Iterator[Figure]:
    slot = (status.slot,)
    yield Figure("decisions_total", status.counts.decisions, slot)
    yield Figure("missed_decisions_total", status.counts.missed, slot)
    last, late_ms = status.last_decision, late_wire_ms(status, speed)
    if last is not None and late_ms is not None:
        yield Figure("last_decision_age_ms", max(0, market_ms - last.due_ms), slot)
        yield Figure("last_decision_lateness_ms", late_ms, slot)
    for regime in REGIMES:
        now = status.regime or REGIMES[0]
        yield Figure("regime", now == regime, (status.slot, regime))


def _money(status: SlotStatus) -> Iterator[Figure]:
    slot = (status.slot,)
    yield Figure("open_orders", status.open_orders, slot)
    yield Figure("unanswered_intents", status.unanswered_intents, slot)
    up = sum(position.up_shares for position in status.position)
    down = sum(position.down_shares for position in status.position)
    cash = sum(position.cash_micro_usd for position in status.position)
    yield Figure("position_shares", up / MICRO, (status.slot, "up"))
    yield Figure("position_shares", down / MICRO, (status.slot, "down"))
    yield Figure("position_cash_usd", cash / MICRO, slot)
    yield Figure("realized_pnl_usd", status.realized_pnl_micro_usd / MICRO, slot)
