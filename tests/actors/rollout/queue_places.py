"""Orders that rested while their slot changed hands, by the exchange's own ledger."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from actors.messages import OrderSigned
from actors.slot.facts import ClaimFact, HandoffFact, OrderFact
from actors.slot.rows import entry_of
from checkpoints.journal import Journal
from checkpoints.storage import LocalStorage
from cluster.sandbox.ledger import read_entries
from cluster.sandbox.records import Entry, OrderEnded, OrderRested, Traded


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    handoff: str
    quiesced_wire_ms: int
    adopted_wire_ms: int
    orders: tuple[str, ...]
    """Signed for the slot before it quiesced."""


class Rest(msgspec.Struct, kw_only=True):
    """One order at the venue, as its ledger tells it."""

    rested_wire_ms: int
    ended_wire_ms: int | None = None
    end: str = ""
    times_rested: int = 1


def switches(storage: LocalStorage, slots: tuple[str, ...]) -> Iterator[Switch]:
    """Yield each completed switch, from the slots' journals."""
    for slot in slots:
        orders: list[str] = []
        quiesced: tuple[str, int] | None = None
        for row in Journal(storage, slot).rows_after(0).rows:
            fact = entry_of(row).fact
            if isinstance(fact, OrderFact) and isinstance(fact.event, OrderSigned):
                orders.append(fact.event.order_id)
            elif isinstance(fact, HandoffFact) and fact.step == "quiesce":
                quiesced = (fact.handoff, row.wire_ms)
            elif isinstance(fact, ClaimFact) and quiesced and fact.record.handoff == quiesced[0]:
                yield Switch(
                    slot=slot,
                    handoff=quiesced[0],
                    quiesced_wire_ms=quiesced[1],
                    adopted_wire_ms=row.wire_ms,
                    orders=tuple(orders),
                )


def rests(ledger: Path) -> dict[str, Rest]:
    found: dict[str, Rest] = {}
    for entry in read_entries(ledger):
        _take(found, entry)
    return found


def _take(found: dict[str, Rest], entry: Entry) -> None:
    record = entry.record
    if isinstance(record, OrderRested):
        if record.order_id in found:
            found[record.order_id].times_rested += 1
        else:
            found[record.order_id] = Rest(rested_wire_ms=entry.wire_ms)
    elif isinstance(record, OrderEnded) and record.order_id in found:
        rest = found[record.order_id]
        rest.ended_wire_ms, rest.end = entry.wire_ms, str(record.reason)
    elif isinstance(record, Traded):
        for leg in record.trade.makers:
            if leg.order_id in found:
                found[leg.order_id].end = found[leg.order_id].end or "traded"


def kept_orders(switch: Switch, found: dict[str, Rest]) -> tuple[int, list[str]]:
    """Count the orders that rested over a switch; name those that did not keep their place."""
    kept, lost = 0, []
    for order in switch.orders:
        rest = found.get(order)
        if rest is None or rest.rested_wire_ms > switch.quiesced_wire_ms:
            continue
        ended = rest.ended_wire_ms
        if ended is not None and ended <= switch.quiesced_wire_ms:
            continue
        if rest.times_rested > 1:
            lost.append(f"{order} was queued {rest.times_rested} times")
        elif ended is not None and ended <= switch.adopted_wire_ms:
            lost.append(f"{order} ended during the switch: {rest.end}")
        else:
            kept += 1
    return kept, lost
