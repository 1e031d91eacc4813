"""A change of parameters in place, at a closed gate: the operator's side with a fake link."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.config import FleetConfig
from actors.rollout.record import read_active
from actors.runtime import wire_ms
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from cluster.gate.entry import Entrant, announce
from cluster.gate.errors import GateRefusedError
from cluster.gate.keys import store_approval
from cluster.rolling_update.params import Changed, change_params, plan_params
from tests.cluster.gate.builders import approval, statement
from tests.cluster.gate.builders import config as closed_config
from tests.cluster.rolling_update.test_params import IN_FORCE, KEY, Link, config

WANTED: dict[str, float | int | str] = {KEY: 0.4}


def fleet(folder: Path) -> FleetConfig:
    return replace(config(folder), gate=closed_config().gate)


def change(folder: Path, link: Link, *, break_glass: str | None = None) -> Changed:
    someone = Entrant(who="ann", wire_ms=int(wire_ms()), break_glass=break_glass)
    return change_params(LocalStorage(folder), link, fleet(folder), (), WANTED, someone)


def approve(folder: Path, changes: dict[str, float | int | str]) -> None:
    storage, given_ms = LocalStorage(folder), int(wire_ms())
    document = plan_params(storage, Link(), fleet(folder), (), changes)
    # the fake fleet's commit is no clean one
    plan, _ = announce(storage, fleet(folder), replace(document, commit="c0ffee"))
    store_approval(storage, approval(plan, given_ms), statement(plan, given_ms))


def test_no_slot_is_asked_before_the_change_is_approved(tmp_path: Path) -> None:
    link = Link()
    with pytest.raises(GateRefusedError, match="no approved plan waits"):
        change(tmp_path, link)
    assert link.asked == []
    assert read_active(LocalStorage(tmp_path)) is None


def test_an_approved_change_is_put_in_force_once_and_no_other(tmp_path: Path) -> None:
    approve(tmp_path, {KEY: 0.3})
    with pytest.raises(GateRefusedError, match="params changed since the plan was made"):
        change(tmp_path, Link())
    approve(tmp_path, WANTED)
    assert change(tmp_path, Link(IN_FORCE)).failed == {}
    with pytest.raises(GateRefusedError):
        change(tmp_path, Link())


def test_a_change_forced_in_raises_its_alarm(tmp_path: Path) -> None:
    change(tmp_path, Link(IN_FORCE), break_glass="it loses money")
    (state,) = AlarmStore(LocalStorage(tmp_path)).latched()
    assert state.alarm.kind == "break_glass"
    assert state.alarm.evidence["reason"] == "it loses money"
