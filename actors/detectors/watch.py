"""All that the journal tells, as one pure state: rows and time in, findings out.

The statistical detectors and, per slot, what the deployed code decided last and which parameters
were set in place. `Deployment` joins it with the gateway's table: what should decide, and since
when.
"""

import math
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.config import Timing
from actors.detectors import deployed, input_drift, settlement, snapshot_ages, statistical
from actors.detectors.deployed import Decided, Deployed
from actors.detectors.finding import Finding
from actors.detectors.from_journal import decided_of
from actors.detectors.input_drift import DriftWatch
from actors.detectors.settlement import SettlementWatch
from actors.detectors.snapshot_ages import AgesWatch
from actors.detectors.statistical import Statistics
from actors.messages import FenceRecord
from actors.slot.facts import ParamsFact
from actors.slot.rows import entry_of
from checkpoints.journal_rows import JournalRow, RowKind, void_bounds
from signals.market import CYCLE_MS, Slot, deadline_ms, decision_points
from signals.market_time import MarketClock
from signals.snapshot import Snapshot

RECENT_MAX: Final = 16
"""Decisions kept of a slot: more than any exact detector counts."""
POINTS_LOOKED_MAX: Final = 12
"""Decision points that are looked back for: an hour of a slot with one a cycle."""
JOURNAL_GRACE_MS: Final = 2_000
"""Wire after a deadline: a row may be on its way to disk, and a look is a second apart."""


class ParamsSet(msgspec.Struct, frozen=True, kw_only=True):
    """What was set in place in one slot, by its journal."""

    changes: dict[str, float | int | str] = {}
    id: str = ""
    since_ms: int = 0
    known: bool = True  # a fact of the journal, not a switch
    """False: the journal was not read from its first row on, and none was set since."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, and what says whether its row counts."""

    decided: Decided
    fence: int
    sequence: int


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    desk: Statistics = Statistics()
    drift: DriftWatch = DriftWatch()
    ages: AgesWatch = AgesWatch()
    recent: dict[str, tuple[Seen, ...]] = {}
    """Slot -> its latest decisions."""
    speaks: tuple[str, ...] = ()
    """Slots in which a decision once had a probability."""
    params: dict[str, ParamsSet] = {}
    settlements: SettlementWatch = SettlementWatch()


def apply(watch: Watch, row: JournalRow) -> Watch:
    """Take one row, of any slot, in the order of time."""
    watch = replace(
        watch,
        desk=statistical.apply(watch.desk, row),
        settlements=settlement.apply(watch.settlements, row),
    )
    if row.kind is RowKind.PARAMS:
        return replace(watch, params={**watch.params, row.slot: _params_of(row)})
    decided = decided_of(row)
    if decided is None:
        return watch
    seen = Seen(decided=decided, fence=row.fence, sequence=row.sequence)
    recent = (*watch.recent.get(row.slot, ()), seen)[-RECENT_MAX:]
    watch = replace(watch, recent={**watch.recent, row.slot: recent})
    if decided.has_probability and row.slot not in watch.speaks:
        watch = replace(watch, speaks=(*watch.speaks, row.slot))
    return watch


def _params_of(row: JournalRow) -> ParamsSet:
    try:
        fact = entry_of(row).fact
    except msgspec.DecodeError:
        return ParamsSet(known=False)
    if not isinstance(fact, ParamsFact):
        return ParamsSet(known=False)
    return ParamsSet(changes=fact.params_set, id=fact.params, since_ms=row.market_ms)


def begin_late(watch: Watch, slots: Iterable[str]) -> Watch:
    """Note slots whose first rows were not read."""
    params = {**dict.fromkeys(slots, ParamsSet(known=False)), **watch.params}
    return msgspec.structs.replace(watch, params=params)


def see(watch: Watch, cycle: tuple[Snapshot, ...]) -> Watch:
    """Take the snapshots of one cycle, one of each asset."""
    return msgspec.structs.replace(
        watch,
        drift=input_drift.advance(watch.drift, cycle),
        ages=snapshot_ages.advance(watch.ages, cycle),
        settlements=settlement.see(watch.settlements, cycle),
    )


def tick(watch: Watch, market_ms: int) -> Watch:
    return msgspec.structs.replace(
        watch,
        desk=statistical.tick(watch.desk, market_ms),
        settlements=settlement.tick(watch.settlements, market_ms),
    )


def findings(watch: Watch) -> tuple[Finding, ...]:
    """Return what the statistical detectors say now."""
    return (
        *statistical.findings(watch.desk),
        *input_drift.findings(watch.drift),
        *snapshot_ages.findings(watch.ages),
        *settlement.findings(watch.settlements),
    )


# ---- what should decide -----------------------------------------------------------------------


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One slot by the gateway's table and the configuration."""

    owner: FenceRecord
    history: tuple[FenceRecord, ...]
    """Of the slot, oldest first."""
    params: str | None
    """Id that its decisions should carry; None: not known."""
    owes_from_ms: int | None
    """Market time since which its points are owed; None: it may still be starting."""


def judge_deployment(
    watch: Watch, deployment: Deployment, clock: MarketClock, timing: Timing, market_ms: int
) -> tuple[Finding, ...]:
    """Say whether one slot's deployed code, its parameters and its signal ever decided.

    Only points since the present claim are owed, and since the supervisor holds the slot to them.
    """
    owner = deployment.owner
    set_ms = watch.params.get(owner.slot, ParamsSet()).since_ms
    expected = Deployed(
        slot=owner.slot,
        release=owner.release,
        params=deployment.params,
        since_ms=clock.market_ms(came_wire_ms(deployment.history, owner)),
        params_since_ms=set_ms,
        speaks=owner.slot in watch.speaks,
    )
    points = passed_points(Slot.parse(owner.slot), clock, timing, market_ms)
    owed = tuple(due_ms for due_ms in points if due_ms > _owed_after_ms(deployment, clock))
    bounds = void_bounds(deployment.history).get(owner.slot, ())
    rows = [seen.decided for seen in watch.recent.get(owner.slot, ()) if not _void(seen, bounds)]
    return deployed.judge(expected, rows, owed)


def _owed_after_ms(deployment: Deployment, clock: MarketClock) -> float:
    if deployment.owes_from_ms is None:
        return math.inf
    return max(deployment.owes_from_ms, clock.market_ms(deployment.owner.granted_wire_ms))


def came_wire_ms(history: tuple[FenceRecord, ...], owner: FenceRecord) -> int:
    """Return when the owner's release came to the slot: restarts of it are not counted."""
    came = owner.granted_wire_ms
    for record in reversed(history):
        if record.release != owner.release:
            break
        came = record.granted_wire_ms
    return came


def passed_points(
    slot: Slot, clock: MarketClock, timing: Timing, market_ms: int
) -> tuple[int, ...]:
    """Return the latest decision points whose deadline has passed, grace included."""
    now_ms = market_ms - JOURNAL_GRACE_MS * clock.speed
    begin_ms = now_ms - POINTS_LOOKED_MAX * CYCLE_MS
    points = decision_points(slot.timeframe, timing.decision_offsets_ms, begin_ms)
    passed: list[int] = []
    point = next(points)
    while point.due_ms <= now_ms:
        following = next(points)
        if deadline_ms(point, following) <= now_ms:
            passed.append(point.due_ms)
        point = following
    return tuple(passed[-POINTS_LOOKED_MAX:])


def _void(seen: Seen, bounds: Iterable[tuple[int, int]]) -> bool:
    return any(seen.fence < fence and seen.sequence > last for fence, last in bounds)
