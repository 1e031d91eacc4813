"""When the driver looks into the journal for a confirming decision, and when it is too late."""

import asyncio
from itertools import chain, repeat

from msgspec.structs import replace

from actors.rollout.driver import DRAIN_MS, FROZEN_MS, Driver, FreezeGuard, confirmable
from actors.rollout.handoff_state import Step
from actors.rollout.ports import FleetCalls
from actors.rollout.rollout_state import Options, Phase, Rollout
from checkpoints.journal_rows import JournalRow
from tests.actors.rollout.handoffs import record
from tests.actors.rollout.rollouts import begun, now
from tests.checkpoints.builders import row

DUE_MS = 320_000


def confirming(step: Step, due_ms: int | None) -> Rollout:
    rollout = begun(Options(shadow=0))
    handoff = replace(
        rollout.handoffs["btc-5m"],
        step=step,
        record=record(),
        confirm_due_ms=due_ms,
        seen_sequence=11,
    )
    return replace(rollout, handoffs=rollout.handoffs | {"btc-5m": handoff})


def test_no_look_is_taken_before_the_confirming_decision_is_due() -> None:
    rollout = confirming(Step.CONFIRMING, DUE_MS)
    assert list(confirmable(rollout, DUE_MS - 1)) == []
    assert list(confirmable(rollout, DUE_MS)) == [("btc-5m", 11)]


def test_a_decision_whose_due_time_is_not_known_is_looked_for_at_once() -> None:
    assert list(confirmable(confirming(Step.CONFIRMING, None), 0)) == [("btc-5m", 11)]


def test_only_confirming_slots_are_looked_at() -> None:
    assert list(confirmable(confirming(Step.RETIRING, DUE_MS), DUE_MS)) == []


def test_a_driver_that_was_frozen_finds_the_decision_that_was_made_meanwhile() -> None:
    class Calls(FleetCalls):
        async def decisions(self, slot: str, after_sequence: int) -> list[JournalRow]:
            assert (slot, after_sequence) == ("btc-5m", 11)
            return [row(12, fence=record().fence, release="new", due_ms=DUE_MS, snapshot="s")]

        async def dismiss_slot(self, slot: str, incarnation: int, handoff: str) -> None:
            assert (slot, incarnation) == ("btc-5m", 1), handoff

    rollout = confirming(Step.CONFIRMING, DUE_MS)
    others = {slot: replace(h, step=Step.DONE) for slot, h in rollout.handoffs.items()}
    confirm = replace(rollout.handoffs["btc-5m"], confirm_deadline_ms=DUE_MS + 300_000)
    rollout = replace(rollout, handoffs=others | {"btc-5m": confirm})
    asleep, awake = now(DUE_MS - 10_000), now(DUE_MS + 200_000)
    times = chain([asleep] * 2, repeat(awake))  # it sleeps while it waits for an event
    driver = Driver(rollout, Calls(), lambda: next(times), lambda _: None)
    ended = asyncio.run(asyncio.wait_for(driver.run(), 30))
    assert ended.handoffs["btc-5m"].failure is None
    assert ended.phase is Phase.DONE


def test_a_driver_whose_look_was_slow_looks_again_before_it_calls_a_decision_late() -> None:
    time = [now(DUE_MS)]

    class Calls(FleetCalls):
        async def decisions(self, slot: str, after_sequence: int) -> list[JournalRow]:
            assert (slot, after_sequence) == ("btc-5m", 11)
            if len(time) == 1:  # began before the row was durable, and ends after half of the time
                time.append(now(DUE_MS + 150_000))
                return []
            fence = record().fence
            return [row(12, fence=fence, release="new", due_ms=DUE_MS, snapshot="s")]

        async def dismiss_slot(self, slot: str, incarnation: int, handoff: str) -> None:
            assert (slot, incarnation) == ("btc-5m", 1), handoff

    rollout = confirming(Step.CONFIRMING, DUE_MS)
    others = {slot: replace(h, step=Step.DONE) for slot, h in rollout.handoffs.items()}
    confirm = replace(rollout.handoffs["btc-5m"], confirm_deadline_ms=DUE_MS + 300_000)
    rollout = replace(rollout, handoffs=others | {"btc-5m": confirm})
    driver = Driver(rollout, Calls(), lambda: time[-1], lambda _: None)
    ended = asyncio.run(asyncio.wait_for(driver.run(), 90))
    assert ended.handoffs["btc-5m"].failure is None
    assert ended.phase is Phase.DONE


def test_time_is_not_judged_until_what_came_in_a_freeze_was_heard() -> None:
    hearing = FreezeGuard(0.0)
    assert hearing.may_judge(FROZEN_MS)
    woken = 2 * FROZEN_MS + 1.0
    assert not hearing.may_judge(woken)
    assert not hearing.may_judge(woken + DRAIN_MS - 1)
    assert hearing.may_judge(woken + DRAIN_MS)


def test_a_driver_that_freezes_again_and_again_judges_all_the_same() -> None:
    hearing = FreezeGuard(0.0)
    judged = [hearing.may_judge(turn * (FROZEN_MS + 1.0)) for turn in range(1, 7)]
    assert judged == [False, True] * 3
