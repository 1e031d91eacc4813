"""Shadows of a rollout against what its plan declares."""

from pathlib import Path

import msgspec

from actors.rollout.handoff_state import Handoff
from actors.rollout.rollout_state import Options, Rollout
from actors.supervisor.shadowing import Shadows
from checkpoints.approvals import APPLIED, PLANS
from checkpoints.storage import LocalStorage

RELEASE = "b2" * 32


def rolling(root: Path, *, identical: bool = False, **reports: tuple[int, int]) -> None:
    handoffs = {
        slot.replace("_", "-"): {"shadow_report": {"compared": n, "differing": d}}
        for slot, (n, d) in reports.items()
    }
    state = {"to_release": RELEASE, "options": {"identical": identical}, "handoffs": handoffs}
    LocalStorage(root).write("rollouts/r0001/state.json", msgspec.json.encode(state))


def declare(root: Path, decisions: int, changed_max: int) -> None:
    applied = {"plan": "p1", "to_release": RELEASE, "applied_wire_ms": 5}
    replay = {"decisions": decisions, "expected_changed_max": changed_max, "changed": 0}
    storage = LocalStorage(root)
    storage.write(f"{APPLIED}/p1.json", msgspec.json.encode(applied))
    storage.write(f"{PLANS}/p1.json", msgspec.json.encode({"version": 1, "replay": replay}))


def held(shadows: Shadows, rollout: str | None = "r0001") -> list[str]:
    return [finding.kind for finding in shadows.poll(rollout) if finding.holds]


def test_one_difference_breaks_a_plan_that_nothing_changes(tmp_path: Path) -> None:
    for case, notify in (("said", True), ("planned", False)):
        root = tmp_path / case
        if not notify:
            declare(root, 288, 0)
        shadows = Shadows(LocalStorage(root))
        rolling(root, identical=notify, btc_5m=(3, 0))
        assert held(shadows) == []
        rolling(root, identical=notify, btc_5m=(3, 0), eth_5m=(2, 1))
        assert held(shadows) == ["shadow_disagrees"]


def test_a_declared_share_is_left_alone_and_far_more_is_found(tmp_path: Path) -> None:
    declare(tmp_path, 288, 14)
    shadows = Shadows(LocalStorage(tmp_path))
    rolling(tmp_path, btc_5m=(20, 1))
    assert held(shadows) == []
    for cycle in range(1, 12):
        rolling(tmp_path, btc_5m=(20 + cycle, 1 + cycle))
        held(shadows)
    assert held(shadows) == ["shadow_disagrees"]
    assert held(shadows, None) == [], "the roll has ended"


def test_without_a_declaration_nothing_is_judged(tmp_path: Path) -> None:
    shadows = Shadows(LocalStorage(tmp_path))
    assert held(shadows) == [], "no record yet"
    rolling(tmp_path, btc_5m=(9, 9))
    assert held(shadows) == []


def test_the_views_name_fields_of_the_rollouts_own_record() -> None:
    assert "shadow_report" in Handoff.__struct_fields__
    assert "identical" in Options.__struct_fields__
    assert {"to_release", "options", "handoffs"} <= set(Rollout.__struct_fields__)
