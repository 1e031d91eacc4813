"""What the journal itself says of each slot: from which row to which, and how it ends."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from actors.slot.facts import Entry, OrderFact

STOPPED: Final = "stopped"
"""Action of the row that ends an ordered stop."""
_decoder: Final = msgspec.msgpack.Decoder(Entry)
_SLOTS: Final = """
select slot, count(*), min(sequence), max(sequence), min(market_ms), max(market_ms), max(wire_ms),
  max(fence), min(market_ms) filter (kind = 'claim'), count(*) filter (kind = 'order_event'),
  min(sequence) filter (kind = 'order_event'), max(sequence) filter (kind = 'order_event'),
  arg_max(action, sequence), count(*) filter (kind = 'decision')
from valid group by slot
"""


class SlotRows(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that count of one slot; zeros where there are none."""

    slot: str
    rows: int = 0
    first: int = 0
    last: int = 0
    first_ms: int = 0
    last_ms: int = 0
    last_wire_ms: int = 0
    fence: int = 0
    claimed_ms: int | None = None
    events: int = 0
    """Order events."""
    first_event: int = 0
    """Outbox sequence of the first order event that the journal has."""
    last_event: int = 0
    stopped: bool = False
    """The last row is of an ordered stop."""
    decisions: int = 0


def slot_rows(view: Any) -> dict[str, SlotRows]:
    """Sum up the valid rows of each slot of a `JournalView`."""
    found = view.fetch(_SLOTS)
    ends = {(row[0], row[place]) for row in found for place in (10, 11) if row[place]}
    outbox = _outbox_sequences(view, ends)
    return {
        row[0]: SlotRows(
            slot=row[0],
            rows=row[1],
            first=row[2],
            last=row[3],
            first_ms=row[4],
            last_ms=row[5],
            last_wire_ms=row[6],
            fence=row[7],
            claimed_ms=row[8],
            events=row[9],
            first_event=outbox.get((row[0], row[10]), 0),
            last_event=outbox.get((row[0], row[11]), 0),
            stopped=row[12] == STOPPED,
            decisions=row[13],
        )
        for row in found
    }


def _outbox_sequences(view: Any, ends: set[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
    if not ends:
        return {}
    places = ", ".join(["(?, ?)"] * len(ends))
    rows = view.fetch(
        f"select slot, sequence, payload from valid where (slot, sequence) in ({places})",  # noqa: S608 only question marks
        *(value for end in sorted(ends) for value in end),
    )
    numbers = {(slot, sequence): outbox_sequence(data) for slot, sequence, data in rows}
    return {end: number for end, number in numbers.items() if number is not None}


def outbox_sequence(payload: bytes | None) -> int | None:
    """Return the outbox sequence of an order event's row; None where it cannot be read."""
    try:
        fact = _decoder.decode(payload or b"").fact
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return fact.event.sequence if isinstance(fact, OrderFact) else None
