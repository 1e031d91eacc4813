"""A real roll forwards and back, judged by the exchange's ledger and the schedule."""

from pathlib import Path

import pytest

from tests.actors.rollout.queue_places import kept_orders, rests, switches
from tests.rolling_update.fleet import Fleet
from tests.rolling_update.hanging import STOPPED, turn_bad
from tests.rolling_update.trees import copy_tree, edit, release_in

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1500)]


def assert_nothing_lost(fleet: Fleet) -> None:
    verdict = fleet.verdict()
    assert verdict.missed == 0, verdict.missed_points
    assert verdict.differences == []
    found = rests(fleet.state.sandbox)
    for switch in switches(fleet.storage, fleet.slots):
        _, lost = kept_orders(switch, found)
        assert lost == [], switch


def test_one_edited_number_reaches_every_slot_and_a_rollback_brings_the_old_code_back(
    fleet: Fleet, tmp_path: Path
) -> None:
    (old,) = fleet.releases()  # other tests may have rolled this fleet before
    tree = copy_tree(tmp_path / "edited")
    edit(
        tree,
        "signals/factors/pattern.py",
        "shapes.bullish(bars, params.strong_body_atr)",
        "shapes.bullish(bars, 1.05 * params.strong_body_atr)",
    )
    new = release_in(tree)
    forwards = fleet.roll(tree, "--shadow=1")
    assert forwards.outcome == "done", forwards.failure
    assert [slot.hash_equal for slot in forwards.slots] == [True] * len(fleet.slots)
    fleet.await_decisions(1)
    assert fleet.releases() == {new}
    assert_nothing_lost(fleet)

    turn_bad(fleet, tmp_path, fleet.slots[0], STOPPED)
    code, output = fleet.command("rolling-update", "rollback", tree=tree)
    assert code == 0, output
    assert f"{fleet.slots[0]:<10} filling" in output, "who hangs goes by vacancy"
    fleet.await_decisions(1)
    assert fleet.releases() == {old}
    assert_nothing_lost(fleet)
    print([(slot.slot, slot.dark_ms) for slot in forwards.slots], forwards)
