"""Does the venue pay out what its own rule and the recorded averages say? Pure.

A market is Up if the average observed at its close is at least the one observed at its open; a tie
is Up. Both are read from the snapshots that the slots decided on, so the evidence is on the disk.
Where an average is missing or stale the market is not compared, and counted as such: a gap of the
feed must not look like a lie of the venue.
"""

from bisect import bisect_left, bisect_right
from enum import StrEnum
from typing import Final, overload

import msgspec
from msgspec.structs import replace

from actors.detectors.finding import Finding
from checkpoints.journal_rows import JournalRow, RowKind
from signals.market import CYCLE_MS, Asset, Outcome, Slot, Window, market_slug
from signals.snapshot import Snapshot, Ticks

STALE_MS: Final = 2_000
"""Market ms before a boundary: of recorded settlements whose average was at most this old, 7,898 of
7,899 agreed; older ones say less."""
AROUND_MS: Final = 5_000
"""Market ms on each side of a boundary that are kept as evidence."""
TOO_CLOSE: Final = 1e-12
"""Relative: averages are kept as binary fractions, which cannot tell nearer ones apart."""
MARKS_MAX: Final = 52
"""Boundaries kept of an asset: a 4h market has 49 of them."""
MARKET_MAX: Final = 2_048
"""Markets that wait for their winner: sixteen slots for ten hours. Beyond it the oldest are let
go, as not compared."""
DONE_MAX: Final = 512
DIFFERENT_MAX: Final = 16
"""Differences that are told; a person has to look long before."""
WAIT_MS: Final = 3 * CYCLE_MS
"""Market ms after a close until an average that was not seen is given up: snapshots of a cycle are
read one cycle later."""
LATE_MS: Final = 2 * 3_600_000
"""Market ms after a close; the venue mostly takes a minute, and took 44 h in a dispute."""
SHOWN_MAX: Final = 600
"""Letters of a series in an alarm."""


class NotCompared(StrEnum):
    NO_OPEN = "no average at the open"
    NO_CLOSE = "no average at the close"
    STALE = "a stale average"
    TOO_CLOSE = "averages too close to tell apart"
    LET_GO = "too many markets waited"


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What was observed around one boundary."""

    value: float | None = None
    """The average at the boundary, or the newest one before it if that was not stale."""
    stale: bool = False
    """There was one before it, and that was too old."""
    times_ms: tuple[int, ...] = ()
    values: tuple[float, ...] = ()

    def text(self) -> str:
        pairs = zip(self.times_ms, self.values, strict=True)
        return " ".join(f"{time_ms}:{value!r}" for time_ms, value in pairs)[:SHOWN_MAX]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A market in which a slot had an order."""

    slot: str
    window_open_ms: int
    opened: Mark | None = None
    closed: Mark | None = None
    winner: str | None = None
    """As the venue resolved it; None: it has not."""

    @property
    def window(self) -> Window:
        return Window(self.window_open_ms, Slot.parse(self.slot).timeframe)

    @property
    def asset(self) -> Asset:
        return Slot.parse(self.slot).asset


class SettlementWatch(msgspec.Struct, frozen=True, kw_only=True):
    marks: dict[str, dict[str, Mark]] = {}
    """Asset -> boundary (market ms, as text) -> what was observed there."""
    waiting: dict[str, Waiting] = {}
    """By condition, in the order in which they were first decided on."""
    done: tuple[str, ...] = ()
    """Conditions that were judged lately: a repeated row is not counted twice."""
    agreed: int = 0
    not_compared: dict[str, int] = {}
    """By `NotCompared`."""
    different: dict[str, dict[str, str]] = {}
    """Slug -> evidence, of the newest differences."""
    differences: int = 0
    now_ms: int = 0


def apply(watch: SettlementWatch, row: JournalRow) -> SettlementWatch:
    """Take a row: a decision that sent an order, or a settlement."""
    condition_id = row.condition_id
    if condition_id is None or condition_id in watch.done:
        return watch
    settled = row.kind is RowKind.ORDER_EVENT and row.action == "settled"
    known = watch.waiting.get(condition_id)
    if known is None and row.window_open_ms is not None and (settled or row.intent_id is not None):
        known = Waiting(slot=row.slot, window_open_ms=row.window_open_ms)
    if known is None:
        return watch
    if settled:
        known = replace(known, winner=row.outcome)
    return _without_oldest(replace(watch, waiting={**watch.waiting, condition_id: known}))


def _without_oldest(watch: SettlementWatch) -> SettlementWatch:
    if len(watch.waiting) <= MARKET_MAX:
        return watch
    return _let_go(watch, next(iter(watch.waiting)), NotCompared.LET_GO)


def see(watch: SettlementWatch, cycle: tuple[Snapshot, ...]) -> SettlementWatch:
    """Take the snapshots of one cycle: each boundary that its averages cover is noted."""
    marks = dict(watch.marks)
    for snapshot in cycle:
        found = dict(marks.get(str(snapshot.asset), {}))
        for boundary_ms in boundaries(snapshot.ticks):
            key = str(boundary_ms)
            found[key] = _better(found.get(key), mark(snapshot.ticks, boundary_ms))
        newest = sorted(found, key=int)[-MARKS_MAX:]
        marks[str(snapshot.asset)] = {key: found[key] for key in newest}
    watch = replace(watch, marks=marks)
    waiting = {name: _with_marks(watch, one) for name, one in watch.waiting.items()}
    return replace(watch, waiting=waiting)


def boundaries(ticks: Ticks) -> range:
    """Return the cycle boundaries that lie wholly inside a series, evidence included."""
    if not ticks.observed_ms:
        return range(0)
    first_ms = ticks.observed_ms[0] + AROUND_MS
    begin_ms = first_ms + -first_ms % CYCLE_MS
    return range(begin_ms, ticks.observed_ms[-1] - AROUND_MS + 1, CYCLE_MS)


def mark(ticks: Ticks, boundary_ms: int) -> Mark:
    """Read what was observed at a boundary."""
    times = ticks.observed_ms
    begin, end = (
        bisect_left(times, boundary_ms - AROUND_MS),
        bisect_right(times, boundary_ms + AROUND_MS),
    )
    place = bisect_right(times, boundary_ms) - 1
    fresh = place >= 0 and boundary_ms - times[place] <= STALE_MS
    return Mark(
        value=ticks.twap[place] if fresh else None,
        stale=place >= 0 and not fresh,
        times_ms=times[begin:end],
        values=ticks.twap[begin:end],
    )


@overload
def _better(known: Mark | None, fresh: Mark) -> Mark: ...
@overload
def _better(known: Mark | None, fresh: Mark | None) -> Mark | None: ...
def _better(known: Mark | None, fresh: Mark | None) -> Mark | None:
    """Keep what was observed; a later snapshot may lack it, or have what came late."""
    if known is None or (fresh is not None and known.value is None):
        return fresh
    return known


def _with_marks(watch: SettlementWatch, one: Waiting) -> Waiting:
    """Keep a market's marks with it: those of an asset go after four hours."""
    seen = watch.marks.get(str(one.asset), {})
    return replace(
        one,
        opened=_better(one.opened, seen.get(str(one.window_open_ms))),
        closed=_better(one.closed, seen.get(str(one.window.close_ms))),
    )


def tick(watch: SettlementWatch, market_ms: int) -> SettlementWatch:
    """Judge what has its winner and both averages, or has waited long enough for them."""
    watch = replace(watch, now_ms=max(watch.now_ms, market_ms))
    for condition_id, one in tuple(watch.waiting.items()):
        complete = one.opened is not None and one.closed is not None
        if one.winner is not None and (complete or market_ms > one.window.close_ms + WAIT_MS):
            watch = _judge(watch, condition_id, one)
    return watch


def _judge(watch: SettlementWatch, condition_id: str, one: Waiting) -> SettlementWatch:
    expected = expected_outcome(one.opened, one.closed)
    if isinstance(expected, NotCompared):
        return _let_go(watch, condition_id, expected)
    watch = _done(watch, condition_id)
    if str(expected) == one.winner:
        return replace(watch, agreed=watch.agreed + 1)
    slug = market_slug(one.asset, one.window)
    different = {**watch.different, slug: _evidence(condition_id, one, expected)}
    while len(different) > DIFFERENT_MAX:
        del different[next(iter(different))]
    return replace(watch, different=different, differences=watch.differences + 1)


def expected_outcome(opened: Mark | None, closed: Mark | None) -> Outcome | NotCompared:
    """Return the outcome by the venue's own rule, or why it cannot be told."""
    if (opened is not None and opened.stale) or (closed is not None and closed.stale):
        return NotCompared.STALE
    if opened is None or opened.value is None:
        return NotCompared.NO_OPEN
    if closed is None or closed.value is None:
        return NotCompared.NO_CLOSE
    apart = abs(closed.value - opened.value)
    if 0 < apart <= TOO_CLOSE * abs(opened.value):
        return NotCompared.TOO_CLOSE
    return Outcome.UP if closed.value >= opened.value else Outcome.DOWN


def _evidence(condition_id: str, one: Waiting, expected: Outcome) -> dict[str, str]:
    assert one.opened is not None
    assert one.closed is not None
    return {
        "slot": one.slot,
        "condition_id": condition_id,
        "venue_paid": one.winner or "",
        "expected": str(expected),
        "average_at_open": repr(one.opened.value),
        "average_at_close": repr(one.closed.value),
        "series_at_open": one.opened.text(),
        "series_at_close": one.closed.text(),
    }


def _let_go(watch: SettlementWatch, condition_id: str, why: NotCompared) -> SettlementWatch:
    counts = {**watch.not_compared, str(why): watch.not_compared.get(str(why), 0) + 1}
    return replace(_done(watch, condition_id), not_compared=counts)


def _done(watch: SettlementWatch, condition_id: str) -> SettlementWatch:
    waiting = {name: one for name, one in watch.waiting.items() if name != condition_id}
    return replace(watch, waiting=waiting, done=(*watch.done, condition_id)[-DONE_MAX:])


def counts_text(watch: SettlementWatch) -> str:
    """Say how many settlements were compared, and why others were not."""
    reasons = ", ".join(f"{count} {why}" for why, count in sorted(watch.not_compared.items()))
    left_out = f"; not compared: {reasons}" if reasons else ""
    return f"{watch.agreed} agreed, {watch.differences} differed{left_out}"


def findings(watch: SettlementWatch) -> tuple[Finding, ...]:
    counts = counts_text(watch)
    return (
        *(
            Finding(
                kind="settlement_differs",
                subject=slug,
                holds=True,
                evidence={**evidence, "settlements": counts},
            )
            for slug, evidence in watch.different.items()
        ),
        *(_late(watch, name, one) for name, one in watch.waiting.items() if one.winner is None),
    )


def _late(watch: SettlementWatch, condition_id: str, one: Waiting) -> Finding:
    late_ms = watch.now_ms - one.window.close_ms
    return Finding(
        kind="resolution_late",
        subject=market_slug(one.asset, one.window),
        holds=late_ms > LATE_MS,
        evidence={
            "slot": one.slot,
            "condition_id": condition_id,
            "hours_since_close": f"{late_ms / 3_600_000:.1f}",
        },
    )
