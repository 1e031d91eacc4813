"""The rule on bad releases, as properties: what is owed, what is bad, what ends a release."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from actors.supervisor.conduct import (
    BAD_IN_A_ROW,
    BAD_OF_LAST,
    FLUSH_WIRE_MS,
    MISSING_WIRE_MS,
    POINTS_LOOKED,
    Made,
    Outcome,
    Point,
    Schedule,
    Seen,
    Tenure,
    fault_of,
    keep_latest,
    points_of,
)
from tests.actors.slot.builders import CYCLE_MS, DUE_MS, OPEN_MS

SLOT, OTHER = "btc-5m", "eth-5m"
NEW, OLD = "bb" * 32, "aa" * 32
AT_30 = Schedule(offsets_ms=(20_000,), speed=30)
AT_1 = Schedule(offsets_ms=(20_000,), speed=1)
DEADLINE_MS = CYCLE_MS - 20_000
"""After a point is due: its window's close."""


def points(marks: str) -> list[Point]:
    """``g`` is a good point, everything else is a bad one."""
    return [Point(due_ms=i, bad="" if mark == "g" else mark) for i, mark in enumerate(marks)]


def found_at(marks: str) -> int | None:
    """Return after how many points the rule is broken."""
    numbers = range(1, len(marks) + 1)
    return next((n for n in numbers if fault_of(points(marks[:n])) is not None), None)


def test_the_rule_as_a_table() -> None:
    table = {
        "": None,
        "b": None,
        "bb": 2,
        "gbb": 3,
        "gbgbgb": 6,
        "bgbgb": 5,
        "bggbggb": 7,
        "bgggggbgggggb": None,
        "bggggbgggggb": 12,
        "b" + "g" * 40: None,
        "g" * 40 + "bb": 42,
    }
    assert {marks: found_at(marks) for marks in table} == table


def test_the_cause_is_that_of_the_last_bad_point() -> None:
    assert fault_of([Point(due_ms=1, bad="first"), Point(due_ms=2, bad="second")]) == "second"
    marks = [Point(due_ms=n, bad="" if n % 2 else f"bad {n}") for n in range(5)]
    assert fault_of(marks) == "3 of 5 decisions were bad; the last: bad 4"


@given(st.text("gb", max_size=60))
def test_a_release_stays_only_while_bad_points_are_rare_and_apart(marks: str) -> None:
    at = found_at(marks)
    stayed = marks if at is None else marks[: at - 1]
    assert ("b", "b") not in pairwise(stayed), "never two in a row"
    for end in range(len(stayed) + 1):
        window = stayed[max(0, end - POINTS_LOOKED) : end]
        assert window.count("b") < BAD_OF_LAST or not window.endswith("b")
    if at is not None:
        window = marks[max(0, at - POINTS_LOOKED) : at]
        assert window.endswith("b" * BAD_IN_A_ROW) or window.count("b") >= BAD_OF_LAST


@given(st.text("gb", max_size=40), st.text("gb", max_size=40))
def test_what_was_long_ago_does_not_count(before: str, marks: str) -> None:
    good = "g" * POINTS_LOOKED
    assert fault_of(points(before + good + marks)) == fault_of(points(good + marks))


# ---- what is owed -----------------------------------------------------------------------------


def made(due_ms: int, outcome: Outcome = Outcome.GOOD, **changes: object) -> Made:
    values = {"slot": SLOT, "release": NEW, "fence": 2, "reason": "strategy_error: x"}
    return Made(due_ms=due_ms, outcome=outcome, **{**values, **changes})  # type: ignore[arg-type]


def judged(
    *decisions: Made,
    now_ms: int,
    schedule: Schedule = AT_30,
    came_ms: int = OPEN_MS,
    owes_from_ms: int | None = OPEN_MS,
) -> list[tuple[int, str]]:
    tenure = Tenure(slot=SLOT, release=NEW, came_ms=came_ms, owes_from_ms=owes_from_ms)
    by_slot: dict[str, tuple[Made, ...]] = {}
    for one in decisions:
        by_slot[one.slot] = (*by_slot.get(one.slot, ()), one)
    seen = Seen(made=by_slot, read_to_ms=now_ms)
    return [(point.due_ms - DUE_MS, point.bad) for point in points_of(tenure, seen, schedule)]


def test_a_decision_that_is_not_there_is_missing_at_half_its_deadline() -> None:
    half_ms = DUE_MS + DEADLINE_MS // 2 + FLUSH_WIRE_MS * 30
    assert judged(now_ms=half_ms - 1) == []
    assert judged(now_ms=half_ms) == [(0, "no decision by half its deadline")]
    late_ms = DUE_MS + DEADLINE_MS + 1
    assert judged(now_ms=late_ms) == [(0, "no decision by its deadline")]


def test_but_never_before_the_time_that_snapshot_and_strategy_may_take() -> None:
    fast = Schedule(offsets_ms=(20_000,), speed=60)
    at_ms = DUE_MS + (MISSING_WIRE_MS + FLUSH_WIRE_MS) * 60
    assert judged(now_ms=at_ms - 1, schedule=fast) == []
    assert judged(now_ms=at_ms, schedule=fast) != []


def test_a_late_decision_makes_its_point_good_again() -> None:
    now_ms = DUE_MS + DEADLINE_MS - 1
    assert judged(now_ms=now_ms) != []
    assert judged(made(DUE_MS), now_ms=now_ms) == [(0, "")]


def test_points_before_the_release_came_or_before_it_had_to_decide_are_not_owed() -> None:
    now_ms = DUE_MS + 5 * CYCLE_MS
    every = [due_ms for due_ms, _ in judged(now_ms=now_ms)]
    assert every == [n * CYCLE_MS for n in range(5)]
    third_ms = DUE_MS + 2 * CYCLE_MS
    assert [d for d, _ in judged(now_ms=now_ms, came_ms=third_ms)] == every[3:]
    assert [d for d, _ in judged(now_ms=now_ms, owes_from_ms=third_ms)] == every[3:]
    assert judged(now_ms=now_ms, owes_from_ms=None) == []


def test_what_it_journaled_as_failed_counts_also_while_it_owes_nothing() -> None:
    failed = made(DUE_MS, Outcome.FAILED)
    assert judged(failed, now_ms=DUE_MS, owes_from_ms=None) == [(0, "strategy_error: x")]


def test_what_another_release_failed_at_is_not_its_fault_and_a_good_one_of_it_is_good() -> None:
    failed = made(DUE_MS, Outcome.FAILED, release=OLD)
    now_ms = DUE_MS + DEADLINE_MS
    assert judged(failed, now_ms=now_ms) == []
    assert judged(made(DUE_MS, release=OLD), now_ms=now_ms) == [(0, "")]


def test_no_snapshot_says_nothing_unless_only_this_release_had_none() -> None:
    without = made(DUE_MS, Outcome.NO_SNAPSHOT)
    now_ms = DUE_MS + DEADLINE_MS
    assert judged(without, now_ms=now_ms) == []
    others = made(DUE_MS, slot=OTHER, release=OLD)
    assert judged(without, others, now_ms=now_ms) != []
    same = made(DUE_MS, slot="sol-5m")
    assert judged(without, others, same, now_ms=now_ms) == []


def test_of_two_decisions_for_one_point_the_higher_fence_counts() -> None:
    low, high = made(DUE_MS, Outcome.FAILED, fence=2), made(DUE_MS, fence=3)
    assert keep_latest((high,), (low,)) == (high,)
    assert keep_latest((low,), (high,)) == (high,)


@given(
    st.lists(st.sampled_from(["good", "failed", "none", "late"]), min_size=1, max_size=30),
    st.sampled_from([AT_1, AT_30]),
)
def test_any_two_bad_points_in_a_row_break_the_rule_before_the_third_is_due(
    course: list[str], schedule: Schedule
) -> None:
    """Failed, missing and late ones alike, in any mixture."""
    decisions: list[Made] = []
    broken: int | None = None
    for number, what in enumerate(course):
        due_ms = DUE_MS + number * CYCLE_MS
        if what in ("good", "failed"):
            outcome = Outcome.GOOD if what == "good" else Outcome.FAILED
            decisions.append(made(due_ms, outcome))
        tenure = Tenure(slot=SLOT, release=NEW, came_ms=OPEN_MS, owes_from_ms=OPEN_MS)
        seen = Seen(
            made={SLOT: tuple(decisions[-2 * POINTS_LOOKED :])}, read_to_ms=due_ms + CYCLE_MS - 1
        )
        if broken is None and fault_of(points_of(tenure, seen, schedule)) is not None:
            broken = number
    marks = "".join("g" if what == "good" else "b" for what in course)
    expected = found_at(marks)
    assert broken == (None if expected is None else expected - 1)
