"""Pages of a slot's outbox: facts in order, without a gap."""

from typing import Final

from actors.gateway.ledger import Ledger
from actors.gateway.records import Outbox
from actors.messages import OutboxPage, Refusal

PAGE_MAX: Final = 200
"""Events a page; the next page follows at once."""


def page_of(ledger: Ledger, slot: str, after_sequence: int) -> OutboxPage | Refusal:
    """Return the events after a sequence, or say why they are not there any more."""
    box = ledger.outbox.get(slot) or Outbox()
    seat = ledger.seats.get(slot)
    if after_sequence > box.last_sequence:
        return Refusal(
            reason=f"{slot} asks after {after_sequence}, the last is {box.last_sequence}"
        )
    first = box.last_sequence - len(box.events) + 1
    if after_sequence + 1 < first:
        return Refusal(reason=f"{slot} asks after {after_sequence}, the first kept is {first}")
    events = box.events[after_sequence + 1 - first :][:PAGE_MAX]
    return OutboxPage(
        slot=slot,
        fence=seat.fence if seat else 0,
        last_sequence=box.last_sequence,
        events=events,
    )
