"""The page of rollouts: nine columns that say, at every step, what lies behind a slot."""

import pytest
from msgspec.structs import replace

from actors.rollout.handoff_messages import ShadowReport
from actors.rollout.handoff_state import Handoff, Step
from actors.rollout.report import make_report
from actors.rollout.rollout_state import Options, Phase, Rollout
from cluster.web.views.rollouts import (
    COLUMN_OF,
    COLUMNS,
    ROLLOUTS_MAX,
    Mark,
    latest,
    old_rollout,
    rollout_view,
)
from tests.actors.rollout.handoffs import ADOPTED, QUIESCED, WARMED, record
from tests.actors.rollout.rollouts import SLOTS, begun


def at(step: Step, **fields: object) -> Rollout:
    rollout = begun(Options())
    first = replace(rollout.handoffs[SLOTS[0]], step=step, **fields)
    return replace(rollout, handoffs=rollout.handoffs | {SLOTS[0]: first})


def marks(step: Step, **fields: object) -> tuple[Mark, ...]:
    view = rollout_view(at(step, **fields))
    return next(row for row in view.rows if row.slot == SLOTS[0]).marks


def test_there_are_nine_steps_and_each_step_of_the_way_forward_is_in_one() -> None:
    assert len(COLUMNS) == 9
    ends = {Step.PLANNED, Step.DONE, Step.FAILED, Step.STUCK}
    back = {Step.RESUMING, Step.TAKING_BACK, Step.DISCARDING, Step.VACATING, Step.FILLING}
    assert set(Step) == set(COLUMN_OF) | ends | back


@pytest.mark.parametrize("step", list(COLUMN_OF))
def test_what_lies_behind_is_done_and_one_column_is_now(step: Step) -> None:
    found = marks(step)
    place = COLUMNS.index(COLUMN_OF[step])
    assert found[:place] == (Mark.DONE,) * place
    assert found[place] is Mark.NOW
    assert found[place + 1 :] == (Mark.AHEAD,) * (len(COLUMNS) - place - 1)


def test_planned_and_done_are_all_ahead_and_all_behind() -> None:
    assert set(marks(Step.PLANNED)) == {Mark.AHEAD}
    assert set(marks(Step.DONE)) == {Mark.DONE}
    assert marks(Step.DONE, shadow=0)[2] is Mark.SKIPPED


def test_a_slot_that_goes_back_is_marked_where_it_failed() -> None:
    found = marks(Step.TAKING_BACK, warmed=WARMED, quiesced=QUIESCED, record=record(),
                  failure="another state")  # fmt: skip
    assert found[COLUMNS.index("adopt")] is Mark.FAILED
    assert found[COLUMNS.index("fence")] is Mark.DONE
    assert set(marks(Step.FAILED, failure="did not start")[1:]) == {Mark.AHEAD}
    assert marks(Step.FAILED, failure="did not start")[0] is Mark.FAILED


def test_a_slot_that_went_by_vacancy_did_no_steps_and_none_failed() -> None:
    found = marks(Step.DONE, vacated="it did not answer")
    assert Mark.FAILED not in found
    assert Mark.DONE not in found


def test_dark_time_hash_check_and_agreement_stand_in_the_row() -> None:
    report = ShadowReport(handoff="h", compared=3, differences=(), differing=1, failure=None)
    view = rollout_view(
        at(Step.CONFIRMING, dark_ms=12.34, quiesced=QUIESCED, adopted=ADOPTED, record=record(),
           shadow_report=report)
    )  # fmt: skip
    row = next(one for one in view.rows if one.slot == SLOTS[0])
    assert (row.dark, row.hash_check, row.shadow) == ("12.3 ms", "equal h", "2 of 3 agree")
    other = replace(ADOPTED, logical_hash="0" * 64)
    view = rollout_view(at(Step.TAKING_BACK, quiesced=QUIESCED, adopted=other, record=record(),
                           failure="<b>" + "x" * 1_000_000))  # fmt: skip
    row = next(one for one in view.rows if one.slot == SLOTS[0])
    assert row.hash_check == "DIFFERS"
    assert row.bad
    assert row.note.endswith("(1,000,003 characters in all)")


def test_an_old_rollout_is_one_line_by_its_report_and_one_without_says_so() -> None:
    rollout = begun(Options())
    done = {slot: _done(handoff) for slot, handoff in rollout.handoffs.items()}
    ended = replace(rollout, handoffs=done, phase=Phase.DONE)
    report = make_report(ended, rollout.started_wire_ms, {})
    line = old_rollout("r0001", report)
    assert (line.outcome, line.switched) == ("done", f"{len(SLOTS)} of {len(SLOTS)}")
    assert line.dark == "20.0 ms, at most 20.0 ms"
    assert old_rollout("r0002", None).outcome == "no report"


def test_the_list_has_the_newest_first_and_is_bounded() -> None:
    known = [f"r{number:04d}" for number in range(1, 80)]
    assert latest(known)[0] == "r0079"
    assert len(latest(known)) == ROLLOUTS_MAX


def _done(handoff: Handoff) -> Handoff:
    return replace(handoff, step=Step.DONE, dark_ms=20.0)
