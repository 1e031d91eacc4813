"""The page of alarms: every cause with its advice, bounded whatever the evidence holds."""

from pathlib import Path

from actors.detectors.registry import KINDS, new_alarm
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from cluster.status.dead_fleet import KIND as DEAD
from cluster.web.views.alarms import EVIDENCE_MAX, GROUPS_MAX, alarms_view, cleared_rows

NOW_MS = 1_000_000


def store_with(root: Path, *subjects: str, evidence: dict[str, str] | None = None) -> AlarmStore:
    store = AlarmStore(LocalStorage(root))
    for subject in subjects:
        store.raise_alarm(new_alarm("no_decision", subject, evidence or {}, wire_ms=NOW_MS - 9_000))
    return store


def test_alarms_of_one_cause_are_one_card_and_each_has_its_own_button(tmp_path: Path) -> None:
    store = store_with(tmp_path, "btc-5m", "eth-5m", evidence={"due_ms": "7"})
    view = alarms_view(store.latched(), None, NOW_MS)
    (card,) = view.cards
    assert (view.latched, card.count, card.age) == (2, 2, "9.0 s ago")
    assert [one.subject for one in card.members] == ["btc-5m", "eth-5m"]
    assert all(one.clearable for one in card.members)
    assert card.members[0].evidence == (("due_ms", "7"),)
    assert card.runbook == KINDS["no_decision"].runbook
    assert card.avoid
    assert KINDS["no_decision"].remedy in card.action


def test_evidence_of_a_megabyte_is_cut_and_its_length_is_said(tmp_path: Path) -> None:
    evidence = {f"key {n}": "<script>" + "x" * 1_000_000 for n in range(EVIDENCE_MAX + 5)}
    view = alarms_view(store_with(tmp_path, "btc-5m", evidence=evidence).latched(), None, NOW_MS)
    shown = view.cards[0].members[0].evidence
    assert len(shown) == EVIDENCE_MAX
    assert shown[0][1].endswith("(1,000,008 characters in all)")


def test_a_dead_fleet_is_an_alarm_that_nobody_can_clear() -> None:
    from checkpoints.alarms import AlarmState

    alarm = new_alarm(DEAD, "fleet", {}, wire_ms=NOW_MS)
    view = alarms_view([], AlarmState(alarm=alarm, cleared=None), NOW_MS)
    assert not view.cards[0].members[0].clearable


def test_more_causes_than_a_person_reads_are_counted(tmp_path: Path) -> None:
    store = AlarmStore(LocalStorage(tmp_path))
    for number in range(GROUPS_MAX + 3):
        store.raise_alarm(
            new_alarm("no_decision", "btc-5m" + str(number), {}, wire_ms=1, action=f"do {number}")
        )
    view = alarms_view(store.latched(), None, NOW_MS)
    assert (len(view.cards), view.hidden) == (GROUPS_MAX, 3)


def test_cleared_ones_say_who_and_why(tmp_path: Path) -> None:
    store = store_with(tmp_path, "btc-5m")
    store.clear("no_decision.btc-5m.1", "it decided again", "ann", NOW_MS)
    assert alarms_view(store.latched(), None, NOW_MS).cards == ()
    (row,) = cleared_rows(store.history())
    assert (row.who, row.reason) == ("ann", "it decided again")
