"""Shadows of a rollout against what its plan declares."""

from pathlib import Path

import msgspec
from msgspec.structs import replace

from actors.rollout.handoff_messages import ShadowReport
from actors.rollout.record import encode_state
from actors.rollout.rollout_state import Options
from actors.supervisor.shadowing import Shadows
from checkpoints.approvals import APPLIED, PLANS, Application
from checkpoints.records import canonical_json
from checkpoints.storage import LocalStorage
from tests.actors.rollout.rollouts import begun

RELEASE = "b2" * 32
PLAN = "c3" * 32
FILE = "rollouts/r0001/state.json"


def rolling(root: Path, *, identical: bool = False, **reports: tuple[int, int]) -> None:
    state = replace(begun(Options(identical=identical)), to_release=RELEASE)
    handoffs = dict(state.handoffs)
    for name, (compared, differing) in reports.items():
        slot = name.replace("_", "-")
        report = ShadowReport(
            handoff="h", compared=compared, differences=(), differing=differing, failure=None
        )
        handoffs[slot] = replace(handoffs[slot], shadow_report=report)
    LocalStorage(root).write(FILE, encode_state(replace(state, handoffs=handoffs)))


def declare(root: Path, decisions: int, changed_max: int) -> None:
    applied = Application(
        plan=PLAN, to_release=RELEASE, applied_wire_ms=5, who="ann", approval=None
    )
    replay = {"decisions": decisions, "expected_changed_max": changed_max, "changed": 0}
    storage = LocalStorage(root)
    storage.write(f"{APPLIED}/{PLAN}.json", canonical_json(applied))
    storage.write(f"{PLANS}/{PLAN}.json", msgspec.json.encode({"version": 1, "replay": replay}))


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


def test_a_record_that_cannot_be_read_judges_nothing(tmp_path: Path) -> None:
    shadows = Shadows(LocalStorage(tmp_path))
    LocalStorage(tmp_path).write(FILE, b'{"rollout": "r0001"}')
    assert held(shadows) == []


def test_a_record_of_a_newer_release_is_read_without_what_is_new(tmp_path: Path) -> None:
    declare(tmp_path, 288, 0)
    shadows = Shadows(LocalStorage(tmp_path))
    rolling(tmp_path, btc_5m=(3, 0), eth_5m=(2, 1))
    storage = LocalStorage(tmp_path)
    state = msgspec.json.decode(storage.read(FILE))
    state["of_a_newer_release"] = 1
    state["handoffs"]["btc-5m"]["of_a_newer_release"] = {"x": 1}
    storage.write(FILE, msgspec.json.encode(state))
    assert held(shadows) == ["shadow_disagrees"]
