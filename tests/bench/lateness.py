"""How late decisions are: from a decision point's due time to its row on the disk.

Two moments of each row are read, neither from the slot's own counters: when the slot wrote the
decision down (`wire_ms` in the row) and when the flush that holds it had its name on the disk (its
file's change time: after the fsync of its content, before that of the folder).
"""

from typing import Final

import msgspec

from actors.runtime import load_config
from checkpoints.journal import JOURNAL, FlushName, Journal, parse_flush_name
from checkpoints.journal_rows import RowKind
from tests.bench.rig import Rig

FIRST_ROUNDS_LEFT_OUT: Final = 5
"""Market data opens its sockets and fills its buffers once."""


class Late(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    due_wire_ms: float
    decided_ms: float
    """Due to decided."""
    journaled_ms: float
    """Due to durable."""
    complete: bool


def read_lateness(rig: Rig, slots: tuple[str, ...]) -> list[Late]:
    """Return every decision since all these slots have decided the first rounds together."""
    by_slot = {slot: _of_slot(rig, slot) for slot in slots}
    together = max(min(late.due_wire_ms for late in found) for found in by_slot.values())
    dues = sorted({late.due_wire_ms for found in by_slot.values() for late in found})
    rounds = [due for due in dues if due >= together]
    first = rounds[min(FIRST_ROUNDS_LEFT_OUT, len(rounds) - 1)]
    return [late for found in by_slot.values() for late in found if late.due_wire_ms >= first]


def _of_slot(rig: Rig, slot: str) -> list[Late]:
    clock = load_config(str(rig.state.storage)).clock
    flushes = _flushes(rig, slot)
    found = []
    for row in Journal(rig.storage, slot).rows_after(0).rows:
        if row.kind is not RowKind.DECISION or row.due_ms is None:
            continue
        holding = max((f for f in flushes if f.first <= row.sequence), key=lambda f: f.first)
        durable_ms = (rig.state.storage / holding.name).stat().st_ctime_ns / 1e6
        due_wire_ms = clock.wire_ms(row.due_ms)
        found.append(
            Late(
                slot=slot,
                due_wire_ms=due_wire_ms,
                decided_ms=row.wire_ms - due_wire_ms,
                journaled_ms=durable_ms - due_wire_ms,
                complete=bool(row.complete),
            )
        )
    assert found, f"{slot} has decided nothing"
    return found


def _flushes(rig: Rig, slot: str) -> list[FlushName]:
    named = (parse_flush_name(name) for name in rig.storage.names(f"{JOURNAL}/"))
    return [flush for flush in named if flush is not None and flush.slot == slot]
