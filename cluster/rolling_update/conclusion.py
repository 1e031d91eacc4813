"""The last sentence of a roll: how many switched, decisions missed, how dark, how to go back."""

import statistics
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec

from actors.rollout.record import read_report, read_state, rollout_ids
from actors.rollout.report import Report
from actors.runtime import load_config, wire_ms
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.audit.journal_view import read_journal
from cluster.terminal.counting import counted
from signals.market import DecisionPoint, Slot, deadline_ms, decision_points

LETTERS = 12


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """Decision points of a roll's slots whose deadline has passed."""

    points: int
    missed: tuple[tuple[str, int], ...]
    """Slot and due time of those without a decision in the journal."""


def due_points(slot: str, offsets_ms: tuple[int, ...], from_ms: int, to_ms: int) -> Iterator[int]:
    """Yield the due times after `from_ms` whose deadline is at most `to_ms` (market time)."""
    points = decision_points(Slot.parse(slot).timeframe, offsets_ms, from_ms)
    point: DecisionPoint = next(points)
    for following in points:
        if deadline_ms(point, following) > to_ms:
            return
        yield point.due_ms
        point = following


def count_due(
    slots: Sequence[str],
    offsets_ms: tuple[int, ...],
    decided: Collection[tuple[str, int]],
    from_ms: int,
    to_ms: int,
) -> Due:
    """Hold the schedule against the decisions that are journaled."""
    owed = [(slot, due) for slot in slots for due in due_points(slot, offsets_ms, from_ms, to_ms)]
    known = set(decided)
    return Due(points=len(owed), missed=tuple(one for one in owed if one not in known))


def conclude(storage: Path, before: Collection[str]) -> str | None:
    """Return the sentence for the roll that ended since; None where none did or nothing is known.

    `before`: the rollouts that were known when this one was submitted.
    """
    kept = LocalStorage(storage)
    new = sorted(set(rollout_ids(kept)) - set(before))
    report = read_report(kept, new[-1]) if new else None
    if report is None:
        return None
    try:
        due = _due_of(storage, kept, report)
    except CheckpointsError:
        due = None  # the journal cannot be read: `audit check` says why
    return sentence(report, due)


def _due_of(storage: Path, kept: LocalStorage, report: Report) -> Due | None:
    state = read_state(kept, report.rollout)
    if state is None:
        return None
    config = load_config(str(storage))
    from_ms = config.clock.market_ms(state.started_wire_ms)
    slots = [slot.slot for slot in report.slots]
    query = "select slot, due_ms from valid where kind = 'decision' and due_ms >= ?"
    rows = read_journal(storage, lambda view: view.fetch(query, from_ms))
    now_ms = config.clock.market_ms(wire_ms())
    decided = {(str(slot), int(due_ms)) for slot, due_ms in rows}
    return count_due(slots, config.timing.decision_offsets_ms, decided, from_ms, now_ms)


def sentence(report: Report, due: Due | None) -> str:
    """Write it; what is not known is left out."""
    slots = counted(len(report.slots), "slot")
    parts = [f"{report.switched} of {slots} on {report.to_release[:LETTERS]}"]
    if due is not None:
        count = len(due.missed)
        parts.append(f"{count} of {counted(due.points, 'decision')} missed meanwhile")
    dark = sorted(slot.dark_ms for slot in report.slots if slot.dark_ms is not None)
    if dark:
        middle = statistics.median(dark)
        parts.append(f"dark for {middle:.0f} ms (median), {dark[-1]:.0f} ms (longest)")
    back = "To go back: `midstride rolling-update rollback`."
    return f"{'; '.join(parts)}. {back if report.switched else ''}".rstrip()
