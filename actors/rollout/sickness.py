"""Who is not asked for a handoff on the way back: slots that do not answer, act or decide. Pure."""

from typing import Final

from actors.slot.status import AnySlotStatus, SlotNotRunning
from signals.market import CYCLE_MS

ANSWER_SECONDS: Final = 2.0
"""Wire, for the one question that sorts sick from well; a well slot answers in milliseconds. One
that is only slow loses its handoff, not its slot: it goes by vacancy."""
BLOCKED_MS: Final = 2_000
"""Wire: a strategy that has not returned for so long keeps its slot from being quiesced."""
SILENT_CYCLES: Final = 2
"""Decision points without a decision: one may be late, two are not."""
ACTS: Final = frozenset({"active", "quiescing", "quiesced", "resuming"})
"""Phases of a slot that owns its seat, see docs/states.md."""


def sickness(status: AnySlotStatus) -> str | None:
    """Return why the slot's owner is not to be asked, or None: it looks well."""
    if isinstance(status, SlotNotRunning):
        return f"its process does not run its slot: {status.reason}"
    if status.state not in ACTS:
        return f"it is {status.state}"
    if status.blocked_ms > BLOCKED_MS:
        return f"its strategy has not returned for {status.blocked_ms} ms"
    if status.journal_failure is not None:
        return f"it cannot write its journal: {status.journal_failure}"
    since_ms = max(status.decided_due_ms, status.started_ms)
    if status.market_ms - since_ms > SILENT_CYCLES * CYCLE_MS:
        return f"no decision for {(status.market_ms - since_ms) // 1000} s of market time"
    return None
