"""What alarms lead to: the policy's reaction, by the ways that exist, and never in a circle."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from actors.detectors.finding import Finding
from actors.detectors.policy import Reaction
from actors.gateway.client import NoAnswer
from actors.gateway.lock import HALT_FILE
from actors.messages import Refusal, SetTrading, TradingState
from actors.supervisor.events import (
    AlarmLatched,
    Detected,
    EndRollout,
    FencesRead,
    KeepStanding,
    RaiseAlarm,
    RollBack,
    RolledBack,
    RolloutSeen,
    SlotSeen,
    StartAsked,
    StopAsked,
    Ticked,
    TightenTrading,
)
from actors.supervisor.reactions import BACK_PAUSE_MS, BACK_TRIES_MAX
from actors.supervisor.requests import Requests
from checkpoints.storage import LocalStorage
from tests.actors.supervisor.test_supervisor_releases import BAD, OLD, ROLLED, record, watched
from tests.actors.supervisor.test_supervisor_step import SLOT, Watch, alarms, of, owner, status


def latched(watch: Watch, kind: str, subject: str = SLOT, **fields: Any) -> list[Any]:
    return watch.apply(AlarmLatched, alarm=f"{kind}.1", kind=kind, subject=subject, **fields)


def overruled(watch: Watch, **policy: Reaction) -> Watch:
    rules = msgspec.structs.replace(watch.state.rules, policy=policy)
    watch.state = msgspec.structs.replace(watch.state, rules=rules)
    return watch


def finding(*, holds: bool, kind: str = "input_drift") -> Finding:
    return Finding(kind=kind, subject="inputs", holds=holds, action="look", evidence={"a": "b"})


def test_the_policy_notifies_reduces_or_halts() -> None:
    watch = Watch().live()
    assert latched(watch, "wrong_code") == []
    (reduce,) = latched(watch, "input_frozen", "inputs")
    assert (reduce.state, reduce.reason) == (TradingState.REDUCING, "alarm input_frozen.1")
    (halt,) = latched(watch, "fence_of_another_release")
    assert halt.state is TradingState.HALTED


def test_the_configuration_overrules_the_table_and_off_is_not_even_told() -> None:
    watch = overruled(Watch().live(), wrong_code=Reaction.HALT, input_drift=Reaction.OFF)
    assert len(of(latched(watch, "wrong_code"), TightenTrading)) == 1
    assert watch.apply(Detected, findings=(finding(holds=True),)) == []


def test_what_detectors_find_is_said_once_while_it_holds() -> None:
    watch = Watch().live()
    (alarm,) = of(watch.apply(Detected, findings=(finding(holds=True),)), RaiseAlarm)
    assert (alarm.kind, alarm.evidence) == ("input_drift", {"a": "b"})
    assert watch.apply(Detected, findings=(finding(holds=True),)) == []
    watch.apply(Detected, findings=(finding(holds=False),))
    assert alarms(watch.apply(Detected, findings=(finding(holds=True),))) == ["input_drift"]


def test_a_release_is_taken_back_to_the_one_that_the_rollout_replaced() -> None:
    watch = watched()
    (kept,) = latched(watch, "signal_never_ran", SLOT)
    assert isinstance(kept, KeepStanding), "remembered, durably; the next look goes it"
    (back,) = of(watch.apply(Ticked), RollBack)
    assert (back.release, back.to, back.slots) == (BAD, OLD, (SLOT,))
    assert of(watch.apply(Ticked), RollBack) == [], "one at a time"
    watch.apply(RolledBack, release=BAD, failure=None)
    arrived = (*ROLLED, record(OLD, 3, "r0002-btc-5m"))
    watch.apply(FencesRead, owners={SLOT: arrived[-1]}, history={SLOT: arrived})
    assert of(watch.apply(Ticked), RollBack) == []
    assert watch.state.ways_back == {}


def test_a_release_is_found_by_the_beginning_of_its_id() -> None:
    watch = watched()
    latched(watch, "release_without_edge", BAD[:12])
    assert [back.release for back in of(watch.apply(Ticked), RollBack)] == [BAD]


def test_what_nobody_runs_any_more_leads_to_nothing() -> None:
    watch = watched()
    assert latched(watch, "release_without_edge", "cc" * 6) == []
    assert of(watch.apply(Ticked), RollBack) == []


def test_without_a_way_back_there_is_no_new_risk() -> None:
    watch = watched((record(BAD, 2, None),))
    (tightened,) = of(latched(watch, "signal_never_ran"), TightenTrading)
    assert tightened.state is TradingState.REDUCING
    assert "no release to go back to" in tightened.reason


def test_a_release_that_was_taken_back_is_never_gone_back_to() -> None:
    watch = watched()
    latched(watch, "signal_never_ran")
    watch.apply(Ticked)
    watch.apply(RolledBack, release=BAD, failure=None)
    arrived = (*ROLLED, record(OLD, 3, "r0002-btc-5m"))
    watch.apply(FencesRead, owners={SLOT: arrived[-1]}, history={SLOT: arrived})
    watch.apply(Ticked)
    seen = status(watch.now_ms, release=OLD)
    watch.apply(SlotSeen, slot=SLOT, incarnation=3, status=seen)
    (tightened,) = of(latched(watch, "signal_never_ran"), TightenTrading)
    assert "no release to go back to" in tightened.reason


def test_a_way_back_that_fails_is_tried_again_and_then_trading_is_reduced() -> None:
    watch = watched()
    latched(watch, "signal_never_ran")
    for number in range(BACK_TRIES_MAX):
        if number:
            assert of(watch.apply(Ticked), RollBack) == [], "after a pause"
            watch.after(BACK_PAUSE_MS)
        assert len(of(watch.apply(Ticked), RollBack)) == 1
        watch.apply(RolledBack, release=BAD, failure="stopped")
    (tightened,) = of(watch.apply(Ticked), TightenTrading)
    assert "could not be taken back" in tightened.reason
    assert of(watch.after(BACK_PAUSE_MS).apply(Ticked), TightenTrading) == []


def test_a_rollout_under_way_is_put_away_first() -> None:
    watch = watched()
    watch.apply(RolloutSeen, rollout="r0001", beat_wire_ms=watch.now_ms)
    latched(watch, "shadow_disagrees", BAD[:12])
    effects = watch.apply(Ticked)
    assert [end.rollout for end in of(effects, EndRollout)] == ["r0001"]
    assert of(effects, RollBack) == []
    assert of(watch.apply(Ticked), EndRollout) == []
    watch.apply(RolloutSeen, rollout=None)
    assert len(of(watch.apply(Ticked), RollBack)) == 1


def test_a_fleet_that_is_being_ended_reacts_to_nothing() -> None:
    watch = Watch()
    watch.apply(StartAsked, slots=(SLOT,))
    watch.apply(FencesRead, owners={SLOT: owner()})
    watch.apply(StopAsked)
    assert latched(watch, "fence_of_another_release") == []


class Gateway:
    """Silent for a while, then it answers."""

    def __init__(self, silent: int) -> None:
        self.silent = silent
        self.asked: list[SetTrading] = []

    async def set_trading(self, request: SetTrading) -> SetTrading | Refusal | NoAnswer:
        self.asked.append(request)
        return NoAnswer(reason="starts") if len(self.asked) <= self.silent else request


def tighten(root: Path, state: TradingState, gateway: Gateway) -> None:
    effect = TightenTrading(state=state, reason="alarm x.1")
    fleet: Any = None
    requests = Requests(fleet=fleet, gateway=gateway, storage=LocalStorage(root), release="r")  # type: ignore[arg-type]
    assert asyncio.run(requests.perform(effect)) is None


def test_a_halt_is_on_disk_before_the_gateway_is_asked_again_and_again(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("actors.supervisor.requests.TIGHTEN_PAUSE_SECONDS", 0.0)
    gateway = Gateway(silent=2)
    tighten(tmp_path, TradingState.HALTED, gateway)
    assert len(gateway.asked) == 3
    assert all(ask.only_tighter for ask in gateway.asked)
    assert (tmp_path / HALT_FILE).read_text() == "alarm x.1\n"


def test_a_reduction_leaves_no_halt_file(tmp_path: Path) -> None:
    tighten(tmp_path, TradingState.REDUCING, Gateway(silent=0))
    assert not (tmp_path / HALT_FILE).exists()
