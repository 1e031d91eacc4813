"""What the gate lets in, once, and what it says when it does not."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.config import FleetConfig, GateMode, Mode
from checkpoints.alarms import AlarmStore
from checkpoints.approvals import APPLIED, PLANS, ReplayFindings, read_gate
from checkpoints.approved_releases import CoverageReader, coverage, mark_baked, unbaked
from checkpoints.storage import LocalStorage
from cluster.gate.admission import BREAK_GLASS, Admission, Wish, admit, covered
from cluster.gate.document import PlanDocument, find_plan, load_plan, store_plan
from cluster.gate.errors import GateError, GateRefusedError
from cluster.gate.keys import store_approval
from cluster.gate.settings import HOUR_MS, MINUTE_MS
from cluster.gate.small_plans import first_document
from tests.cluster.gate.builders import (
    KEYS,
    NOW_MS,
    Extras,
    Options,
    approval,
    config,
    document,
    statement,
    two_releases,
)


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage")


def planned(storage: LocalStorage, root: Path, **words: object) -> tuple[str, PlanDocument]:
    made = document(storage, root, **words)
    return store_plan(storage, made), made


def approve(storage: LocalStorage, plan: str, approved_ms: int = NOW_MS) -> None:
    store_approval(storage, approval(plan, approved_ms), statement(plan, approved_ms))


def ask(
    storage: LocalStorage,
    plan: str,
    now: PlanDocument,
    fleet: FleetConfig | None = None,
    wire_ms: int = NOW_MS + 1,
    break_glass: str | None = None,
) -> Admission:
    wish = Wish(plan=plan, who="bob", wire_ms=wire_ms, break_glass=break_glass)
    return admit(storage, fleet or config(), now, wish)


def refusal(*arguments: object, **words: object) -> str:
    with pytest.raises(GateRefusedError) as caught:
        ask(*arguments, **words)
    return str(caught.value)


def test_an_approved_plan_is_let_in_and_covers_its_release(
    storage: LocalStorage, tmp_path: Path
) -> None:
    plan, made = planned(storage, tmp_path)
    approve(storage, plan)
    assert covered(storage, config()).releases == frozenset()
    admitted = ask(storage, plan, replace(made, made_wire_ms=NOW_MS + 1))
    assert admitted.application.approval == statement(plan).id
    assert admitted.notes == ()
    assert covered(storage, config()).releases == {made.to_release}


def test_a_plan_without_approval_is_refused_and_nothing_is_used_up(
    storage: LocalStorage, tmp_path: Path
) -> None:
    plan, made = planned(storage, tmp_path)
    assert "has no valid approval" in refusal(storage, plan, made)
    assert storage.names(f"{APPLIED}/") == []


def test_an_approval_serves_for_one_roll(storage: LocalStorage, tmp_path: Path) -> None:
    plan, made = planned(storage, tmp_path)
    approve(storage, plan)
    ask(storage, plan, made)
    assert "was applied before" in refusal(storage, plan, made)


def test_a_plan_for_a_fleet_that_has_changed_since_is_refused(
    storage: LocalStorage, tmp_path: Path
) -> None:
    plan, made = planned(storage, tmp_path)
    approve(storage, plan)
    elsewhere = replace(made, plan=replace(made.plan, from_releases={"f" * 64: ("btc-5m",)}))
    assert "plan.from_releases changed since the plan was made" in refusal(storage, plan, elsewhere)
    other = replace(made, config="0" * 64)
    assert "config changed since the plan" in refusal(storage, plan, other, break_glass="now!")


def test_other_words_than_the_planned_ones_are_refused(
    storage: LocalStorage, tmp_path: Path
) -> None:
    plan, made = planned(storage, tmp_path)
    approve(storage, plan)
    hasty = replace(made, options=replace(made.options, canary=None))
    assert "options changed since the plan was made" in refusal(storage, plan, hasty)


def test_a_dirty_tree_is_refused_while_the_gate_is_closed(
    storage: LocalStorage, tmp_path: Path
) -> None:
    plan, made = planned(storage, tmp_path, commit="abc-dirty")
    approve(storage, plan)
    assert "was not clean" in refusal(storage, plan, made)


def test_a_plan_whose_replay_contradicts_its_declaration_is_refused(
    storage: LocalStorage, tmp_path: Path
) -> None:
    found = ReplayFindings(decisions=288, changed=7, expected_changed_max=0)
    made = replace(document(storage, tmp_path), replay=found)
    plan = store_plan(storage, made)
    approve(storage, plan)
    assert "replay changes 7 of 288" in refusal(storage, plan, made)
    declared = replace(made, replay=replace(found, expected_changed_max=7))
    plan = store_plan(storage, declared)
    approve(storage, plan)
    ask(storage, plan, declared)


def test_the_right_to_apply_expires_and_the_release_does_not(
    storage: LocalStorage, tmp_path: Path
) -> None:
    plan, made = planned(storage, tmp_path)
    approve(storage, plan)
    late = NOW_MS + 25 * HOUR_MS
    assert "has expired" in refusal(storage, plan, made, wire_ms=late)
    ask(storage, plan, made)
    assert coverage(read_gate(storage), KEYS).releases == {made.to_release}


def test_a_removed_key_approves_nothing(storage: LocalStorage, tmp_path: Path) -> None:
    fleet = config(operator_keys={"carol": "ab" * 32})
    plan, made = planned(storage, tmp_path, fleet=fleet)
    approve(storage, plan)
    assert "no operator of this fleet" in refusal(storage, plan, made, fleet=fleet)


def test_budget_pause_and_frozen_hours_each_refuse(storage: LocalStorage, tmp_path: Path) -> None:
    fleet = config(rolls_per_day=1, minutes_between_rolls=30.0, freeze_utc=("09:30-10:30",))
    first, made = planned(storage, tmp_path, fleet=fleet)
    approve(storage, first)
    assert "in 09:30-10:30 UTC" in refusal(storage, first, made, fleet=fleet)
    after_ms = NOW_MS + 40 * MINUTE_MS
    ask(storage, first, made, fleet=fleet, wire_ms=after_ms)
    second, again = planned(storage, tmp_path, fleet=fleet, wire_ms=after_ms)
    approve(storage, second, after_ms)
    said = refusal(storage, second, again, fleet=fleet, wire_ms=after_ms + MINUTE_MS)
    assert "gate.rolls_per_day is 1" in said
    assert "began 1.0 minutes ago" in said
    ask(storage, second, again, fleet=fleet, wire_ms=after_ms + 14 * HOUR_MS)


def test_frozen_hours_may_wrap_midnight(storage: LocalStorage, tmp_path: Path) -> None:
    fleet = config(freeze_utc=("22:00-10:01",))
    plan, made = planned(storage, tmp_path, fleet=fleet)
    approve(storage, plan)
    assert "nothing may be rolled out" in refusal(storage, plan, made, fleet=fleet)
    ask(storage, plan, made, fleet=fleet, wire_ms=NOW_MS + HOUR_MS)


def test_break_glass_lets_in_and_raises_an_alarm_first(
    storage: LocalStorage, tmp_path: Path
) -> None:
    plan, made = planned(storage, tmp_path)
    admitted = ask(storage, plan, made, break_glass="losing money on the old one")
    (alarm,) = AlarmStore(storage).latched()
    assert (alarm.alarm.kind, alarm.alarm.id) == (BREAK_GLASS, admitted.alarm)
    assert alarm.alarm.evidence["reason"] == "losing money on the old one"
    seen = covered(storage, config())
    assert (seen.releases, seen.forced) == ({made.to_release}, {made.to_release})


def test_break_glass_without_a_reason_is_refused(storage: LocalStorage, tmp_path: Path) -> None:
    plan, made = planned(storage, tmp_path)
    with pytest.raises(GateError, match="needs a reason"):
        ask(storage, plan, made, break_glass="  ")


def test_an_open_gate_lets_in_and_says_so(storage: LocalStorage, tmp_path: Path) -> None:
    fleet = config(mode=None)
    plan, made = planned(storage, tmp_path, fleet=fleet, commit="abc-dirty")
    assert ask(storage, plan, made, fleet=fleet).notes == ()
    assert covered(storage, fleet) is None


def test_the_gate_is_open_in_the_sandbox_and_closed_elsewhere() -> None:
    by_default = config(mode=None)
    assert by_default.gate_is_open
    assert not replace(by_default, mode=Mode.PAPER).gate_is_open
    assert not replace(by_default, mode=Mode.LIVE).gate_is_open
    assert not config(mode=GateMode.CLOSED).gate_is_open


def test_a_closed_gate_without_operators_says_what_is_missing(
    storage: LocalStorage, tmp_path: Path
) -> None:
    fleet = config(operator_keys={})
    plan, made = planned(storage, tmp_path, fleet=fleet)
    assert "gate.operator_keys is empty" in refusal(storage, plan, made, fleet=fleet)


def test_a_new_release_trades_a_fraction_until_it_has_baked(
    storage: LocalStorage, tmp_path: Path
) -> None:
    plan, made = planned(storage, tmp_path)
    approve(storage, plan)
    ask(storage, plan, made)
    assert covered(storage, config()).size_of(made.to_release) == 250
    assert covered(storage, config()).limit_of(made.to_release, 50_000_001) == 12_500_000
    assert unbaked(read_gate(storage)) == {made.to_release: (plan, 192)}
    assert not mark_baked(storage, plan, 191, NOW_MS)
    assert covered(storage, config()).size_of(made.to_release) == 250
    assert mark_baked(storage, plan, 192, NOW_MS)
    assert covered(storage, config()).size_of(made.to_release) == 1000
    assert unbaked(read_gate(storage)) == {}


def test_the_gateways_reader_sees_a_roll_as_soon_as_it_is_admitted(
    storage: LocalStorage, tmp_path: Path
) -> None:
    reader = CoverageReader(storage, KEYS)
    plan, made = planned(storage, tmp_path)
    approve(storage, plan)
    assert reader.read().releases == frozenset()
    ask(storage, plan, made)
    seen = reader.read()
    assert seen.releases == {made.to_release}
    assert reader.read() is seen


def test_a_stray_file_among_the_gates_files_changes_nothing(
    storage: LocalStorage, tmp_path: Path
) -> None:
    plan, made = planned(storage, tmp_path)
    approve(storage, plan)
    ask(storage, plan, made)
    (tmp_path / "storage" / APPLIED / f"{plan}.json~").write_text("an editor's backup")
    assert covered(storage, config()).releases == {made.to_release}


def test_the_first_release_needs_an_approval_too(storage: LocalStorage, tmp_path: Path) -> None:
    _, new = two_releases(storage, tmp_path)
    extras = Extras(options=Options(), wire_ms=NOW_MS, commit="c0ffee")
    made = first_document(storage, new.release, config(), extras)
    plan = store_plan(storage, made)
    assert "has no valid approval" in refusal(storage, plan, made)
    approve(storage, plan)
    ask(storage, plan, made)
    assert covered(storage, config()).size_of(new.release) == 1000


def test_a_fleet_that_was_stopped_starts_another_release_at_a_fraction(
    storage: LocalStorage, tmp_path: Path
) -> None:
    old, new = two_releases(storage, tmp_path)
    extras = Extras(options=Options(), wire_ms=NOW_MS, commit="c0ffee")
    first = first_document(storage, old.release, config(), extras)
    approve(storage, store_plan(storage, first))
    ask(storage, store_plan(storage, first), first)
    assert first_document(storage, new.release, config(), extras).staged.size_permille == 250


def test_a_plan_altered_on_disk_is_named_and_covers_nothing(
    storage: LocalStorage, tmp_path: Path
) -> None:
    plan, made = planned(storage, tmp_path)
    approve(storage, plan)
    ask(storage, plan, made)
    name = f"{PLANS}/{plan}.json"
    storage.write(name, storage.read(name).replace(b'"size_permille":250', b'"size_permille":999'))
    seen = covered(storage, config())
    assert seen.releases == frozenset()
    assert "another digest" in seen.refused[0].reason
    with pytest.raises(GateError, match="altered on disk"):
        load_plan(storage, plan)


def test_a_plan_is_found_by_its_beginning(storage: LocalStorage, tmp_path: Path) -> None:
    plan, _ = planned(storage, tmp_path)
    assert find_plan(storage, plan[:8]) == plan
    with pytest.raises(GateError, match="names no plan"):
        find_plan(storage, "zz")


def test_the_document_shows_code_parameters_and_nothing_of_the_moment(
    storage: LocalStorage, tmp_path: Path
) -> None:
    made = document(storage, tmp_path)
    assert [file.path for file in made.code] == ["signals/factor.py", "signals/params.toml"]
    assert "-WEIGHT = 30\n+WEIGHT = 28" in made.code[0].diff
    assert [(p.key, p.before, p.after) for p in made.params] == [("weights.pattern", "30", "28")]
    assert made.plan.first_due_ms == {}
