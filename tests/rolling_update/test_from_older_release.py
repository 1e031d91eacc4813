"""A fleet that an older release started is rolled to this tree and back, shared actors too.

The older release is commit 11b21c5: the last one before the modules of the fleet were put into the
places where they are now.
"""

import shutil
import tarfile
from pathlib import Path

import pytest

from tests.rolling_update.fleet import FOUR, SPEED, Fleet, running_fleet
from tests.rolling_update.trees import ROOT, copy_tree, release_in

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1500)]
OLDER = ROOT / "tests/golden/releases/11b21c5.tar.xz"


def unpack_older(tree: Path) -> None:
    """Replace what is in the tree by the older release."""
    shutil.rmtree(tree)
    with tarfile.open(OLDER) as archive:
        archive.extractall(tree, filter="data")


def assert_nothing_lost(fleet: Fleet) -> None:
    verdict = fleet.verdict()
    assert verdict.missed == 0, verdict.missed_points
    assert verdict.differences == []


def update(fleet: Fleet, tree: Path, *words: str) -> None:
    """What `make update` runs, in that tree."""
    fleet.clear_late_alarms()
    code, output = fleet.command("update", "--yes", *words, tree=tree)
    assert code == 0, output


def test_an_older_fleet_is_rolled_to_this_tree_and_back(tmp_path: Path) -> None:
    with running_fleet(tmp_path, FOUR, SPEED, prepare=unpack_older) as fleet:
        fleet.await_decisions(1)
        (older,) = fleet.releases()
        this = copy_tree(tmp_path / "this")
        update(fleet, this, "--all")
        fleet.await_decisions(1)
        assert fleet.releases() == {release_in(this)}
        assert_nothing_lost(fleet)

        update(fleet, fleet.tree, "--all")
        fleet.await_decisions(1)
        assert fleet.releases() == {older}
        assert_nothing_lost(fleet)

        update(fleet, this)
        fleet.await_decisions(1)
        code, output = fleet.command("rolling-update", "rollback", tree=this)
        assert code == 0, output
        fleet.await_decisions(1)
        assert fleet.releases() == {older}
        assert_nothing_lost(fleet)
        assert fleet.alarms() == []
