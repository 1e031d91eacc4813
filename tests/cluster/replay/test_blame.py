"""Blame: the change that turned a decision is found, by bisection, over releases and parameters."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.slot.start import store_params
from checkpoints.storage import LocalStorage
from cluster.__main__ import run
from cluster.audit.journal_view import JournalView
from cluster.replay.blame import Blame, blame
from cluster.replay.blame_page import blame_lines
from cluster.replay.errors import ReplayError
from cluster.replay.versions import Version, turning_point, versions_of
from signals.params import override
from tests.cluster.audit.builders import EAGER, Story, archive_changed, archive_tree

TURNED = {"signals/blend.py": ("spread_points / 100", "spread_points / -100")}
SHY = override(EAGER, {"edge.rest_min": 0.9})
"""Parameters that trade on nothing."""


def version(number: int) -> Version:
    return Version(release=f"r{number}", params="p", strategy="s", first_due_ms=number)


@given(st.integers(1, 300), st.data())
def test_bisection_finds_the_one_turn_with_few_questions(count: int, data: st.DataObject) -> None:
    turn = data.draw(st.integers(0, count - 1))
    asked: list[int] = []

    def agrees(one: Version) -> bool:
        asked.append(one.first_due_ms)
        return one.first_due_ms >= turn

    found = turning_point([version(n) for n in range(count)], agrees)
    assert found == (None if turn == 0 else turn)
    assert len(asked) <= 2 + count.bit_length()


@given(st.lists(st.booleans(), min_size=2, max_size=60))
def test_where_versions_went_back_and_forth_the_place_is_a_real_turn(same: list[bool]) -> None:
    same = [*same, True]
    found = turning_point(
        [version(n) for n in range(len(same))], lambda one: same[one.first_due_ms]
    )
    assert found is None if same[0] else (same[found or 0] and not same[(found or 0) - 1])


def test_versions_are_what_changed_not_every_row() -> None:
    rows = [(1, "a", "p", "s"), (2, "a", "p", "s"), (3, "b", "p", "s"), (4, "a", "p", "s")]
    assert [one.first_due_ms for one in versions_of(rows)] == [1, 3, 4]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One slot whose release changed, one whose parameters did."""
    folder = tmp_path_factory.mktemp("state")
    storage = LocalStorage(folder / "storage")
    good = archive_tree(storage)
    turned = archive_changed(storage, tmp_path_factory.mktemp("turned"), TURNED)
    code = Story(storage, turned, "btc-5m")
    code.decide()
    code.claim(good)
    code.want()
    params = Story(storage, good, "eth-5m", params=SHY)
    params.decide()
    params.params = EAGER
    store_params(storage, EAGER)
    params.want()
    return folder


def last_trade(root: Path, slot: str) -> tuple[str, int]:
    view = JournalView(root / "storage")
    ((due_ms,),) = view.fetch(
        "select max(due_ms) from valid where slot = ? and kind = 'decision'", slot
    )
    return slot, int(due_ms)


def blamed(root: Path, slot: str, *, exact: bool = False) -> Blame:
    name, due_ms = last_trade(root, slot)
    return blame(JournalView(root / "storage"), name, due_ms, exact=exact)


def test_a_turn_by_code_names_the_release_and_shows_the_line(root: Path) -> None:
    found = blamed(root, "btc-5m", exact=True)
    assert found.cause == "code"
    assert [change.path for change in found.code] == ["signals/blend.py"]
    page = list(blame_lines(found))
    assert any("spread_points / -100" in line for line in page)
    assert any(line.startswith("The code of release") for line in page)
    assert found.otherwise is not None


def test_a_turn_by_parameters_names_the_key_and_both_decisions(root: Path) -> None:
    found = blamed(root, "eth-5m")
    assert found.cause == "params"
    assert found.otherwise is not None
    assert found.otherwise.legs != found.recorded.legs
    page = "\n".join(blame_lines(found))
    assert "edge.rest_min: 0.9 -> 0.0" in page
    assert "before the change" in page


def test_a_decision_that_no_change_turned_says_so(root: Path) -> None:
    view = JournalView(root / "storage")
    ((first_ms,),) = view.fetch(
        "select min(due_ms) from valid where slot = 'eth-5m' and kind = 'decision'"
    )
    found = blame(view, "eth-5m", int(first_ms), exact=True)
    assert found.cause == "none"
    assert "No change in this slot's history" in "\n".join(blame_lines(found))


def test_a_decision_that_is_not_there_is_refused(root: Path) -> None:
    with pytest.raises(ReplayError, match="no decision due at 5"):
        blame(JournalView(root / "storage"), "btc-5m", 5, exact=False)


def test_the_command_takes_a_decision_by_slot_and_time(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slot, due_ms = last_trade(root, "eth-5m")
    words = ["blame", f"{slot}@{due_ms}", "--state", str(root)]
    assert run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cause"] == "params"
    assert run(["blame", "btc-5m@noon", "--state", str(root)]) == 2
    assert run(["blame", "btc-7m@5", "--state", str(root)]) == 2
    assert run(["blame", "0x1", "--state", str(root)]) == 1
