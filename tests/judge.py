"""The judge: what a fleet did, from schedule, journal and exchange ledger alone.

`python -m tests.judge STORAGE LEDGER [--json]`; exit 0 when nothing was missed and nothing differs.
It trusts no counter of the fleet: due points come from configuration and clock, money from the
ledger's trades and payouts in integers. Journal files are read with plain pyarrow.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from actors.config import FleetConfig
from actors.live.climb_store import climb_orders
from actors.messages import OrderEnd
from actors.runtime import CONFIG_FILE
from checkpoints.storage import LocalStorage
from signals.market import Slot, deadline_ms, decision_points
from tests.judge_journal import FillSide, JournalSide, Row, read_journal
from tests.judge_ledger import LedgerSide, VenueFill, read_ledger
from tests.judge_paper import is_paper, read_paper

GRACE_WIRE_MS = 10_000
"""What the ledger has of the last ten wire seconds may still be on its way to the journal."""
START_WIRE_MS = 240_000
"""So long a launch waits for its slots: one that claims within it owes from its own claim on."""
LIST_LIMIT = 20


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    slots: int
    due: int
    decisions: int
    """Decided in time."""
    missed: int
    missed_points: list[str]
    complete_share: float
    slots_ordered: int
    orders: int
    fills: int
    settlements: int
    differences: list[str]
    pnl_micro_usd: int
    """Of the markets that both sides know as settled, by the ledger."""
    journal_pnl_micro_usd: int
    """The same markets by the journal."""
    pending_settlements: int
    """Markets with fills that settled at the venue and not (yet) in the journal."""

    @property
    def clean(self) -> bool:
        return not self.missed and not self.differences


def judge(storage: Path, ledger: Path) -> Verdict:
    """Judge a storage folder against the sandbox's state folder, or its own paper account."""
    config = msgspec.json.decode((storage / CONFIG_FILE).read_bytes(), type=FleetConfig)
    journal = read_journal(storage)
    venue = read_paper(storage) if is_paper(storage) else _of_the_slots(storage, ledger)
    slots = [entry.slot for entry in config.slots]
    offsets = config.timing.decision_offsets_ms
    start_ms = int(START_WIRE_MS * config.clock.speed)
    due = {slot: list(due_points(journal, Slot.parse(slot), offsets, start_ms)) for slot in slots}
    made = {(row.slot, row.due_ms): row for row in decisions_in_time(journal, due)}
    missed = [
        f"{slot}@{point}" for slot in slots for point, _ in due[slot] if (slot, point) not in made
    ]
    both = journal.settled.keys() & venue.settled.keys()
    pending = [key for key in venue.settled.keys() - both if venue.filled_in(key)]
    complete = sum(1 for row in made.values() if row.complete)
    return Verdict(
        slots=len({row.slot for row in made.values()}),
        due=sum(len(points) for points in due.values()),
        decisions=len(made),
        missed=len(missed),
        missed_points=missed[:LIST_LIMIT],
        complete_share=complete / len(made) if made else 0.0,
        slots_ordered=len(
            {order.slot for order in journal.orders.values() if order.order_id in venue.orders}
        ),
        orders=len(venue.orders),
        fills=sum(1 for fill in venue.fills.values() if not fill.failed),
        settlements=sum(venue.filled_in(condition) for condition in venue.settled),
        differences=list(differences(journal, venue)),
        pnl_micro_usd=sum(venue.pnl(condition) for condition in both),
        journal_pnl_micro_usd=sum(journal.pnl(condition) for condition in both),
        pending_settlements=len(pending),
    )


def _of_the_slots(storage: Path, ledger: Path) -> LedgerSide:
    """Return the exchange's side without the climb's own orders: no slot sent them."""
    venue = read_ledger(ledger)
    climbed = {placed.order_id for placed in climb_orders(LocalStorage(storage))}
    venue.orders = {one: placed for one, placed in venue.orders.items() if one not in climbed}
    for name, fill in list(venue.fills.items()):
        if name.partition("/")[2] not in climbed:
            continue
        del venue.fills[name]
        settled = venue.settled.get(fill.condition_id)
        if settled is not None and not fill.failed and fill.terms.outcome == settled.winner:
            shares = fill.terms.shares if fill.terms.side == "BUY" else -fill.terms.shares
            paid = settled.paid_micro_usd - shares
            venue.settled[fill.condition_id] = msgspec.structs.replace(settled, paid_micro_usd=paid)
    return venue


def due_points(
    journal: JournalSide, slot: Slot, offsets_ms: tuple[int, ...], start_ms: int = 0
) -> Iterator[tuple[int, int]]:
    """Yield (due, deadline) of every point of the fleet's runs that the slot owed a decision at."""
    for begin_ms, end_ms in journal.lives(str(slot), start_ms):
        points = decision_points(slot.timeframe, offsets_ms, begin_ms)
        point = next(points)
        for following in points:
            limit_ms = deadline_ms(point, following)
            if limit_ms > end_ms:
                break
            yield point.due_ms, limit_ms
            point = following


def decisions_in_time(journal: JournalSide, due: dict[str, list[tuple[int, int]]]) -> Iterator[Row]:
    limits = {(slot, point): limit for slot, points in due.items() for point, limit in points}
    for row in journal.decisions:
        limit = limits.get((row.slot, row.due_ms or 0))
        if limit is not None and row.market_ms < limit:
            yield row


def differences(journal: JournalSide, venue: LedgerSide) -> Iterator[str]:
    """Name every disagreement about orders, fills, settlements and money."""
    yield from journal.damaged
    cut_ms = journal.last_wire_ms - GRACE_WIRE_MS
    yield from order_differences(journal, venue, cut_ms)
    yield from fill_differences(journal, venue, cut_ms)
    yield from settlement_differences(journal, venue, cut_ms)


def order_differences(journal: JournalSide, venue: LedgerSide, cut_ms: int) -> Iterator[str]:
    for order_id, placed_ms in venue.orders.items():
        if order_id not in journal.orders and placed_ms <= cut_ms:
            yield f"order {order_id}: at the venue, not in the journal"
    for order in journal.orders.values():
        killed = order.end is OrderEnd.KILLED and order.order_id in venue.refused
        known = order.order_id in venue.orders or killed
        if not known and order.at_venue and order.signed_wire_ms <= cut_ms:
            yield f"order {order.order_id} of {order.intent_id}: in the journal, not at the venue"
    counted = Counter(order.intent_id for order in journal.orders.values())
    for intent, count in counted.items():
        if count > 1:
            yield f"intent {intent}: {count} orders"


def fill_differences(journal: JournalSide, venue: LedgerSide, cut_ms: int) -> Iterator[str]:
    for fill_id, fill in venue.fills.items():
        own = journal.fills.get(fill_id)
        if own is not None:
            yield from fill_difference(fill_id, own, fill, cut_ms)
        elif fill.wire_ms <= cut_ms and not fill.failed:
            yield f"fill {fill_id}: at the venue, not in the journal"
    for fill_id in journal.fills.keys() - venue.fills.keys():
        yield f"fill {fill_id}: in the journal, not at the venue"
    for fill_id, count in Counter(journal.fill_rows).items():
        if count > 1:
            yield f"fill {fill_id}: applied {count} times"


def fill_difference(fill_id: str, own: FillSide, theirs: VenueFill, cut_ms: int) -> Iterator[str]:
    if own.terms != theirs.terms:
        yield f"fill {fill_id}: journal {own.terms}, venue {theirs.terms}"
    elif own.failed != theirs.failed and theirs.moved_wire_ms <= cut_ms:
        yield f"fill {fill_id}: failed by venue {theirs.failed}, by journal {own.failed}"


def settlement_differences(journal: JournalSide, venue: LedgerSide, cut_ms: int) -> Iterator[str]:
    for condition, settled in venue.settled.items():
        winner = journal.settled.get(condition)
        if winner is not None:
            yield from settlement_difference(condition, journal, venue)
        elif settled.wire_ms <= cut_ms and venue.filled_in(condition):
            yield f"market {condition}: settled at the venue, not in the journal"
        if venue.pnl(condition) != venue.pnl_by_payout(condition):
            yield f"market {condition}: the ledger's payout contradicts its trades"
    for condition in journal.settled.keys() - venue.settled.keys():
        if any(fill.condition_id == condition for fill in journal.fills.values()):
            yield f"market {condition}: settled in the journal, not at the venue"


def settlement_difference(condition: str, journal: JournalSide, venue: LedgerSide) -> Iterator[str]:
    own, theirs = journal.pnl(condition), venue.pnl(condition)
    if journal.settled[condition] != venue.settled[condition].winner:
        yield f"market {condition}: the journal and the venue name different winners"
    elif own != theirs:
        yield f"market {condition}: P&L {own} by journal, {theirs} by ledger (micro-USD)"


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.judge", description=__doc__)
    parser.add_argument("storage", type=Path)
    parser.add_argument("ledger", type=Path, help="the sandbox's state folder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    verdict = judge(options.storage, options.ledger)
    if options.json:
        sys.stdout.write(msgspec.json.encode(verdict).decode() + "\n")
    else:
        for name in verdict.__struct_fields__:
            sys.stdout.write(f"{name:>22}  {getattr(verdict, name)}\n")
    return 0 if verdict.clean else 1


if __name__ == "__main__":
    sys.exit(main())
