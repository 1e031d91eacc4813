"""What a rehearsal finds in a release's shared actors, and what it leaves alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.gateway import seats, venue_updates
from actors.gateway.fold import fold
from actors.gateway.ledger import Ledger
from actors.market_data import step as market_data_step
from actors.rehearsal import room as names
from actors.rehearsal.__main__ import play
from actors.rehearsal.gateway_log import ADDED, difference, recorded_ledger
from actors.rehearsal.venue import RehearsalVenue
from actors.supervisor import detecting, health
from actors.venue.port import VenuePort
from tests.actors.rehearsal.stages import recorded, room, write_ledger, write_statuses


def raises(*_: Any, **__: Any) -> Any:
    raise KeyError("bad release")


@pytest.mark.parametrize("part", ["gateway", "market-data", "supervisor", "ledger"])
def test_a_good_release_passes_and_says_what_was_played(part: str, tmp_path: Path) -> None:
    result = play(part, room(tmp_path))
    assert result.failure is None
    assert result.played


def test_the_recorded_log_must_give_the_state_that_the_running_release_has(tmp_path: Path) -> None:
    stage = room(tmp_path)
    ledger = fold(Ledger(), recorded())
    write_ledger(stage, ledger)
    assert "log folded to the same state" in play("gateway", stage).played
    write_ledger(stage, msgspec.structs.replace(ledger, generation=3))
    assert "another state: ledger.generation" in str(play("gateway", stage).failure)


def test_a_field_that_only_the_newer_release_has_is_no_difference() -> None:
    assert difference({"a": [1, 2]}, {"a": [1, 2], "b": 3}, "it") is None
    assert difference({"a": [1, 2], "b": 3}, {"a": [1, 2]}, "it") == "it.b is missing"
    assert "it.a[1]" in str(difference({"a": [1, 2]}, {"a": [1, 3]}, "it"))
    assert "it.a" in str(difference({"a": [1, 2]}, {"a": [1]}, "it"))


def test_an_older_release_is_given_no_field_that_it_does_not_have(tmp_path: Path) -> None:
    stage = room(tmp_path)
    play("ledger", stage)
    data = (stage / names.LEDGER).read_bytes()
    assert recorded_ledger(stage).orders or recorded_ledger(stage).ended
    assert not [name for name in ADDED if name.encode() in data]


GATEWAY_FAULTS: tuple[tuple[object, str, str], ...] = (
    (venue_updates, "take_trade", "partial fill"),
    (venue_updates, "_resolution", "settlement"),
    (venue_updates, "end_order", "taking orders"),
    (seats, "_open", "a vacancy"),
)


@pytest.mark.parametrize(("module", "name", "act"), GATEWAY_FAULTS)
def test_a_gateway_that_raises_at_an_event_is_refused_with_its_cause(
    module: object, name: str, act: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, raises)
    failure = str(play("gateway", room(tmp_path)).failure)
    assert act in failure
    assert "KeyError: 'bad release'" in failure


def test_a_fill_that_is_not_told_to_its_slot_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venue_updates, "take_trade", lambda _draft, _trade: None)
    assert "the slot is not told Filled" in str(play("gateway", room(tmp_path)).failure)


LEAVES: tuple[Callable[..., Any], ...] = (raises, lambda *_: (_ for _ in ()).throw(SystemExit(1)))


@pytest.mark.parametrize("leave", LEAVES)
def test_market_data_that_makes_no_snapshot_is_refused(
    leave: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_data_step, "build_snapshot", leave)
    assert play("market-data", room(tmp_path)).failure


@pytest.mark.parametrize(("module", "name"), [(health, "judge_gateway"), (detecting, "judge")])
def test_a_supervisor_that_cannot_judge_is_refused(
    module: object, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, raises)
    stage = room(tmp_path)
    write_statuses(stage)
    assert "bad release" in str(play("supervisor", stage).failure)


def test_the_rehearsals_venue_answers_all_that_a_gateway_may_ask() -> None:
    asked = {name for name in dir(VenuePort) if not name.startswith("_")}
    assert {name for name in asked if not hasattr(RehearsalVenue, name)} == set()
