"""What a fleet did, counted from its durable journal rows alone: the summary of a run."""

from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow.compute as pc

from actors.messages import FenceRecord
from actors.slot.facts import ClaimFact
from actors.slot.rows import entry_of
from checkpoints.journal import rows_of_table
from checkpoints.journal_days import journal_dataset
from checkpoints.journal_rows import JournalRow, RowKind, valid_rows

COLUMNS: Final = (
    "kind",
    "slot",
    "sequence",
    "fence",
    "incarnation",
    "life",
    "release",
    "commit",
    "params",
    "market_ms",
    "wire_ms",
    "action",
    "reason",
    "condition_id",
    "order_id",
    "fill_id",
    "complete",
    "realized_pnl_micro_usd",
    "outcome",
    "side",
    "price_micro_usd",
    "shares_micro",
    "fee_micro_usd",
    "payload",
)


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    slots: int
    decisions: int
    missed: int
    complete_share: float
    slots_ordered: int
    """With at least one order that the venue took."""
    orders: int
    fills: int
    """Not reversed."""
    settlements: int
    """Markets in which something was filled."""
    realized_pnl_micro_usd: int
    damaged: tuple[str, ...]


def read_rows(
    storage: Path, from_ms: int | None = None
) -> tuple[list[JournalRow], tuple[str, ...]]:
    """Return all valid rows, by slot and sequence, and the names of damaged files.

    `from_ms`: only order events from that moment of market time on; a year stays on the disk.
    """
    found = journal_dataset(storage)
    chosen: Any = None
    if from_ms is not None:
        kind, late = pc.field("kind"), pc.field("market_ms") >= from_ms
        chosen = (kind == str(RowKind.CLAIM)) | ((kind == str(RowKind.ORDER_EVENT)) & late)
    table: Any = found.dataset.to_table(columns=list(COLUMNS), filter=chosen)
    rows = rows_of_table(table)
    rows = valid_rows(rows, claims_of(rows))
    rows.sort(key=lambda row: (row.slot, row.sequence))
    return rows, tuple(f"{damage.name}: {damage.reason}" for damage in found.damaged)


def claims_of(rows: list[JournalRow]) -> list[FenceRecord]:
    """Return the fence records that slots journaled when they were granted their seat."""
    facts = [entry_of(row).fact for row in rows if row.kind is RowKind.CLAIM]
    return [fact.record for fact in facts if isinstance(fact, ClaimFact)]


def tally(storage: Path) -> Tally:
    """Count the whole storage."""
    rows, damaged = read_rows(storage)
    decided = [row for row in rows if row.kind is RowKind.DECISION]
    orders = [row for row in rows if row.action == "order_opened"]
    filled = [row for row in rows if row.action == "filled"]
    reversed_ids = {row.fill_id for row in rows if row.action == "fill_failed"}
    kept = [row for row in filled if row.fill_id not in reversed_ids]
    traded = {row.condition_id for row in kept}
    settled = {row.condition_id for row in rows if row.action == "settled"}
    last = {row.slot: row.realized_pnl_micro_usd or 0 for row in rows}
    return Tally(
        slots=len({row.slot for row in decided}),
        decisions=len(decided),
        missed=sum(_count(row) for row in rows if row.action == "missed"),
        complete_share=sum(bool(row.complete) for row in decided) / max(1, len(decided)),
        slots_ordered=len({row.slot for row in orders}),
        orders=len({row.order_id for row in orders}),
        fills=len(kept),
        settlements=len(settled & traded),
        realized_pnl_micro_usd=sum(last.values()),
        damaged=damaged,
    )


def _count(row: JournalRow) -> int:
    """Read how many decision points a note of missed ones stands for."""
    count = (row.reason or "").partition(" ")[0]
    return int(count) if count.isdigit() else 1
