"""Is the record complete? The journal against everything else that knows what must be in it.

A journal cannot tell by itself that its end, its beginning or all of a slot is gone. Checkpoints,
the gateway's log, the configuration's schedule and the files that rows name can; what they say is
compared here, and what was compared is said with the answer.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from actors.config import FleetConfig
from actors.gateway.ledger import Ledger
from actors.gateway.records import Seat
from actors.runtime import CONFIG_FILE
from checkpoints.checkpoint_store import CHECKPOINTS
from checkpoints.errors import CheckpointsError
from checkpoints.journal_days import JOURNAL_DAYS_KEPT, SNAPSHOT_DAYS_KEPT
from checkpoints.small_file import from_json
from checkpoints.storage import LocalStorage
from cluster.audit import against_checkpoints, against_log, against_schedule, named_files
from cluster.audit.against_checkpoints import Bound, Due, Files, Kept, kept_of, read_files
from cluster.audit.journal_view import JournalView, read_journal
from cluster.audit.log_reading import LogView, read_log
from cluster.audit.problem import Problem
from cluster.audit.recompute import SameFold, recompute
from cluster.audit.slot_rows import SlotRows, slot_rows
from cluster.terminal.counting import counted
from signals.market import DAY_MS, day_of

STARTED_DECISIONS: Final = 24
"""A fleet whose slots have decided so often has started: a slot without a row is no late one."""
RECOMPUTED_MAX: Final = 20_000
"""Rows after the oldest kept checkpoint: two hours of a slot are some hundred."""


class Completeness(msgspec.Struct, frozen=True, kw_only=True):
    """What is missing, and what the journal was compared with."""

    problems: tuple[Problem, ...]
    checked: tuple[str, ...]


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What knows of the journal, read before it: a fleet that runs writes its rows first."""

    wire_ms: int
    log: LogView
    checkpoints: dict[str, Files]


def read_beside(storage: LocalStorage) -> Beside:
    """Read the gateway's log, then the checkpoints."""
    wire_ms = time.time_ns() // 1_000_000
    log = read_log(storage)
    slots = storage.folders(CHECKPOINTS)
    return Beside(
        wire_ms=wire_ms, log=log, checkpoints={slot: read_files(storage, slot) for slot in slots}
    )


_T = TypeVar("_T")


def read_proven(
    storage: Path, read: Callable[[JournalView], _T], *, deep: bool = False
) -> tuple[_T, Completeness]:
    """Read a journal, and compare it with all that knows what must be in it."""
    beside = read_beside(LocalStorage(storage))

    def both(view: JournalView) -> tuple[_T, Completeness]:
        answer, found = read(view), check_record(view, beside, deep=deep)
        problems = (*view.problems(), *found.problems)
        return answer, Completeness(problems=problems, checked=found.checked)

    return read_journal(storage, both)


class _Case:
    """What all comparisons look at, read once."""

    def __init__(self, view: JournalView, beside: Beside) -> None:
        self.view = view
        self.storage = view.storage
        self.beside = beside
        self.problems: list[Problem] = []
        self.config = self._config()
        self.ledger: Ledger | None = beside.log.ledger
        self.problems += beside.log.problems
        found = slot_rows(view)
        self.last_ms = max((one.last_ms for one in found.values()), default=0)
        self.last_wire_ms = max((one.last_wire_ms for one in found.values()), default=0)
        self.rows = {name: found.get(name, SlotRows(slot=name)) for name in self._slots(found)}
        self._bounds = self._first_rows()
        self.kept = {name: self._kept(name) for name in self.rows}
        self.unsaved = self._decided_since()

    def _config(self) -> FleetConfig | None:
        try:
            return from_json(self.storage.read(CONFIG_FILE), FleetConfig, CONFIG_FILE)
        except CheckpointsError as error:
            self.problems.append(Problem(kind="missing", subject=CONFIG_FILE, reason=str(error)))
            return None

    def _slots(self, found: dict[str, SlotRows]) -> list[str]:
        configured = () if self.config is None else (one.slot for one in self.config.slots)
        seated = () if self.ledger is None else self.ledger.seats
        return sorted({*found, *configured, *seated, *self.beside.checkpoints})

    def _kept(self, slot: str) -> Kept:
        seat = self.seat(slot)
        files = self.beside.checkpoints.get(slot, Files())
        bounds = self._bounds.get(slot, [])
        return kept_of(slot, files, (*bounds, *(() if seat is None else seat.history)))

    def _first_rows(self) -> dict[str, list[Bound]]:
        """Return where each fence began by its first row: older owners' rows end before."""
        found: dict[str, list[Bound]] = {}
        query = "select slot, fence, min(sequence) from rows group by slot, fence"
        for slot, fence, sequence in self.view.fetch(query):
            bound = Bound(slot=slot, fence=fence, journal_sequence=sequence - 1)
            found.setdefault(slot, []).append(bound)
        return found

    def _decided_since(self) -> dict[str, int]:
        """Count, slot by slot, the decisions after the newest checkpoint that had time for one."""
        newest = {
            name: max((one.meta.sequence for one in kept.fulls), default=0)
            for name, kept in self.kept.items()
        }
        if not newest:
            return {}
        old_ms = self.beside.wire_ms - against_log.GRACE_WIRE_MS
        places = ", ".join(["(?, ?)"] * len(newest))
        query = f"""select slot, count(*) from valid join (values {places}) as kept(name, reached)
          on slot = name where kind = 'decision' and sequence > reached and wire_ms < ?
          group by slot"""  # noqa: S608 only question marks
        return dict(self.view.fetch(query, *(v for one in newest.items() for v in one), old_ms))

    def seat(self, slot: str) -> Seat | None:
        return None if self.ledger is None else self.ledger.seats.get(slot)

    @property
    def speed(self) -> float:
        return 1.0 if self.config is None else self.config.clock.speed

    @property
    def cut_ms(self) -> int:
        """Market time: what is younger may still be on its way to the journal."""
        return self.last_ms - int(against_log.GRACE_WIRE_MS * self.speed)


def check_record(view: JournalView, beside: Beside, *, deep: bool = False) -> Completeness:
    """Compare the journal with all that names it. `deep`: every snapshot's bytes, every row."""
    case = _Case(view, beside)
    checked: list[str] = []
    for slot, rows in case.rows.items():
        case.problems += case.kept[slot].problems
        case.problems += _of_slot(case, rows)
    checked.append(_rows_text(case))
    checked += _schedule(case)
    case.problems += _of_log(case)
    checked.append(_recomputed(case, deep=deep))
    checked += _files(case, deep=deep)
    return Completeness(problems=tuple(case.problems), checked=tuple(checked))


def _of_log(case: _Case) -> Iterator[Problem]:
    """Look at the log once more, after the rows: whatever they say of orders was in it first."""
    ledger = read_log(case.storage).ledger
    if ledger is None:
        return
    for rows in case.rows.values():
        yield from against_log.lost_log(ledger, rows)
    yield from against_log.altered_orders(case.view, ledger)


def _of_slot(case: _Case, rows: SlotRows) -> Iterator[Problem]:
    """Yield what one slot's rows lack; the first that proves rows missing at the end is enough."""
    kept, ledger = case.kept[rows.slot], case.ledger
    ends = list(against_checkpoints.missing_rows(kept, rows))
    if ledger is not None:
        ends += against_log.missing_by_fences(ledger, rows, case.last_wire_ms)
        ends += against_log.missing_events(case.view, ledger, rows, case.cut_ms)
    others = max((one.decisions for one in case.rows.values()), default=0)
    if not rows.rows and (ends or others >= STARTED_DECISIONS):
        yield against_schedule.no_rows(rows.slot)
        ends = ends[:1]
    yield from ends
    oldest = day_of(case.last_ms - (JOURNAL_DAYS_KEPT - 1) * DAY_MS)
    yield from against_schedule.lost_head(rows, oldest, day_of(rows.first_ms))
    if rows.rows:
        yield from against_checkpoints.missing_checkpoints(kept, rows, _due(case, rows))
    seat = case.seat(rows.slot)
    yield from against_checkpoints.missing_handoff(kept, None if seat is None else seat.owner)


def _due(case: _Case, rows: SlotRows) -> Due:
    box = None if case.ledger is None else case.ledger.outbox.get(rows.slot)
    return Due(
        every=1 if case.config is None else case.config.timing.checkpoint_every_decisions,
        since=case.unsaved.get(rows.slot, 0),
        acknowledged=0 if box is None else box.acknowledged,
    )


def _rows_text(case: _Case) -> str:
    rows = sum(one.rows for one in case.rows.values())
    events = sum(one.events for one in case.rows.values())
    fulls = sum(len(one.fulls) + len(one.deltas) for one in case.kept.values())
    log = f"{events} order events against the gateway's log"
    if case.ledger is None:
        log = "no gateway's log"
    found = f"{counted(rows, 'row')} of {counted(len(case.rows), 'slot')}"
    return f"{found} against {counted(fulls, 'checkpoint')}, {log}"


def _schedule(case: _Case) -> Iterator[str]:
    if case.config is None:
        return
    offsets = case.config.timing.decision_offsets_ms
    points = 0
    for slot, covered in against_schedule.covered_points(case.view).items():
        points += len(covered[0])
        case.problems += against_schedule.missing_points(case.rows[slot], covered, offsets)
    case.problems += against_schedule.dark_slots(case.rows.values(), offsets, case.cut_ms)
    yield f"{counted(points, 'decision point')} against the schedule"


def _recomputed(case: _Case, *, deep: bool) -> str:
    made, same = 0, SameFold(case.storage)
    for slot, kept in case.kept.items():
        if made < RECOMPUTED_MAX or deep:
            found = recompute(
                case.view, slot, kept.fulls, same, whole=deep and case.rows[slot].first == 1
            )
            made += found.rows
            case.problems += found.problems
    return f"{counted(made, 'row')} made again"


def _files(case: _Case, *, deep: bool) -> Iterator[str]:
    since_ms = (case.last_ms // DAY_MS - SNAPSHOT_DAYS_KEPT + 1) * DAY_MS
    hashed_max = None if deep else named_files.HASHED_MAX
    snapshots = named_files.check_snapshots(case.view, since_ms, hashed_max)
    case.problems += snapshots.problems
    yield f"{counted(snapshots.named, 'snapshot')} by name, {snapshots.hashed} by their bytes"
    owners = {seat.owner.release for seat in _seats(case) if seat.owner is not None}
    releases = named_files.named_releases(case.view) | snapshots.makers | owners
    case.problems += named_files.check_releases(case.storage, releases)
    count, problems = named_files.check_params(case.view)
    case.problems += problems
    yield f"{counted(len(releases), 'release')} and {counted(count, 'parameter set')}"


def _seats(case: _Case) -> Iterator[Seat]:
    yield from () if case.ledger is None else case.ledger.seats.values()
