"""Thirty-two slots on real Ray: all live, all decide, none misses a point."""

from pathlib import Path

import pytest

from signals.market import Asset, Slot, Timeframe
from tests.rolling_update.fleet import running_fleet

pytestmark = [pytest.mark.ray, pytest.mark.nemesis, pytest.mark.timeout(2_400)]
SLOW = 5
"""Speed: thirty-two decisions every 60 s of wire time fit on two cores."""
OTHERS = ("ton", "ada", "avax")
SLOTS = tuple(
    sorted(
        [f"{asset}-{frame}" for asset in [*Asset, *OTHERS] for frame in Timeframe][:32],
        key=lambda name: Slot.parse(name).place,
    )
)
POINTS = 3


def other_assets(tree: Path) -> None:
    """Name the further assets in the shipped configuration that the fleet's is made from."""
    file = tree / "cluster/configs/sandbox.toml"
    text = file.read_text(encoding="utf-8")
    names = ", ".join(f'"{asset}"' for asset in OTHERS)
    file.write_text(
        text.replace("\n[timing]\n", f"\n[venue]\nmore_assets = [{names}]\n\n[timing]\n"),
        encoding="utf-8",
    )


def test_thirty_two_slots_with_other_assets_and_4h_markets_miss_nothing(tmp_path: Path) -> None:
    with running_fleet(tmp_path, SLOTS, speed=SLOW, prepare=other_assets) as fleet:
        fleet.await_decisions(POINTS)
        decided = {slot: len(fleet.decisions(slot)) for slot in SLOTS}
        code, page = fleet.command("status")
        assert code == 0, page
        alarms = fleet.alarms()
    found = fleet.verdict()
    print(
        f"{found.decisions} of {found.due} decisions of {found.slots} slots, {found.missed} missed"
    )
    assert found.slots == len(SLOTS) == 32
    assert min(decided.values()) >= POINTS
    assert found.missed == 0, found.missed_points
    assert found.differences == []
    assert alarms == []
    assert all(slot in page for slot in SLOTS)
    assert found.orders > 0
