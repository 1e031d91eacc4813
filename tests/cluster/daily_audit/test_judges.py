"""The rules of each check, by themselves."""

import msgspec
import pytest

from actors.detectors.day_counts import DAYS_KEPT, DayCount, add_poll, add_rows
from cluster.audit.reconcile import OwnBooks, VenueBooks, within
from cluster.daily_audit import attested, decided, detector_counts
from cluster.daily_audit.attested import Owner, Seen
from cluster.daily_audit.report import FOUND_MAX, CheckState, DayFigures, check_of
from signals.market import DAY_MS, day_start_ms
from tests.cluster.audit.test_reconcile import TRADE

DAY = "2026-03-04"
OLD, NEW = "a" * 64, "b" * 64
FIGURES = DayFigures(decisions=10, slots=2)
WELL = DayCount(polls=1_000, rows=20, decisions=10, cycles=5)

# ---- detectors


def test_detectors_that_read_every_decision_have_looked() -> None:
    found = detector_counts.judge({DAY: WELL}, DAY, FIGURES)
    assert found.state is CheckState.PASSED
    assert "10 decisions" in found.text


def test_on_a_day_that_is_not_over_the_counters_may_lack_the_newest_decisions() -> None:
    behind = msgspec.structs.replace(WELL, decisions=9)
    found = detector_counts.judge({DAY: behind}, DAY, FIGURES, over=False)
    assert found.state is CheckState.PASSED


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (msgspec.structs.replace(WELL, decisions=9), "they read 9 of 10 decisions"),
        (msgspec.structs.replace(WELL, polls=0), "no look was made"),
        (msgspec.structs.replace(WELL, cycles=0), "no set of snapshots"),
        (msgspec.structs.replace(WELL, failed={"journal": 11}), "`journal` failed in 11 of 1000"),
    ],
)
def test_detectors_that_did_not_look_are_found(count: DayCount, said: str) -> None:
    found = detector_counts.judge({DAY: count}, DAY, FIGURES)
    assert found.state is CheckState.FAILED
    assert said in found.found[0]


def test_a_day_without_counters_fails_unless_it_is_older_than_all_counters() -> None:
    assert detector_counts.judge({}, DAY, FIGURES).state is CheckState.NOTHING
    assert detector_counts.judge({"2026-03-05": WELL}, DAY, FIGURES).state is CheckState.NOTHING
    assert detector_counts.judge({"2026-03-03": WELL}, DAY, FIGURES).state is CheckState.FAILED
    assert (
        detector_counts.judge({"2026-03-03": WELL}, DAY, DayFigures()).state is CheckState.NOTHING
    )


def test_counters_are_kept_of_the_latest_days_only() -> None:
    counts: dict[str, DayCount] = {}
    begin_ms = day_start_ms(DAY)
    for place in range(3 * DAYS_KEPT):
        counts = add_poll(counts, begin_ms + place * DAY_MS, 2, ["journal"])
        counts = add_poll(counts, begin_ms + place * DAY_MS, 1, [])
    assert len(counts) == DAYS_KEPT
    each = DayCount(polls=2, cycles=3, failed={"journal": 1})
    assert list(counts.values()) == [each] * DAYS_KEPT
    assert add_rows(counts, []) == counts


# ---- what runs


def seen(life: str, release: str | None) -> dict[str, Seen]:
    return {life: Seen(life=life, root="/r", release=release)}


OWNER = Owner(name="btc-5m/7", life="10-1", release=OLD)


@pytest.mark.parametrize(
    ("running", "archived", "said"),
    [
        ({}, {OLD}, "btc-5m/7: its process 10-1 does not run"),
        (seen("10-1", NEW), {OLD, NEW}, "btc-5m/7: runs from bbbbbbbbbbbb, was granted to aaaa"),
        (seen("10-1", None), {OLD}, "btc-5m/7: the files that it runs from are no release"),
        (seen("10-1", OLD), {NEW}, "btc-5m/7: runs release aaaaaaaaaaaa, which is not archived"),
        (seen("10-1", OLD) | seen("11-1", NEW), {OLD}, "process 11-1: runs release bbbb"),
        (seen("10-1", OLD) | seen("11-1", None), {OLD}, "process 11-1: the files"),
    ],
)
def test_what_runs_other_code_than_it_was_granted_for_is_named(
    running: dict[str, Seen], archived: set[str], said: str
) -> None:
    found = list(attested.judge([OWNER], running, frozenset(archived)))
    assert len(found) == 1
    assert found[0].startswith(said)


def test_slots_of_their_releases_and_shared_actors_of_archived_ones_are_well() -> None:
    running = seen("10-1", OLD) | seen("11-1", NEW)
    assert list(attested.judge([OWNER], running, frozenset({OLD, NEW}))) == []


# ---- decisions


def test_a_day_without_decisions_is_a_failure_unless_every_slot_was_stopped() -> None:
    none = DayFigures()
    stopped = {"btc-5m": ("stopped", 1), "eth-5m": ("stopped", 2)}
    assert decided.judge(stopped, none).state is CheckState.NOTHING
    died = stopped | {"eth-5m": ("filled", 2)}
    found = decided.judge(died, none)
    assert found.state is CheckState.FAILED
    assert found.found == (
        "eth-5m: nothing after its row of 1970-01-01 00:00:00, which is no stop",
    )
    assert decided.judge({}, none).state is CheckState.NOTHING
    assert decided.judge(died, FIGURES).state is CheckState.PASSED


def test_a_missed_decision_is_a_failure_and_one_of_an_ordered_stop_is_none() -> None:
    stopped = msgspec.structs.replace(FIGURES, skipped=3)
    assert decided.judge({}, stopped).state is CheckState.PASSED
    assert "3 points of ordered stops" in decided.judge({}, stopped).text
    missed = msgspec.structs.replace(stopped, missed=1)
    assert decided.judge({}, missed).state is CheckState.FAILED


# ---- venue


def test_trades_of_before_the_span_are_left_out_unless_the_journal_knows_them() -> None:
    own = OwnBooks(fills={"known": None})  # type: ignore[dict-item]
    trades = tuple(
        msgspec.structs.replace(TRADE, fill_id=fill_id, matched_wire_ms=at_ms)
        for fill_id, at_ms in (("known", 5), ("old", 5), ("new", 10))
    )
    venue = VenueBooks(orders=(), trades=trades, winners={})
    assert [one.fill_id for one in within(venue, own, 10).trades] == ["known", "new"]


# ---- bounds


def test_findings_beyond_the_limits_are_counted_and_not_kept() -> None:
    check = check_of("record", CheckState.FAILED, "", ("x" * 100_000,) * 1_000)
    assert check.found_count == 1_000
    assert len(check.found) == FOUND_MAX
    assert sum(map(len, check.found)) <= 50 * 500
