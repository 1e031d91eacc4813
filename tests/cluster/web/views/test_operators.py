"""The operators' journal on one page: pressed here or typed there, each thing once."""

from pathlib import Path

from actors.detectors.registry import new_alarm
from checkpoints.alarms import AlarmStore
from checkpoints.approvals import Application
from checkpoints.storage import LocalStorage
from cluster.web.operators import OperatorRow, who_pressed
from cluster.web.views.operators import ROWS_MAX, operators_view

ANN = who_pressed("ann", 1)


def pressed(wire_ms: int, result: str = "", **fields: str) -> OperatorRow:
    about = {
        "id": "a1",
        "who": who_pressed("ann", 1),
        "what": "halt",
        "about": "",
        "why": "a test",
    } | fields
    return OperatorRow(wire_ms=wire_ms, result=result, **about)


def test_the_two_rows_of_one_thing_are_one_line_with_its_result() -> None:
    rows = (pressed(1_000), pressed(2_000, "halted, nothing rests"))
    (line,) = operators_view(rows, (), ()).rows
    assert (line.result, line.why, line.by) == ("halted, nothing rests", "a test", "console")


def test_what_was_typed_is_not_called_pressed() -> None:
    (line,) = operators_view((pressed(1_000, "trading is halted", who="ann"),), (), ()).rows
    assert (line.who, line.by) == ("ann", "command")


def test_a_thing_that_was_cut_off_says_that_its_end_is_not_known() -> None:
    (line,) = operators_view((pressed(1_000),), (), ()).rows
    assert "not known" in line.result


def test_an_alarm_that_was_cleared_here_is_told_once_and_one_cleared_there_too(
    tmp_path: Path,
) -> None:
    store = AlarmStore(LocalStorage(tmp_path))
    for slot in ("btc-5m", "eth-5m"):
        store.raise_alarm(new_alarm("no_decision", slot, {}, wire_ms=1))
    store.clear("no_decision.btc-5m.1", "it decided", "ann", 5_000)
    store.clear("no_decision.eth-5m.1", "as well", "bob", 6_000)
    here = pressed(5_000, "cleared", what="clear alarm", about="no_decision.btc-5m.1",
                   why="it decided")  # fmt: skip
    rows = operators_view((here,), store.history(), ()).rows
    assert [(one.who, one.by) for one in rows] == [
        ("bob", "alarms"),
        ("ann (console session 1)", "console"),
    ]


def test_a_broken_glass_is_told_with_its_reason() -> None:
    used = Application(plan="12" * 32, to_release="ab" * 32, applied_wire_ms=9_000, who="ann",
                       approval=None, break_glass="the venue changed its fees")  # fmt: skip
    (line,) = operators_view((), (), (used,)).rows
    assert (line.what, line.why) == ("break glass", "the venue changed its fees")


def test_the_page_is_bounded_and_so_is_each_text() -> None:
    rows = [pressed(n, "done", id=str(n), why="<i>" * 100_000) for n in range(ROWS_MAX + 9)]
    view = operators_view(rows, (), ())
    assert (len(view.rows), view.hidden) == (ROWS_MAX, 9)
    assert view.rows[0].why.endswith("(300,000 characters in all)")
