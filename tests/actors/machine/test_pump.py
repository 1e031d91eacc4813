"""The pump alone, on virtual time: order, durability, time, faults and causes."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine import pump as pump_module
from actors.machine.pump import CAUSE
from tests.actors.machine.toy import TICK_MS, Note, Rig, Toy, play

HOUR_MS = 3_600_000


def test_events_are_stepped_in_the_order_in_which_they_came() -> None:
    async def scenario(rig: Rig) -> None:
        for number in range(1, 6):
            rig.pump.post(Note(number))
        await asyncio.sleep(1)

    toy = play(Toy(), scenario).toy
    assert toy.numbers("step Note") == toy.numbers("leave") == [1, 2, 3, 4, 5]
    assert toy.numbers("durable") == [5], "what waited together is one write"


delays = st.sampled_from([0.0, 0.001, 0.05, 0.3])
plans = st.lists(st.tuples(st.integers(1, 4), delays, delays, delays), min_size=1, max_size=8)


@given(plan=plans, signs=st.booleans(), fails=st.one_of(st.none(), st.integers(1, 20)))
def test_nothing_leaves_before_its_write_is_durable(
    plan: list[tuple[int, float, float, float]], *, signs: bool, fails: int | None
) -> None:
    """Whatever the disk, the peers and the posts do: `Toy.perform` refuses what is not written."""

    async def scenario(rig: Rig) -> None:
        number = 0
        rig.toy.failing_write = fails
        for count, pause_s, write_s, send_s in plan:
            rig.toy.write_s, rig.toy.send_s, rig.toy.sign_s = write_s, send_s, send_s
            for _ in range(count):
                number += 1
                rig.pump.post(Note(number))
            await asyncio.sleep(pause_s)
        await asyncio.sleep(10)
        failed = rig.running.done() and rig.running.exception()
        assert not failed or isinstance(failed, OSError), failed
        posted = sum(count for count, *_ in plan)
        assert bool(failed) is (fails is not None and fails <= posted)
        if not failed:
            sent = rig.toy.numbers("step Sent")
            assert Counter(sent) == Counter(range(1, posted + 1)), "each leaves, and only once"

    toy = play(Toy(signs=signs), scenario).toy
    assert set(toy.numbers("leave")) <= toy.durable


def test_a_write_that_fails_ends_the_pump_and_nothing_of_its_batch_leaves() -> None:
    async def scenario(rig: Rig) -> None:
        rig.toy.failing_write = 2
        rig.pump.post(Note(1))
        rig.pump.post(Note(2))
        with pytest.raises(OSError, match="full"):
            await rig.running
        rig.pump.post(Note(3))
        await asyncio.sleep(1)

    toy = play(Toy(), scenario).toy
    assert toy.numbers("leave") == []
    assert 3 not in toy.numbers("step Note")


def test_a_slow_peer_stops_no_clock_and_a_slow_disk_no_queue() -> None:
    async def scenario(rig: Rig) -> None:
        rig.toy.send_s = 100
        rig.pump.post(Note(1))
        await asyncio.sleep(1)
        assert rig.pump.busy == 1
        assert len(rig.toy.numbers("step Time")) >= 9
        rig.toy.write_s = 0.5
        rig.pump.post(Note(2))
        await asyncio.sleep(0.1)
        rig.pump.post(Note(3))
        assert rig.pump.waiting >= 1

    play(Toy(), scenario)


# ---- first work -------------------------------------------------------------------------------


def test_first_work_that_answers_at_once_is_part_of_the_same_write() -> None:
    async def scenario(rig: Rig) -> None:
        rig.toy.sign_s = 0.01
        rig.pump.post(Note(1))
        rig.pump.post(Note(2))
        await asyncio.sleep(1)

    toy = play(Toy(signs=True), scenario).toy
    assert toy.numbers("durable") == [4]
    assert toy.numbers("leave") == [1, 2]


def test_first_work_that_takes_long_holds_up_nobody_and_comes_later() -> None:
    async def scenario(rig: Rig) -> None:
        rig.toy.sign_s = 3
        rig.pump.post(Note(1))
        await asyncio.sleep(2 * pump_module.FIRST_S)
        assert rig.toy.durable == {-1}
        rig.toy.sign_s = 0
        rig.pump.post(Note(2))
        await asyncio.sleep(1)
        assert rig.toy.numbers("leave") == [2]
        await asyncio.sleep(3)

    assert play(Toy(signs=True), scenario).toy.numbers("leave") == [2, 1]


# ---- time -------------------------------------------------------------------------------------


def test_what_arrived_counts_before_time_is_judged() -> None:
    """A process that was frozen finds the answers of meanwhile in its queue, and a clock ahead."""

    async def scenario(rig: Rig) -> None:
        await asyncio.sleep(0.01)
        rig.toy.history.clear()
        rig.clock._loop._jumping.waited_s += 60  # type: ignore[attr-defined] # frozen
        rig.pump.post(Note(1))
        await asyncio.sleep(0.01)

    steps = [what for what, _ in play(Toy(), scenario).toy.history if what.startswith("step")]
    assert steps[:2] == ["step Note", "step Time"]


def test_events_without_end_do_not_stop_the_clock() -> None:
    async def scenario(rig: Rig) -> None:
        for number in range(200):
            rig.pump.post(Note(number))
            await asyncio.sleep(0.01)

    assert len(play(Toy(), scenario).toy.numbers("step Time")) >= 2_000 / TICK_MS - 2


def test_time_that_is_not_to_be_judged_yet_is_asked_about_again() -> None:
    async def scenario(rig: Rig) -> None:
        rig.toy.judges_time = False
        await asyncio.sleep(1)
        assert rig.toy.numbers("step Time") == []
        rig.toy.judges_time = True
        await asyncio.sleep(0.3)

    assert len(play(Toy(), scenario).toy.numbers("step Time")) >= 2


def test_a_moment_that_was_asked_for_comes_between_two_ticks() -> None:
    async def scenario(rig: Rig) -> None:
        await asyncio.sleep(0.01)
        rig.pump.wake_at(rig.clock.now().monotonic_ms + 33)
        await asyncio.sleep(0.06)

    times = play(Toy(), scenario).toy.numbers("step Time")
    assert times == [0, 43]


@given(
    market_ms=st.integers(-10 * HOUR_MS, 10 * HOUR_MS),
    wire_ms=st.integers(-10 * HOUR_MS, 10 * HOUR_MS),
    after_ms=st.integers(1, 5_000),
)
def test_a_clock_that_is_set_moves_no_timer(market_ms: int, wire_ms: int, after_ms: int) -> None:
    seen: dict[str, float] = {}

    async def scenario(rig: Rig) -> None:
        await asyncio.sleep(0.01)
        asked_ms = rig.clock.now().monotonic_at(rig.clock.now().wire_exact_ms + after_ms)
        rig.pump.wake_at(asked_ms)
        rig.clock.market_set_by_ms, rig.clock.wire_set_by_ms = market_ms, float(wire_ms)
        before = len(rig.toy.numbers("step Time"))
        await asyncio.sleep((asked_ms - rig.clock.now().monotonic_ms) / 1_000 + 0.001)
        seen["times"] = len(rig.toy.numbers("step Time")) - before

    play(Toy(), scenario)
    assert seen["times"] >= max(1, after_ms // TICK_MS)


# ---- ends and faults --------------------------------------------------------------------------


def test_an_end_lets_the_batch_leave_and_cancels_what_is_under_way() -> None:
    async def scenario(rig: Rig) -> None:
        rig.toy.send_s = 100
        rig.toy.stop_at = 2
        for number in (1, 2):
            rig.pump.post(Note(number))
        await rig.running
        assert rig.pump.busy == 0

    toy = play(Toy(), scenario).toy
    assert toy.numbers("leave") == [1, 2]
    assert toy.numbers("step Sent") == []


def test_an_effect_that_fails_ends_the_pump_with_its_fault() -> None:
    class Broken(Toy):
        async def _send(self, effect: Any) -> Any:
            raise ZeroDivisionError(effect.number)

    async def scenario(rig: Rig) -> None:
        rig.pump.post(Note(7))
        with pytest.raises(ZeroDivisionError, match="7"):
            await rig.running

    play(Broken(), scenario)


def test_a_step_that_fails_ends_the_pump_and_what_is_under_way() -> None:
    class Broken(Toy):
        def step(self, event: Any, now: Any) -> Any:
            if event == Note(2):
                raise ZeroDivisionError
            return super().step(event, now)

    async def scenario(rig: Rig) -> None:
        rig.toy.send_s = 100
        rig.pump.post(Note(1))
        await asyncio.sleep(0.1)
        rig.pump.post(Note(2))
        with pytest.raises(ZeroDivisionError):
            await rig.running
        assert rig.pump.busy == 0

    play(Broken(), scenario)


def test_more_events_than_can_ever_wait_are_a_fault() -> None:
    async def scenario(rig: Rig) -> None:
        for number in range(pump_module.EVENTS_WAITING_MAX):
            rig.pump.post(Note(number))
        with pytest.raises(AssertionError, match="pile up"):
            rig.pump.post(Note(0))

    play(Toy(), scenario)


# ---- causes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("signs", [False, True])
def test_an_event_its_effects_and_their_answers_have_one_cause(*, signs: bool) -> None:
    async def scenario(rig: Rig) -> None:
        rig.toy.sign_s = rig.toy.send_s = 0.01
        rig.pump.post(Note(1))
        rig.pump.post(Note(2))
        await asyncio.sleep(1)
        assert not CAUSE.get(), "outside of the pump nothing has a cause"

    toy = play(Toy(signs=signs), scenario).toy
    causes = {
        number: {cause for what, of, cause in toy.causes if of == number and "Time" not in what}
        for number in (1, 2)
    }
    assert [len(found) for found in causes.values()] == [1, 1]
    assert causes[1] != causes[2]
    times = [cause for what, _, cause in toy.causes if what == "step Time"]
    assert len(set(times)) == len(times)
    assert all(cause.startswith("toy#") for _, _, cause in toy.causes)
