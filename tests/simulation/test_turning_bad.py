"""A confirmed release that turns bad, in the simulated fleet: two decision points, then it is gone.

The rules that this needs are taken away one by one; each time some seed must notice.
"""

from collections.abc import Callable
from typing import Any, Final

import pytest

from actors.rollout.rollout_state import Options, Phase
from actors.slot.facts import DecisionFact
from actors.slot.recovery import flush_bounds
from actors.slot.rows import entry_of
from actors.supervisor import conduct, standing, taking_back
from actors.supervisor.requests import Requests
from checkpoints.journal import Journal
from checkpoints.journal_rows import valid_rows
from signals.market import Slot, deadline_ms, decision_points
from tests.simulation import strategies
from tests.simulation.network import Weather
from tests.simulation.patches import Patch, patched, patches_of
from tests.simulation.rolls import Roll
from tests.simulation.strategies import Kind, Release
from tests.simulation.world import World

SLOTS: Final = ("btc-5m", "eth-5m", "sol-15m")
ROLL_S: Final = 23.0
TURNS_S: Final = 72.0
END_S: Final = 140.0
BAD_POINTS_MAX: Final = 2
KINDS: Final = (Kind.RAISES_LATER, Kind.BLOCKS_LATER, Kind.DIES_LATER)


def every_second(kind: Kind, due_ms: int, book: strategies.Book) -> None:
    """Fail at every second decision point from the turn on."""
    if kind is Kind.RAISES_LATER and due_ms >= book.bad_from_ms() and due_ms // 300_000 % 2:
        raise ValueError("every second time")


def turned(seed: int, kind: Kind) -> World:
    """Roll a release out, let it turn bad once it is confirmed everywhere, and wait."""
    world = World(seed, SLOTS, quiet_after_s=END_S)
    world.network.usual = world.network.weather = Weather(drop=0.0, duplicate=0.0, slow=0.0)
    release = Release("02" * 32, kind)
    world.add_release(release)

    def begin() -> None:
        roll = Roll(world, 1, release, Options(shadow=0, fast=True, together=True))
        roll.operator = None
        world.rolls.append(roll)
        roll.start()

    world.later(ROLL_S, begin)
    world.begin()
    world.run(TURNS_S)
    (roll,) = world.rolls
    assert roll.state is not None
    assert roll.state.phase is Phase.DONE, roll.state.failure
    world.bad_from_ms = world.now()[1]
    world.run(END_S - TURNS_S)
    return world


def wrong_in(world: World) -> list[str]:
    """Name what should not be: too many bad points, another owner than the proven release."""
    found: list[str] = []
    for slot, bad in bad_points_in(world).items():
        record = world.monitor.fence(slot)
        if record is None or record.release != world.first.id:
            found.append(f"{slot}: not back")
        if len(bad) > BAD_POINTS_MAX:
            found.append(f"{slot}: {len(bad)} bad points: {bad}")
    return found


def bad_points_in(world: World) -> dict[str, list[str]]:
    with patched(patches_of(world)):
        return {slot: _bad_points(world, slot) for slot in world.slots}


def _bad_points(world: World, slot: str) -> list[str]:
    read = Journal(world.disk, slot).rows_after(0)
    rows = valid_rows(read.rows, flush_bounds(world.disk, slot))
    facts = [fact for row in rows if isinstance(fact := entry_of(row).fact, DecisionFact)]
    made = {fact.due_ms: fact for fact in facts}
    bad: list[str] = []
    points = decision_points(Slot.parse(slot).timeframe, (20_000,), world.bad_from_ms)
    point = next(points)
    while True:
        following = next(points)
        if deadline_ms(point, following) > world.now()[1]:
            return bad
        fact = made.get(point.due_ms)
        if fact is None or fact.strategy_failed:
            what = "missing" if fact is None else fact.decision.reason
            bad.append(f"{world.seconds_at(point.due_ms):.0f} s {what}")
        point = following


def run(seed: int, kind: Kind) -> list[str]:
    world = turned(seed, kind)
    try:
        return [*wrong_in(world), *map(str, world.monitor.violations), *map(str, world.loop.faults)]
    finally:
        world.loop.end()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_each_slot_is_back_after_two_decision_points(kind: Kind, seed: int) -> None:
    assert run(seed, kind) == []


def test_a_release_that_fails_every_second_decision_is_back_after_its_third() -> None:
    with patched([(strategies, "_misbehave", every_second)]):
        world = turned(1, Kind.RAISES_LATER)
    try:
        assert [each for each in wrong_in(world) if "not back" in each] == []
        counts = {slot: len(bad) for slot, bad in bad_points_in(world).items()}
        assert max(counts.values()) == conduct.BAD_OF_LAST
    finally:
        world.loop.end()


def not_judged() -> list[Patch]:
    return [(taking_back, "judge_one", lambda state, _event, _slot: (state, ()))]


def not_ended() -> list[Patch]:
    async def left_alone(_self: Requests, _slot: str, _ends: Any) -> None:
        return

    return [(Requests, "_end_for_good", left_alone)]


def nothing_proven() -> list[Patch]:
    return [(standing, "PROVEN_GOOD", 1_000)]


def only_errors_of_the_last() -> list[Patch]:
    return [(conduct, "BAD_IN_A_ROW", 4), (conduct, "BAD_OF_LAST", 9)]


@pytest.mark.parametrize(
    ("mutation", "kind"),
    [
        (not_judged, Kind.RAISES_LATER),
        (not_ended, Kind.DIES_LATER),
        (nothing_proven, Kind.RAISES_LATER),
        (only_errors_of_the_last, Kind.BLOCKS_LATER),
    ],
)
def test_the_simulation_notices_each_rule_that_is_taken_away(
    mutation: Callable[[], list[Patch]], kind: Kind
) -> None:
    with patched(mutation()):
        assert any(run(seed, kind) for seed in range(4))
