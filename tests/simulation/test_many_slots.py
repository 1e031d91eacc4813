"""Sixty-four slots in one simulated fleet, further assets and 4h markets among them.

The same judge as for every seed: nothing lost, nothing twice, no point missed, books equal.
"""

import pytest

from actors.rollout.rollout_state import Options, Phase
from signals.market import SLOTS_MAX, Asset, Slot, Timeframe
from tests.simulation.judge import judge
from tests.simulation.network import Weather
from tests.simulation.patches import patched, patches_of
from tests.simulation.rolls import Roll
from tests.simulation.run import _rest
from tests.simulation.strategies import Kind, Release
from tests.simulation.world import World

OTHERS = [Asset(f"coin{number}") for number in range(24)]
SIXTY_FOUR = tuple(
    str(Slot(asset, timeframe))
    for timeframe in (Timeframe.M5, Timeframe.M15)
    for asset in [*Asset, *OTHERS]
)
WINDOW_S = 14_400 / 30
"""Wire: a 4h market at the simulation's speed."""


def calm(slots: tuple[str, ...], quiet_after_s: float) -> World:
    world = World(1, slots, quiet_after_s=quiet_after_s)
    world.network.usual = world.network.weather = Weather(drop=0.0, duplicate=0.0, slow=0.0)
    return world


def roll_at(world: World, when_s: float, options: Options) -> None:
    release = Release("02" * 32, Kind.GOOD)
    world.add_release(release)

    def begin() -> None:
        world.rolls.append(Roll(world, 1, release, options))
        world.rolls[0].operator = None
        world.rolls[0].start()

    world.later(when_s, begin)


def judged(world: World, seconds: float, crash_s: float) -> World:
    """Run, kill the gateway once, come to rest, and judge all of it."""
    try:
        world.later(crash_s, lambda: world.current_gateway and world.current_gateway.process.kill())
        world.begin()
        world.run(seconds)
        _rest(world)
        with patched(patches_of(world)):
            judge(world, [])
        assert world.monitor.violations == []
        assert world.loop.faults == []
    finally:
        world.loop.end()
    return world


def test_sixty_four_slots_are_rolled_and_lose_their_gateway_without_a_missed_decision() -> None:
    assert len(SIXTY_FOUR) == SLOTS_MAX
    world = calm(SIXTY_FOUR, 75.0)
    roll_at(world, 14.0, Options(shadow=0, fast=True, together=True))
    judged(world, 75.0, crash_s=55.0)
    (roll,) = world.rolls
    assert roll.state is not None
    assert roll.state.phase is Phase.DONE, roll.state.failure
    owners = {record.release for slot in SIXTY_FOUR if (record := world.monitor.fence(slot))}
    assert owners == {"02" * 32}
    assert world.monitor.missed == 0
    assert world.monitor.due >= 64 * 5
    assert len(world.monitor.orders) >= 64, "every slot trades now and then"
    print(f"{world.monitor.due} decisions due, 0 missed, {len(world.monitor.orders)} orders")


@pytest.mark.parametrize("roll_s", [100.0, WINDOW_S - 15.0])
def test_a_4h_market_is_traded_from_its_open_to_its_settlement(roll_s: float) -> None:
    """Forty-eight decisions in one window, with a roll inside it or over its close."""
    slots = ("btc-4h", "ton-4h", "ton-5m")
    world = calm(slots, WINDOW_S - 5.0)
    roll_at(world, roll_s, Options(shadow=0, fast=True))
    judged(world, WINDOW_S + 10.0, crash_s=200.0)
    (roll,) = world.rolls
    assert roll.state is not None
    assert roll.state.phase is Phase.DONE, roll.state.failure
    assert world.monitor.missed == 0
    assert world.monitor.due >= 3 * 48
    ledger, listed = world.monitor.ledger, world.exchange.markets.values()
    held = {m.condition_id for m in listed if m.slot.endswith("-4h")} & ledger.markets.keys()
    assert held
    assert all(ledger.markets[condition_id].settled for condition_id in held)
