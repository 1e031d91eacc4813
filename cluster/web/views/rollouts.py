"""The page of rollouts: nine steps as columns, a row a slot; dark time, checks, agreement."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from actors.rollout.handoff_state import Handoff, Step
from actors.rollout.handoff_table import ENDED
from actors.rollout.report import Report
from actors.rollout.rollout_state import Phase, Rollout
from cluster.rolling_update.live import BAD, PHASES, share_done
from cluster.web.views.texts import NO_VALUE, cut, short, span, utc

ROLLOUTS_MAX: Final = 50
"""Old ones in the list; each is reached by its number."""


class Column(StrEnum):
    """The nine steps of a handoff as a person follows them."""

    PREPARE = "prepare"
    WARM = "warm"
    SHADOW = "shadow"
    WAIT = "wait"
    QUIESCE = "quiesce"
    FENCE = "fence"
    ADOPT = "adopt"
    CONFIRM = "confirm"
    RETIRE = "retire"


COLUMNS: Final = tuple(Column)
COLUMN_OF: Final[Mapping[Step, Column]] = MappingProxyType(
    {
        Step.PINNING: Column.PREPARE,
        Step.OPENING: Column.PREPARE,
        Step.CREATING: Column.PREPARE,
        Step.WARMING: Column.WARM,
        Step.SHADOWING: Column.SHADOW,
        Step.READY: Column.WAIT,
        Step.QUIESCING: Column.QUIESCE,
        Step.FENCING: Column.FENCE,
        Step.ADOPTING: Column.ADOPT,
        Step.CONFIRMING: Column.CONFIRM,
        Step.RETIRING: Column.RETIRE,
    }
)
"""Steps of the way forward; the others are ways back and ends."""


class Mark(StrEnum):
    """What stands in a cell: a sign and its word, since colour is not the only mark."""

    DONE = "done"
    NOW = "now"
    AHEAD = "ahead"
    SKIPPED = "skipped"
    FAILED = "failed"


class SlotRow(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    step: str
    bad: bool
    marks: tuple[Mark, ...]
    """One for each of `COLUMNS`."""
    dark: str
    hash_check: str
    """``equal``, ``DIFFERS`` or nothing yet."""
    shadow: str
    incarnation: str
    note: str
    """Why it failed, or went by vacancy."""


class RolloutView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    to_release: str
    from_release: str
    back: bool
    phase: str
    over: bool
    bad: bool
    started: str
    done: int
    slots: int
    percent: int
    failure: str
    rows: tuple[SlotRow, ...]


class OldRollout(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list."""

    id: str
    to_release: str
    outcome: str
    switched: str
    dark: str
    """Median and largest."""
    took: str
    failure: str


def rollout_view(rollout: Rollout) -> RolloutView:
    """Lay one moment of a rollout out."""
    handoffs = [rollout.handoffs[slot] for slot in rollout.order]
    return RolloutView(
        id=rollout.rollout,
        to_release=rollout.to_release,
        from_release=", ".join(sorted({short(one.old_release) for one in handoffs})),
        back=rollout.back,
        phase=PHASES.get(rollout.phase, str(rollout.phase)),
        over=rollout.phase in {Phase.DONE, Phase.STOPPED},
        bad=rollout.phase in {Phase.STOPPING, Phase.STOPPED},
        started=utc(rollout.started_wire_ms),
        done=sum(one.step is Step.DONE for one in handoffs),
        slots=len(handoffs),
        percent=round(100 * share_done(rollout)),
        failure=cut(rollout.failure or ""),
        rows=tuple(_row(one) for one in handoffs),
    )


def old_rollout(rollout: str, report: Report | None) -> OldRollout:
    """Sum a rollout up by its report; without one it goes on, or was cut off."""
    if report is None:
        return OldRollout(
            id=rollout,
            to_release="",
            outcome="no report",
            switched=NO_VALUE,
            dark=NO_VALUE,
            took=NO_VALUE,
            failure="it goes on, or its process was ended",
        )
    took = report.submit_to_last_confirm_ms
    return OldRollout(
        id=rollout,
        to_release=report.to_release,
        outcome=report.outcome,
        switched=f"{report.switched} of {len(report.slots)}",
        dark=_dark_text(report.dark_ms_median, report.dark_ms_max),
        took=NO_VALUE if took is None else span(took),
        failure=cut(report.failure or ""),
    )


def latest(identities: Sequence[str]) -> tuple[str, ...]:
    """Return which rollouts the list shows, the newest first."""
    return tuple(identities[::-1][:ROLLOUTS_MAX])


def _row(handoff: Handoff) -> SlotRow:
    dark = handoff.dark_ms
    return SlotRow(
        slot=handoff.slot,
        step=str(handoff.step).replace("_", " "),
        bad=handoff.step in BAD,
        marks=_marks(handoff),
        dark=NO_VALUE if dark is None else f"{dark:.1f} ms",
        hash_check=_hash_check(handoff),
        shadow=_shadow(handoff),
        incarnation=NO_VALUE if handoff.incarnation is None else str(handoff.incarnation),
        note=cut(handoff.failure or handoff.vacated or ""),
    )


def _marks(handoff: Handoff) -> tuple[Mark, ...]:
    """Return a mark for each column: what was passed, where it stands, what it failed in."""
    if handoff.step is Step.PLANNED:
        return (Mark.AHEAD,) * len(COLUMNS)
    passed = _passed(handoff)
    now = COLUMN_OF.get(handoff.step)
    marks = []
    for place, column in enumerate(COLUMNS):
        if column is now:
            marks.append(Mark.NOW)
        elif place < passed:
            marks.append(_passed_mark(handoff, column))
        elif handoff.step is Step.DONE:
            marks.append(Mark.SKIPPED)
        elif place == passed and now is None and handoff.vacated is None:
            marks.append(Mark.FAILED)
        else:
            marks.append(Mark.AHEAD)
    return tuple(marks)


def _passed_mark(handoff: Handoff, column: Column) -> Mark:
    skipped = column is Column.SHADOW and not handoff.shadow
    return Mark.SKIPPED if skipped else Mark.DONE


def _passed(handoff: Handoff) -> int:
    """Return how many columns lie behind, by where it stands or by what it has brought."""
    now = COLUMN_OF.get(handoff.step)
    if now is not None:
        return COLUMNS.index(now)
    if handoff.step is Step.DONE and handoff.vacated is None:
        return len(COLUMNS)
    brought = (
        (Column.CONFIRM, handoff.confirmed_wire_ms is not None),
        (Column.ADOPT, handoff.adopted is not None),
        (Column.FENCE, handoff.record is not None),
        (Column.QUIESCE, handoff.quiesced is not None),
        (Column.SHADOW, handoff.shadow_report is not None),
        (Column.WARM, handoff.warmed is not None),
        (Column.PREPARE, handoff.incarnation is not None and handoff.step in ENDED),
    )
    return next((COLUMNS.index(column) + 1 for column, there in brought if there), 0)


def _hash_check(handoff: Handoff) -> str:
    if handoff.quiesced is None or handoff.adopted is None:
        return NO_VALUE
    equal = handoff.quiesced.logical_hash == handoff.adopted.logical_hash
    return f"equal {handoff.adopted.logical_hash[:8]}" if equal else "DIFFERS"


def _shadow(handoff: Handoff) -> str:
    report = handoff.shadow_report
    if report is None:
        return "not asked" if not handoff.shadow else NO_VALUE
    return f"{report.compared - report.differing} of {report.compared} agree"


def _dark_text(median: float | None, largest: float | None) -> str:
    if median is None or largest is None:
        return NO_VALUE
    return f"{median:.1f} ms, at most {largest:.1f} ms"
