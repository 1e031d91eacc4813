"""Every machine of the fleet while somebody sets the machine's clock: nothing stops, nothing ends.

True time goes on; only the clock jumps. The events are dated as the shells date them.
"""

import asyncio
import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec
import pytest

from actors.clock import instant, wire_ms
from actors.config import Timing
from actors.gateway.events import AskTime, Beat, BeatDone, PollVenue, Started, TimeSeen
from actors.gateway.ledger import Ledger
from actors.market_data.events import FollowPrices, TicksReceived, Timer
from actors.market_data.snapshot import build_snapshot
from actors.market_data.state import Now, initial_state
from actors.market_data.step import step as market_step
from actors.rollout.driver import FreezeGuard
from actors.supervisor import loop as supervisor_loop
from actors.supervisor.events import RolloutSeen, Ticked
from actors.supervisor.loop import Shell, SupervisorLoop
from actors.supervisor.state import ROLLOUT_LEASE_MS, Rules, SupervisorState
from actors.venue.port import Beaten
from signals.market import Asset
from signals.market_time import MarketClock
from signals.snapshot import Feed
from tests.actors.clocks import HOUR_MS, T0_MS, JumpingLoop, SteppedMachine
from tests.actors.gateway.builders import Machine, intent
from tests.actors.market_data.builders import settings, ticks
from tests.actors.supervisor.test_supervisor_step import Watch

SET_AT_S = 60
SETS_MS = (-2_000, -30_000, -120_000, -HOUR_MS, HOUR_MS, 500, -HOUR_MS * 24)
STEPPED = pytest.mark.parametrize("set_by_ms", SETS_MS)
"""By how much the clock is set a minute after the start."""
SPARE_S = 8
"""The venue cancels all orders 10 s after the last heartbeat."""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SteppedMachine:
    return SteppedMachine().take_over(monkeypatch)


def seconds(machine: SteppedMachine, set_by_ms: int, until_s: int = 300) -> Iterator[int]:
    """Let true time go on by a second at a time; the clock is set once."""
    for second in range(until_s):
        machine.passed_s = float(second)
        if second == SET_AT_S:
            machine.set_by_ms = set_by_ms
        yield second


# ---- gateway ------------------------------------------------------------------------------------


@STEPPED
def test_heartbeats_and_looks_go_on_at_their_pace(machine: SteppedMachine, set_by_ms: int) -> None:
    gateway = Machine()
    gateway.wire_ms = int(wire_ms())
    gateway.start()
    beats, looks = [0], [0]
    for second in seconds(machine, set_by_ms):
        gateway.wire_ms = int(wire_ms())
        gateway.tick()
        if gateway.asked(PollVenue):
            looks.append(second)
        beaten = bool(gateway.asked(Beat))
        looked = bool(gateway.asked(PollVenue))
        if beaten:
            beats.append(second)
            gateway.apply(BeatDone(outcome=Beaten(heartbeat_id=f"h{second}"), **gateway.at))
        if looked:
            gateway.poll()
    assert max(b - a for a, b in itertools.pairwise(beats)) <= SPARE_S
    assert beats[-1] > 290
    assert max(b - a for a, b in itertools.pairwise(looks)) <= 6
    assert gateway.state.flight.beat_gap_max_ms <= 1_000 * SPARE_S, "no false alarm of a gap"


def test_the_venues_clock_is_compared_with_the_machines_and_with_the_fleets() -> None:
    gateway = Machine().start()
    gateway.tick()
    assert gateway.asked(AskTime)
    now = gateway.wire_ms
    seen = TimeSeen(server_ms=now + 10, wall_ms=now - 30_000, **gateway.at)
    gateway.apply(seen)
    flight = gateway.state.flight
    assert flight.skew_ms == 30_010, "orders would carry stamps that are off"
    assert flight.venue_ahead_ms == 10
    gateway.apply(TimeSeen(server_ms=now - 30_000, wall_ms=now - 30_000, **gateway.at))
    assert gateway.state.flight.skew_ms == -30_000, "decided and cancelled at the wrong time"
    gateway.apply(TimeSeen(server_ms=now + 10, wall_ms=now + 9, **gateway.at))
    assert gateway.state.flight.skew_ms == 10


def restarted(gateway: Machine, by_ms: int) -> Machine:
    """Start the fleet again on what it knew, with a clock that was set meanwhile."""
    after = Machine(ledger=gateway.state.ledger)
    after.wire_ms = gateway.wire_ms + by_ms
    after.apply(Started(generation=2, name="gateway/1", life="2-2", **after.at))
    return after


def test_orders_stamped_in_the_future_hide_no_trade_and_use_up_no_limit() -> None:
    gateway = Machine().start()
    gateway.order(intent())
    after = restarted(gateway, by_ms=-HOUR_MS)
    after.tick()
    (poll,) = after.asked(PollVenue)
    assert isinstance(poll, PollVenue)
    assert poll.after_s * 1_000 < after.wire_ms - HOUR_MS, "its trade may be older than its stamp"
    stamps = [kept.wire_ms for kept in after.state.ledger.intents.values()]
    assert stamps, "what was sent is known"
    limits = msgspec.structs.replace(after.rules.limits, orders_per_minute=1)
    after.rules = msgspec.structs.replace(after.rules, limits=limits)
    after.poll()
    after.own("eth-5m")
    sent = after.send(intent(slot="eth-5m", sent_wire_ms=after.wire_ms))
    assert not any("orders in a minute" in str(effect) for effect in sent)


def test_an_empty_ledger_starts_anywhere() -> None:
    assert restarted(Machine(ledger=Ledger()), by_ms=-HOUR_MS).state.ledger.generation == 2


# ---- supervisor ---------------------------------------------------------------------------------


class NoRequests:
    """A fleet that nobody asked for: the loop only ticks."""

    def __init__(self) -> None:
        from tests.simulation.disk import Disk

        self.storage = Disk()


class NoAlarms:
    async def pump(self, _told: Any) -> None:
        """Find no alarm."""

    async def run(self) -> None:
        """Hand over nothing."""


@STEPPED
def test_the_supervisor_ticks_every_second(monkeypatch: pytest.MonkeyPatch, set_by_ms: int) -> None:
    loop = JumpingLoop()
    machine = SteppedMachine(loop.time).take_over(monkeypatch)
    ticked: list[float] = []

    def step(state: SupervisorState, event: Any) -> tuple[SupervisorState, tuple[()]]:
        assert isinstance(event, Ticked)
        ticked.append(loop.time())
        assert event.wire_ms == pytest.approx(T0_MS + 1_000 * loop.time(), abs=2)
        return state, ()

    monkeypatch.setattr(supervisor_loop, "step", step)
    loop.call_later(SET_AT_S, setattr, machine, "set_by_ms", set_by_ms)

    async def scenario() -> None:
        rules = Rules(timing=Timing(), clock=MarketClock())
        shell = Shell(now=partial(instant, MarketClock()))
        requests: Any = NoRequests()
        pump: Any = NoAlarms()
        supervisor = SupervisorLoop(SupervisorState(rules=rules), requests, pump, shell)
        task = asyncio.ensure_future(supervisor.run())
        await asyncio.sleep(300)
        task.cancel()

    try:
        loop.run_until_complete(scenario())
    finally:
        loop.close()
    gaps = [b - a for a, b in itertools.pairwise(ticked)]
    assert max(gaps) <= 1.01
    assert len(ticked) >= 299


def test_a_drivers_sign_from_the_future_holds_no_lease() -> None:
    watch = Watch()
    watch.apply(RolloutSeen, rollout="r1", beat_wire_ms=watch.now_ms - ROLLOUT_LEASE_MS + 1)
    assert not watch.state.rollout_ended
    watch.apply(RolloutSeen, rollout="r1", beat_wire_ms=watch.now_ms + HOUR_MS)
    assert watch.state.rollout_ended == "r1", "its clock was set back since"


# ---- market data --------------------------------------------------------------------------------


@STEPPED
def test_a_feeds_age_and_its_silence_are_of_true_time(
    machine: SteppedMachine, set_by_ms: int
) -> None:
    def now() -> Now:
        return Now(int(wire_ms()), int(wire_ms()))

    start_ms = now().market_ms
    state = initial_state(settings(), now())
    made_anew: list[int] = []
    ages: dict[int, bool] = {}
    for second in seconds(machine, set_by_ms, 260):
        if second <= 140:
            told = ticks((0, 100.0 + second % 3))
            observed = (start_ms + 1_000 * second - 500,)
            told = msgspec.structs.replace(told, observed_ms=observed)
            state, _ = market_step(state, TicksReceived(asset=Asset.BTC, ticks=told), now())
        state, effects = market_step(state, Timer(), now())
        if any(isinstance(effect, FollowPrices) for effect in effects):
            made_anew.append(second)
        snapshot = build_snapshot(state, Asset.BTC, now().market_ms, now().market_ms)
        ages[second] = snapshot.age(Feed.TICKS).fresh
    assert all(ages[second] for second in range(1, 141)), "never stale while good ticks arrive"
    assert not any(ages[second] for second in range(147, 260)), "stale when they do not"
    assert [second for second in made_anew if 0 < second <= 140] == []
    assert [second for second in made_anew if second > 140], "a silent stream is made anew"


# ---- rollout ------------------------------------------------------------------------------------


@STEPPED
def test_a_rolls_driver_sees_no_freeze_and_judges_time_throughout(
    machine: SteppedMachine, set_by_ms: int
) -> None:
    hearing = FreezeGuard(wire_ms())
    judged = [hearing.may_judge(wire_ms()) for _ in seconds(machine, set_by_ms, 120)]
    assert all(judged)
