"""The page of one slot: its last day as a strip and a chart, and why it decided as it did."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from markupsafe import Markup

from actors.slot.facts import DecisionFact
from checkpoints.journal_rows import STRATEGY_ERROR
from cluster.pictures.axes import Series
from cluster.pictures.strip import NAMES, Cell, CellKind, strip_chart
from cluster.pictures.timeline import Dot, Mark, Timeline, timeline_chart
from cluster.replay.compare import HELD
from cluster.terminal.counting import counted
from cluster.web.views.texts import DAY_MS, NO_VALUE, clock, cut, drawn, short, utc
from signals.decision import FactorScore
from signals.snapshot import Interval, Snapshot

DECISIONS_MAX: Final = 40
"""In the table; the strip has the whole day."""
MICRO: Final = 1_000_000
INTERVALS: Final = (Interval.M5, Interval.M15, Interval.M30)
"""Of candles, the finest first: each reaches further back."""


class DecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of one decision for the strip and the chart."""

    sequence: int
    due_ms: int
    window_open_ms: int
    market_ms: int
    release: str
    action: str
    reason: str
    """The beginning of it."""
    reason_length: int
    probability_up: float | None
    market_mid_up: float | None
    fair_up: float | None
    complete: bool
    intent_id: str | None


class OtherRow(msgspec.Struct, frozen=True, kw_only=True):
    """A fill, a claim, or decision points that were missed."""

    market_ms: int
    action: str
    release: str
    fence: int
    incarnation: int
    outcome: str | None
    side: str | None
    price_micro_usd: int | None
    shares_micro: int | None
    due_ms: int | None
    reason: str


class FactorRow(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    points: str
    why: str


class DecisionDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One decision with its factors."""

    due: str
    action: str
    reason: str
    numbers: str
    release: str
    snapshot: str
    factors: tuple[FactorRow, ...]


class DecisionLine(msgspec.Struct, frozen=True, kw_only=True):
    due_ms: int
    due: str
    late: str
    kind: str
    reason: str
    fair: str
    mid: str
    release: str
    intent: str


class SlotView(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    slots: tuple[str, ...]
    until: str
    """Up to when the journal of the slot reaches."""
    summary: str
    charts: tuple[Markup, ...]
    """SVG; every text in it is escaped."""
    lines: tuple[DecisionLine, ...]
    detail: DecisionDetail | None
    problems: tuple[str, ...] = ()


class SlotDay(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal holds of the last day of a slot."""

    slot: str
    decisions: tuple[DecisionRow, ...]
    others: tuple[OtherRow, ...]
    chosen: DecisionFact | None = None
    snapshot: Snapshot | None = None
    """Of the latest decision that has one: its candles tell the price of the day."""
    problems: tuple[str, ...] = ()


def slot_view(day: SlotDay, slots: Sequence[str]) -> SlotView:
    """Lay a day out; an empty one says so."""
    last_ms = max((one.market_ms for one in day.decisions), default=0)
    kinds = [kind_of(one) for one in day.decisions]
    missed = sum(one.action == "missed" for one in day.others)
    fills = sum(one.action == "filled" for one in day.others)
    return SlotView(
        slot=day.slot,
        slots=tuple(slots),
        until=utc(last_ms),
        summary=(
            f"{counted(len(kinds), 'decision')}, {counted(kinds.count(CellKind.ACTED), 'trade')}, "
            f"{counted(fills, 'fill')}, "
            f"{kinds.count(CellKind.FAILED)} failed, {missed} times missed"
        ),
        charts=tuple(map(drawn, _charts(day))),
        lines=tuple(_line(one) for one in day.decisions[::-1][:DECISIONS_MAX]),
        detail=None if day.chosen is None else detail_of(day.chosen),
        problems=day.problems,
    )


def kind_of(row: DecisionRow) -> CellKind:
    """Tell what a decision came to."""
    if row.action == "trade":
        return CellKind.ACTED
    if row.reason.startswith(STRATEGY_ERROR):
        return CellKind.FAILED
    return CellKind.HELD if row.reason.startswith(HELD) else CellKind.WAITED


def detail_of(fact: DecisionFact) -> DecisionDetail:
    decision = fact.decision
    numbers = (
        ("probability of Up", decision.probability_up),
        ("market's mid", decision.market_mid_up),
        ("fair", decision.fair_up),
        ("spread of points", decision.spread_points),
    )
    return DecisionDetail(
        due=utc(fact.due_ms),
        action=str(decision.action).replace("_", " "),
        reason=cut(decision.reason, 1_000),
        numbers=", ".join(f"{name} {value:.4f}" for name, value in numbers if value is not None),
        release=fact.release,
        snapshot=fact.snapshot or "none: there was no snapshot",
        factors=tuple(_factor(one) for one in decision.factors),
    )


def _factor(factor: FactorScore) -> FactorRow:
    if factor.bull is None or factor.bear is None:
        points = f"no data, of {factor.maximum:g}"
    else:
        points = f"bull {factor.bull:.2f}, bear {factor.bear:.2f} of {factor.maximum:g}"
    return FactorRow(name=cut(factor.name, 60), points=points, why=cut(factor.reason))


def _charts(day: SlotDay) -> Iterable[str]:
    yield strip_chart("The last day, decision by decision (UTC)", list(_cells(day)), _hour)
    yield timeline_chart(
        Timeline(
            title="Probability of Up: ours, fair value, and the market's mid; triangles are fills",
            series=tuple(_lines(day.decisions)),
            marks=tuple(_marks(day.others)),
            dots=tuple(_dots(day.others)),
        ),
        _hour,
        lambda value: f"{value:.2f}",
    )
    yield timeline_chart(
        Timeline(
            title="Price, USD, by the candles that the latest decision saw",
            series=() if day.snapshot is None else (_price(day.snapshot),),
            marks=tuple(_marks(day.others)),
        ),
        _hour,
        lambda value: f"{value:,.8g}",
    )


def _cells(day: SlotDay) -> Iterable[Cell]:
    for row in day.decisions:
        text = f"{clock(row.due_ms)} {row.action}: {cut(row.reason, 80)}"
        yield Cell(at=float(row.due_ms), kind=kind_of(row), text=text)
    for other in day.others:
        if other.action == "missed" and other.due_ms is not None:
            yield Cell(
                at=float(other.due_ms),
                kind=CellKind.MISSED,
                text=f"missed: {cut(other.reason, 80)}",
            )


def _lines(decisions: Sequence[DecisionRow]) -> Iterable[Series]:
    for name, field in (
        ("ours", "probability_up"),
        ("fair", "fair_up"),
        ("market", "market_mid_up"),
    ):
        known = [one for one in decisions if getattr(one, field) is not None]
        yield Series(
            name,
            tuple(float(one.due_ms) for one in known),
            tuple(float(getattr(one, field)) for one in known),
        )


def _marks(others: Sequence[OtherRow]) -> Iterable[Mark]:
    """Yield where another release, or another incarnation of the same one, took the slot."""
    for one in others:
        if one.action == "claimed":
            yield Mark(at=float(one.market_ms), name=f"{short(one.release)[:6]}/{one.incarnation}")


def _dots(others: Sequence[OtherRow]) -> Iterable[Dot]:
    """Yield fills in the price of Up: a Down share at p is Up at 1 - p."""
    for one in others:
        if one.action != "filled" or one.price_micro_usd is None or one.shares_micro is None:
            continue
        price = one.price_micro_usd / MICRO
        is_up = one.outcome == "Up"
        text = f"{one.side} {one.shares_micro / MICRO:g} {one.outcome} at {price:g}"
        yield Dot(
            at=float(one.market_ms),
            value=price if is_up else 1 - price,
            up=is_up is (one.side == "BUY"),
            text=f"{clock(one.market_ms)} {text}",
        )


def _price(snapshot: Snapshot) -> Series:
    """Join the candles' closes of a day: the finest where there are some, coarser ones before."""
    points: dict[int, float] = {}
    first_ms = snapshot.taken_ms
    for interval in INTERVALS:
        candles = snapshot.series(interval)
        if candles is None:
            continue
        points |= {
            open_ms: close
            for open_ms, close in zip(candles.open_time_ms, candles.close, strict=True)
            if snapshot.taken_ms - DAY_MS <= open_ms < first_ms
        }
        first_ms = min(points, default=first_ms)
    times = sorted(points)
    return Series(
        str(snapshot.asset), tuple(map(float, times)), tuple(points[time] for time in times)
    )


def _line(row: DecisionRow) -> DecisionLine:
    reason = cut(row.reason)
    if row.reason_length > len(row.reason):
        reason = f"{reason} … ({row.reason_length:,} characters in all)"
    return DecisionLine(
        due_ms=row.due_ms,
        due=utc(row.due_ms),
        late=f"{max(0, row.market_ms - row.due_ms)} ms",
        kind=NAMES[kind_of(row)],
        reason=reason,
        fair=NO_VALUE if row.fair_up is None else f"{row.fair_up:.3f}",
        mid=NO_VALUE if row.market_mid_up is None else f"{row.market_mid_up:.3f}",
        release=short(row.release),
        intent=row.intent_id or "",
    )


def _hour(time_ms: float) -> str:
    return clock(int(time_ms))[:5]
