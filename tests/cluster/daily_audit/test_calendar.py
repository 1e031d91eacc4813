"""Which days are due: nothing twice, nothing before its time, and what was missed is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.config import DailyAudit
from cluster.daily_audit.calendar import CATCH_UP_DAYS_MAX, Due, Known, due_days, is_over
from signals.market import DAY_MS, day_of, day_start_ms

HOUR_MS = 3_600_000
AT = DailyAudit(at_utc="02:30")


def day(number: int) -> str:
    return day_of(day_start_ms("2026-03-01") + number * DAY_MS)


def at(number: int, hours: float) -> int:
    return day_start_ms("2026-03-01") + number * DAY_MS + int(hours * HOUR_MS)


def known(audited: tuple[int, ...] = (), rows: tuple[int, ...] = (), since: int = 0) -> Known:
    return Known(
        since=day(since),
        audited=frozenset(map(day, audited)),
        with_rows=frozenset(map(day, rows)),
    )


def due(now_ms: int, state: Known, when: DailyAudit = AT, *, catches_up: bool = True) -> Due:
    return due_days(now_ms, when, state, catches_up=catches_up)


@pytest.mark.parametrize(("hours", "days"), [(2.49, ()), (2.5, (day(4),)), (23.9, (day(4),))])
def test_a_day_is_due_from_the_configured_time_on(hours: float, days: tuple[str, ...]) -> None:
    state = known(audited=(0, 1, 2, 3), rows=(0, 1, 2, 3, 4))
    assert due(at(5, hours), state).days == days
    assert due(at(5, hours), known(audited=(0, 1, 2, 3, 4))).days == ()
    assert due(at(5, hours), state, DailyAudit(at_utc="off")) == Due()


def test_a_watcher_that_was_down_finds_the_days_with_rows_and_says_that_they_are_late() -> None:
    found = due(at(5, 3), known(audited=(0,), rows=(0, 1, 3, 4)))
    assert found.days == (day(1), day(3), day(4))
    assert found.late == (day(1), day(3))
    assert due(at(5, 9), known(audited=(0,), rows=(0, 4))).late == (day(4),)


def test_a_day_without_rows_is_audited_while_it_is_the_latest_and_then_owed_no_more() -> None:
    assert due(at(5, 3), known(audited=(0,), rows=(0,))).days == (day(4),)
    assert due(at(5, 12), known(audited=(0,), rows=(0,))).late == ()


def test_days_before_the_first_one_that_is_owed_are_left_alone() -> None:
    assert due(at(5, 3), known(since=5, rows=(1, 2, 3, 4))) == Due()
    assert due(at(6, 3), known(since=5, rows=(1, 2, 3, 4, 5))).days == (day(5),)


def test_where_market_time_outruns_audits_only_the_latest_day_is_due_and_none_is_late() -> None:
    found = due(at(5, 20), known(rows=(0, 1, 2, 3, 4)), catches_up=False)
    assert found == Due(days=(day(4),))


@given(
    now=st.integers(0, 40 * DAY_MS),
    back=st.integers(0, 3 * DAY_MS),
    rows=st.sets(st.integers(0, 40)),
    minutes=st.integers(0, 1_439),
)
def test_a_clock_that_is_set_back_asks_for_no_day_again(
    now: int, back: int, rows: set[int], minutes: int
) -> None:
    when = DailyAudit(at_utc=f"{minutes // 60:02d}:{minutes % 60:02d}")
    now_ms = day_start_ms("2026-03-01") + now
    first = due(now_ms, known(rows=tuple(rows)), when)
    assert len(first.days) <= CATCH_UP_DAYS_MAX
    assert all(is_over(one, now_ms) for one in first.days)
    done = Known(since=day(0), audited=frozenset(first.days), with_rows=frozenset(map(day, rows)))
    assert due(now_ms, done, when).days == ()
    again = due(now_ms - back, done, when)
    assert not set(again.days) & set(first.days)
