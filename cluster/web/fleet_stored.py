"""What the storage tells of a fleet that nobody could ask yet: the last rows of its journals."""

from collections.abc import Sequence

from checkpoints.errors import CheckpointsError
from checkpoints.journal_rows import JournalRow, RowKind
from checkpoints.storage import LocalStorage
from cluster.status.dead_fleet import newest_rows
from cluster.status.page import LastDecisionView, PositionView, SlotView
from cluster.web.fleet_seen import FleetSeen, SlotSeen
from signals.market import Slot

UNASKED = "not asked yet"


def stored_fleet(storage: LocalStorage) -> FleetSeen:
    """Return each slot as its journal left it; a journal that cannot be read tells nothing."""
    try:
        found = [_slot(rows) for rows in newest_rows(storage)]
    except (CheckpointsError, OSError) as error:
        return FleetSeen(problem=str(error))
    known = [one for one in found if Slot.is_name(one.view.slot)]
    known.sort(key=lambda one: Slot.parse(one.view.slot).place)
    return FleetSeen(slots={one.view.slot: one for one in known})


def _slot(rows: Sequence[JournalRow]) -> SlotSeen:
    last = rows[-1]
    decided = [row for row in rows if row.kind is RowKind.DECISION and row.due_ms is not None]
    held = [row for row in rows if row.position_up is not None or row.position_down is not None]
    sums = [row.realized_pnl_micro_usd for row in rows if row.realized_pnl_micro_usd is not None]
    return SlotSeen(
        view=SlotView(
            slot=last.slot,
            state=UNASKED,
            incarnation=last.incarnation,
            fence=last.fence,
            release=last.release,
            commit=last.commit,
            params=last.params,
            position=tuple(_position(row) for row in held[-1:]),
            last_decision=_decision(decided[-1]) if decided else None,
            realized_pnl_micro_usd=sums[-1] if sums else None,
            regime=decided[-1].regime if decided else None,
        ),
        wire_ms=last.wire_ms,
        silent=UNASKED,
    )


def _position(row: JournalRow) -> PositionView:
    return PositionView(
        condition_id=row.condition_id or "",
        close_ms=0,
        up_shares=row.position_up or 0,
        down_shares=row.position_down or 0,
        cash_micro_usd=0,
    )


def _decision(row: JournalRow) -> LastDecisionView:
    return LastDecisionView(
        due_ms=row.due_ms or row.market_ms,
        journaled_ms=row.market_ms,
        action=row.action or "",
        reason=row.reason or "",
    )
