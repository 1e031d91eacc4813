"""A paper fleet's recording run as a tape by `run --tape`: which inputs and decisions are the same.

Both runs have the same seed, so that the simulated venue and exchanges make the same path of prices
inside each recorded candle. The second run begins where the recording does, hours earlier.
"""

import re
from pathlib import Path

import pytest

from actors.runtime import load_config
from cluster.local.jobs import WORKING_TREE
from tests.nemesis.test_paper_fleet import paper_fleet
from tests.rolling_update.fleet import SIXTEEN
from tests.tape_decisions import replayed
from tests.taped_runs import compare, decides_the_same, made

pytestmark = [
    pytest.mark.ray,
    pytest.mark.exchange,
    pytest.mark.nemesis,
    pytest.mark.timeout(3_600),
]
SPEED = 60
"""Of both: the feed's grid of averages follows it."""
POINTS = 12
"""Of each slot: half an hour of market time."""
REACH_SECONDS = 900.0
"""Wire. A recording begins five hours before its first decision: five minutes at this speed."""


def seldom(folder: Path) -> Path:
    """Return the stand-ins' configuration with two decisions each five minutes."""
    text = (WORKING_TREE / "cluster/configs/paper-standins.toml").read_text()
    text, count = re.subn(
        r"^decision_offsets_ms = .*$",
        "decision_offsets_ms = [80_000, 200_000]",
        text,
        flags=re.MULTILINE,
    )
    assert count == 1
    file = folder / "seldom.toml"
    file.write_text(text)
    return file


def test_a_recording_of_sixteen_slots_run_as_a_tape_decides_the_same(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    config = seldom(tmp_path)
    with paper_fleet(tmp_path / "first", SPEED, config=config) as fleet:
        fleet.await_decisions(POINTS)
        fleet.stop()
        params = load_config(str(fleet.state.storage)).params
        first, tape = made(fleet.storage, SIXTEEN), Path(f"{fleet.state.storage}-tape")
        again = list(replayed(fleet.state.storage, tape, SIXTEEN))
        alike = sum(one.same(params) for one in again)
        print(f"\nby the tape's files: {alike} of {len(again)} decisions of {len(first)} the same")
    last_ms = max(due_ms for _, due_ms in first)
    words = (f"--tape={tape}",)
    with paper_fleet(tmp_path / "second", SPEED, config=config, words=words) as fleet:
        fleet.await_decisions(1)
        fleet.wait(
            lambda: all((fleet.decisions(slot)[-1].due_ms or 0) >= last_ms for slot in SIXTEEN),
            "the recording's last point",
            REACH_SECONDS,
        )
        fleet.stop()
        second = made(fleet.storage, SIXTEEN)
    both = sorted(first.keys() & second.keys())
    found = compare(first, second)
    print(f"run as a tape: {len(both)} of {len(first)} points were met again")
    for name, one in found.items():
        print(f"{name:<18} {one.same:>7} the same, {one.other} not; {one.alone} had by one alone")
    alike_run = [k for k in both if decides_the_same(k[0], first[k][1], second[k][1], params)]
    print(f"{len(alike_run)} of {len(both)} decide the same by the second run's values")
    acted = sum(first[key][0].action == second[key][0].action for key in both)
    print(f"{acted} of {len(both)} acted the same, each by its own books and what had come by then")
    assert alike == len(again) == len(first)
    assert {slot for slot, _ in both} == set(SIXTEEN)
    assert {name for name, one in found.items() if one.other} <= {"books"}
    assert {name for name, one in found.items() if not one.same} <= {"books"}, "nothing in common"
    assert alike_run == both
