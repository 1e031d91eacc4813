"""How a roll comes to the gate: its words, its turn, its document."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from actors.rollout.errors import RolloutError
from actors.rollout.handoff_events import Now
from actors.rollout.handoff_state import Step
from actors.rollout.record import RolloutRecord, encode_state, read_active, rollout_ids
from actors.rollout.rollout_state import Occupant, Options, begin
from actors.rollout.schedule import Schedule
from actors.runtime import CONFIG_FILE
from checkpoints.approvals import APPLIED, GateFiles, read_gate
from checkpoints.approved_releases import coverage
from checkpoints.storage import LocalStorage
from cluster.commands.pace import planned_options
from cluster.gate.admission import Wish, admit, check_covered
from cluster.gate.document import Extras, PlanDocument, store_plan
from cluster.gate.entry import Entrant, announce, enter, next_step
from cluster.gate.errors import GateRefusedError
from cluster.gate.keys import store_approval
from cluster.gate.small_plans import first_document, params_document
from cluster.rolling_update.gated import check_way_back, document_of, let_in
from cluster.rolling_update.planning import Request
from signals.market_time import MarketClock
from tests.actors.rollout.plans import plan
from tests.cluster.gate.builders import (
    COMMIT,
    KEYS,
    NOW_MS,
    SLOTS,
    approval,
    config,
    document,
    plan_of,
    statement,
    two_releases,
)
from tests.cluster.gate.test_door import owner

CLOSED = config()
SAID: list[str] = []


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage")


def refuse() -> None:
    raise GateRefusedError(("not today",))


def approved(storage: LocalStorage, made: PlanDocument) -> str:
    digest = store_plan(storage, made)
    store_approval(storage, approval(digest), statement(digest))
    return digest


def apply(storage: LocalStorage, made: PlanDocument, wire_ms: int = NOW_MS + 1) -> None:
    admit(storage, CLOSED, made, Wish(plan=approved(storage, made), who="bob", wire_ms=wire_ms))


def test_a_refused_roll_leaves_no_turn_and_no_rollout_behind(storage: LocalStorage) -> None:
    with pytest.raises(GateRefusedError, match="not today"):
        RolloutRecord(storage, "r0001").begin(plan(SLOTS), refuse)
    assert read_active(storage) is None
    assert rollout_ids(storage) == []
    RolloutRecord(storage, "r0001").begin(plan(SLOTS))


def test_a_roll_that_may_not_start_uses_no_right_up(storage: LocalStorage) -> None:
    RolloutRecord(storage, "r0001").begin(plan(SLOTS))
    asked: list[str] = []
    with pytest.raises(RolloutError, match="r0001 is under way"):
        RolloutRecord(storage, "r0002").begin(plan(SLOTS), lambda: asked.append("admit"))
    assert asked == []


def test_apply_takes_its_words_from_the_plan_but_not_those_that_were_said(
    storage: LocalStorage, tmp_path: Path
) -> None:
    made = document(storage, tmp_path)
    made = replace(made, options=Options(canary="btc-5m", bake=3, shadow=0, identical=True))
    words = {"canary": None, "bake": 0, "shadow": 1, "expect": "report", "plan": "ab", "slots": ""}
    taken = planned_options(words, made, {"shadow"})
    assert (taken["canary"], taken["bake"], taken["expect"]) == ("btc-5m", 3, "identical")
    assert taken["shadow"] == 1, "refused by the gate, not overruled in silence"
    assert (taken["slots"], taken["plan"]) == ("btc-5m,eth-5m", "ab")


def test_the_next_step_is_to_approve_and_then_there_is_none(
    storage: LocalStorage, tmp_path: Path
) -> None:
    made = document(storage, tmp_path)
    assert next_step(storage, config(mode=None), made, NOW_MS) is None
    said = next_step(storage, CLOSED, made, NOW_MS)
    assert said is not None
    assert "rolling-update approve" in said
    approved(storage, made)
    assert next_step(storage, CLOSED, made, NOW_MS + 1) is None
    other = replace(made, options=Options(bake=7))
    assert next_step(storage, CLOSED, other, NOW_MS + 1) is not None


def test_a_roll_of_a_clean_tree_may_have_an_archive_that_was_made_while_it_was_dirty(
    storage: LocalStorage, tmp_path: Path
) -> None:
    """The words say what the tree is now; the archive keeps what it was when it was first made."""
    old, new = two_releases(storage, tmp_path)
    storage.write(CONFIG_FILE, msgspec.json.encode(CLOSED))
    made = replace(plan_of(old, new), commit="abc-dirty")
    words = Request(options=Options(), commit=COMMIT, who="bob")
    approved_ms = document_of(storage, CLOSED, made, words).made_wire_ms
    digest = store_plan(storage, document_of(storage, CLOSED, made, words))
    store_approval(storage, approval(digest, approved_ms), statement(digest, approved_ms))
    SAID.clear()
    let_in(str(storage.root), made, words, SAID.append)
    assert [f"plan {digest[:12]}"] == SAID


def test_the_way_back_asks_only_whether_its_release_was_let_in(
    storage: LocalStorage, tmp_path: Path
) -> None:
    made = document(storage, tmp_path)
    with pytest.raises(GateRefusedError, match="was never approved here"):
        check_covered(storage, CLOSED, made.to_release)
    check_covered(storage, config(mode=None), made.to_release)
    apply(storage, made)
    check_covered(storage, CLOSED, made.to_release)


def rolled(storage: LocalStorage, rollout: str, from_release: str, to: str, step: Step) -> None:
    """Leave a rollout of one slot behind that ended in a step."""
    occupant = Occupant(slot="btc-5m", incarnation=1, fence=1, release=from_release)
    schedule = Schedule(offsets_ms=(20_000,), clock=MarketClock())
    begun = begin(rollout, to, (occupant,), Options(), schedule, Now(wire_ms=1, market_ms=1))
    handoff = replace(begun.handoffs["btc-5m"], step=step)
    state = replace(begun, handoffs={"btc-5m": handoff})
    storage.write(f"rollouts/{rollout}/state.json", encode_state(state))


def test_the_way_back_leads_only_to_what_has_owned_a_slot(
    storage: LocalStorage, tmp_path: Path
) -> None:
    """One whose shadow was caught was let in all the same, and is no way back."""
    made = document(storage, tmp_path)
    (old,) = made.plan.from_releases
    apply(storage, made)
    rolled(storage, "r0001", old, made.to_release, Step.FAILED)
    with pytest.raises(GateRefusedError, match="has never owned a slot"):
        check_way_back(storage, CLOSED, made.to_release)
    check_way_back(storage, config(mode=None), made.to_release)
    rolled(storage, "r0002", old, made.to_release, Step.DONE)
    check_way_back(storage, CLOSED, made.to_release)


def test_the_way_back_leads_to_what_a_fleet_was_started_with(
    storage: LocalStorage, tmp_path: Path
) -> None:
    old, _ = two_releases(storage, tmp_path)
    extras = Extras(options=Options(), wire_ms=NOW_MS, commit=COMMIT)
    apply(storage, first_document(storage, old.release, CLOSED, extras))
    check_way_back(storage, CLOSED, old.release)


def test_parameters_of_a_release_let_no_release_in(storage: LocalStorage, tmp_path: Path) -> None:
    owners = [replace(owner(slot), release="c3" * 32) for slot in SLOTS]
    change = params_document(CLOSED, owners, {"weights.pattern": 20}, (), NOW_MS)
    apply(storage, change)
    assert coverage(read_gate(storage), KEYS).releases == frozenset()


def test_neither_parameters_nor_a_second_plan_end_staged_limits(
    storage: LocalStorage, tmp_path: Path
) -> None:
    made = document(storage, tmp_path)
    apply(storage, made)
    again = replace(made, made_wire_ms=NOW_MS + 5, staged=type(made.staged)())
    apply(storage, again, NOW_MS + 10)
    owners = [replace(owner(slot), release=made.to_release) for slot in SLOTS]
    change = params_document(CLOSED, owners, {"weights.pattern": 20}, (), NOW_MS)
    apply(storage, change, NOW_MS + 20)
    assert coverage(read_gate(storage), KEYS).size_of(made.to_release) == 250


def test_a_removed_key_takes_its_releases_from_the_gateway(
    storage: LocalStorage, tmp_path: Path
) -> None:
    made = document(storage, tmp_path)
    apply(storage, made)
    files: GateFiles = read_gate(storage)
    assert coverage(files, {}).releases == frozenset()


def test_a_change_of_parameters_under_an_open_gate_is_kept_as_applied(
    storage: LocalStorage,
) -> None:
    fleet = config(mode=None)
    owners = [owner(slot) for slot in SLOTS]
    change = params_document(fleet, owners, {"weights.pattern": 20}, (), NOW_MS)
    announce(storage, fleet, change)
    enter(storage, fleet, change, Entrant(who="bob", wire_ms=NOW_MS))
    assert len(storage.names(f"{APPLIED}/")) == 1
