"""The journal against the gateway's log: fences, order events by number, orders and fills."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, Final

from actors.gateway.ledger import Ledger
from actors.gateway.records import Outbox
from actors.messages import FenceRecord
from cluster.audit.log_reading import LOG
from cluster.audit.problem import Problem, events_text, rows_text
from cluster.audit.slot_rows import SlotRows, outbox_sequence

GRACE_WIRE_MS: Final = 10_000
"""What is younger than this may still be on its way from the gateway to the slot's journal."""
_WRITTEN: Final = """
select {key}, slot, price_micro_usd, shares_micro, fee_micro_usd from valid
where kind = 'order_event' and action = '{action}'
"""


def lost_log(ledger: Ledger, rows: SlotRows) -> Iterator[Problem]:
    """Yield what the slot's rows know and the log does not; the log was read after the rows."""
    seat = ledger.seats.get(rows.slot)
    if seat is None and rows.rows:
        yield Problem(kind="missing", subject=LOG, reason=f"it does not know {rows.slot}")
    for record in (() if seat is None else seat.history)[-1:]:
        if record.fence < rows.fence:
            said = f"its end is missing: {rows.slot} has rows of fence {rows.fence}, it ends at"
            yield Problem(kind="missing", subject=LOG, reason=f"{said} {record.fence}")
    box = ledger.outbox.get(rows.slot) or Outbox()
    if rows.last_event > box.last_sequence:
        said = (
            f"its end is missing: {rows.slot} has order events up to {rows.last_event}, "
            f"it ends at {box.last_sequence}"
        )
        yield Problem(kind="missing", subject=LOG, reason=said)


def missing_by_fences(ledger: Ledger, rows: SlotRows, last_wire_ms: int) -> Iterator[Problem]:
    """Yield rows that an owner had when it was given the slot; the log was read before the rows."""
    seat = ledger.seats.get(rows.slot)
    history = () if seat is None else seat.history
    reached = max((record.journal_sequence for record in history), default=0)
    if reached > rows.last:
        yield _lost_rows(rows, reached, "an owner began after them")
    elif (unclaimed := _unclaimed(history, rows, last_wire_ms)) is not None:
        said = f"the row of its claim with fence {unclaimed.fence} and all after it"
        yield Problem(kind="missing_rows", subject=rows.slot, reason=said)


def _unclaimed(
    history: tuple[FenceRecord, ...], rows: SlotRows, last_wire_ms: int
) -> FenceRecord | None:
    """Return a fence that was given long ago and of which there is no row."""
    for record in history[-1:]:
        old = record.granted_wire_ms < last_wire_ms - GRACE_WIRE_MS
        if record.fence > rows.fence and old:
            return record
    return None


def _lost_rows(rows: SlotRows, reached: int, why: str) -> Problem:
    said = f"{rows_text(rows.last + 1, reached)}, at its end: {why}"
    return Problem(kind="missing_rows", subject=rows.slot, reason=said)


def missing_events(view: Any, ledger: Ledger, rows: SlotRows, cut_ms: int) -> Iterator[Problem]:
    """Compare order events by their number in the slot's outbox; `cut_ms`: market time."""
    box = ledger.outbox.get(rows.slot) or Outbox()
    owed = max(box.acknowledged, _owed(box, rows, cut_ms))
    if owed > rows.last_event:
        said = f"{events_text(rows.last_event + 1, owed)}: the gateway's log has them"
        yield Problem(kind="missing_rows", subject=rows.slot, reason=said)
    counted = rows.last_event - rows.first_event + 1
    if rows.last_event and rows.events != counted:
        yield from _holes(view, rows)


def _owed(box: Outbox, rows: SlotRows, cut_ms: int) -> int:
    """Return the last event that a slot which was not stopped in order must have by now."""
    if rows.stopped:
        return 0
    return max((event.sequence for event in box.events if event.at_ms < cut_ms), default=0)


def _holes(view: Any, rows: SlotRows) -> Iterator[Problem]:
    found = view.fetch(
        "select payload from valid where slot = ? and kind = 'order_event'", rows.slot
    )
    numbers = sorted(number for (data,) in found if (number := outbox_sequence(data)) is not None)
    for before, after in pairwise(numbers):
        if after > before + 1:
            said = events_text(before + 1, after - 1)
            yield Problem(kind="missing_rows", subject=rows.slot, reason=said)
        elif after == before:
            said = f"order event {after} is there twice"
            yield Problem(kind="altered", subject=rows.slot, reason=said)


def altered_orders(view: Any, ledger: Ledger) -> Iterator[Problem]:
    """Compare price, shares and fee of every order and fill that the log still has."""
    orders = {**ledger.ended, **ledger.orders}
    signed = {one.order_id: (one.slot, one.price, one.shares, None) for one in orders.values()}
    yield from _compared("order", signed, view.fetch(_query("order_id", "order_signed")))
    filled = {
        name: (kept.slot, kept.fill.price, kept.fill.shares, kept.fill.fee_micro_usd)
        for name, kept in ledger.fills.items()
    }
    yield from _compared("fill", filled, view.fetch(_query("fill_id", "filled")))


def _query(key: str, action: str) -> str:
    return _WRITTEN.format(key=key, action=action)


def _compared(
    what: str, known: dict[str, tuple[Any, ...]], rows: Iterable[tuple[Any, ...]]
) -> Iterator[Problem]:
    for name, *told in rows:
        if name in known and known[name] != tuple(told):
            said = f"the journal says {tuple(told)}, the gateway's log {known[name]}"
            subject = f"{told[0]} {what} {name}"
            yield Problem(kind="altered", subject=subject, reason=said)
