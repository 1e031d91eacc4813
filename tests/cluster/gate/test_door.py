"""What plan, apply and params say to the gate."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.messages import FenceRecord
from checkpoints.approvals import APPLIED
from checkpoints.storage import LocalStorage
from cluster.gate.entry import Entrant, announce, enter
from cluster.gate.errors import GateError, GateRefusedError
from cluster.gate.keys import store_approval
from cluster.gate.page import document_page
from cluster.gate.small_plans import params_document
from tests.cluster.gate.builders import COMMIT, NOW_MS, SLOTS, approval, config, document, statement

CLOSED = config()


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage")


def entrant(**changes: object) -> Entrant:
    return replace(Entrant(who="bob", wire_ms=NOW_MS + 1), **changes)


def approve(storage: LocalStorage, plan: str) -> None:
    store_approval(storage, approval(plan), statement(plan))


def owner(slot: str) -> FenceRecord:
    return FenceRecord(
        slot=slot,
        fence=1,
        incarnation=1,
        life="1-1",
        release="a1" * 32,
        commit=COMMIT,
        params="p1",
        journal_sequence=0,
        outbox_sequence=0,
    )


def test_apply_finds_the_approved_plan_that_fits(storage: LocalStorage, tmp_path: Path) -> None:
    made = document(storage, tmp_path)
    first, _ = announce(storage, CLOSED, made)
    second, said = announce(storage, CLOSED, replace(made, config="0" * 64))
    assert f"approve {second[:12]}" in said
    approve(storage, first)
    approve(storage, second)
    admitted = enter(storage, CLOSED, replace(made, made_wire_ms=NOW_MS + 5), entrant())
    assert admitted.application.plan == first


def test_apply_says_in_what_the_approved_plan_no_longer_fits(
    storage: LocalStorage, tmp_path: Path
) -> None:
    made = document(storage, tmp_path)
    plan, _ = announce(storage, CLOSED, made)
    approve(storage, plan)
    changed = replace(made, plan=replace(made.plan, replaces=("gateway",)))
    with pytest.raises(GateRefusedError, match=r"plan\.replaces changed since the plan was made"):
        enter(storage, CLOSED, changed, entrant())
    assert storage.names(f"{APPLIED}/") == []


def test_apply_without_any_approved_plan_says_what_to_do(
    storage: LocalStorage, tmp_path: Path
) -> None:
    made = document(storage, tmp_path)
    announce(storage, CLOSED, made)
    with pytest.raises(GateRefusedError, match="no approved plan waits"):
        enter(storage, CLOSED, made, entrant())


def test_break_glass_needs_no_plan_made_before(storage: LocalStorage, tmp_path: Path) -> None:
    made = document(storage, tmp_path, commit="abc-dirty")
    admitted = enter(storage, CLOSED, made, entrant(break_glass="bleeding"))
    assert admitted.alarm is not None
    assert len(admitted.notes) == 2


def test_broken_glass_is_not_stopped_by_an_approved_plan_of_something_else(
    storage: LocalStorage, tmp_path: Path
) -> None:
    made = document(storage, tmp_path)
    plan, _ = announce(storage, CLOSED, made)
    approve(storage, plan)
    otherwise = replace(made, options=replace(made.options, shadow=0))
    admitted = enter(storage, CLOSED, otherwise, entrant(break_glass="bleeding"))
    assert admitted.application.plan != plan
    assert admitted.application.break_glass == "bleeding"


def test_an_open_gate_asks_for_nothing_and_keeps_the_plan(
    storage: LocalStorage, tmp_path: Path
) -> None:
    fleet = config(mode=None)
    made = document(storage, tmp_path, fleet)
    assert enter(storage, fleet, made, entrant()).notes == ()
    again = replace(made, made_wire_ms=NOW_MS + 9)
    enter(storage, fleet, again, entrant())
    assert len(storage.names(f"{APPLIED}/")) == 2


def test_a_change_of_parameters_passes_the_same_gate(storage: LocalStorage) -> None:
    owners = [owner(slot) for slot in SLOTS]
    wanted = params_document(CLOSED, owners, {"weights.pattern": 20}, (), NOW_MS)
    assert [(c.key, c.before, c.after) for c in wanted.params] == [
        ("weights.pattern", "30.0", "20")
    ]
    plan, _ = announce(storage, CLOSED, wanted)
    with pytest.raises(GateRefusedError, match="no approved plan waits"):
        enter(storage, CLOSED, wanted, entrant())
    approve(storage, plan)
    other = params_document(CLOSED, owners, {"weights.pattern": 21}, (), NOW_MS)
    with pytest.raises(GateRefusedError, match="params changed since the plan was made"):
        enter(storage, CLOSED, other, entrant())
    admitted = enter(storage, CLOSED, wanted, entrant())
    assert admitted.document.staged.size_permille == 1000


def test_parameters_of_a_slot_without_owner_cannot_be_planned() -> None:
    with pytest.raises(GateError, match="eth-5m runs nothing"):
        params_document(CLOSED, [owner("btc-5m")], {"weights.pattern": 20}, (), NOW_MS)


def test_the_page_says_what_is_missing_and_shows_the_code(
    storage: LocalStorage, tmp_path: Path
) -> None:
    page = document_page("ab" * 32, document(storage, tmp_path))
    assert "replay: not made" in page
    assert "+WEIGHT = 28" in page
    assert "25 % of its limits until 192 good decisions" in page
