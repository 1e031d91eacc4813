"""One seed from beginning to verdict."""

import random
from typing import Final

import msgspec

from actors.rollout.handoff_state import Step
from actors.rollout.rollout_state import Options, Phase, Rollout
from actors.rollout.succession import recall
from actors.shared_kind import Kind as SharedKind
from tests.simulation.fault_kinds import AIMED, CRASHES, Aim, Fault
from tests.simulation.faults import Faults
from tests.simulation.handoff_steps import STEPS
from tests.simulation.judge import FAILS_LATER, at_rest, judge
from tests.simulation.network import Weather
from tests.simulation.patches import patched, patches_of
from tests.simulation.rolls import Roll
from tests.simulation.strategies import Kind, Release
from tests.simulation.succession_faults import Strike, SuccessionFaults
from tests.simulation.succession_steps import StepOf
from tests.simulation.world import World

TRADING_S: Final = 52.0
"""Wire, about five cycles: rolls and faults happen in it."""
REST_S_MAX: Final = 120.0
"""Wire, until everything that was begun must have ended."""
AFTER_INTENT: Final = 0.3
"""Share of seeds in which the gateway dies just after it has kept an intent."""
CALM: Final = 0.4
"""Share of seeds whose network loses nothing but in a storm."""
POLL_S: Final = 2.0
SLOTS: Final = ("btc-5m", "eth-5m", "btc-15m", "sol-5m")
BAD: Final = tuple(kind for kind in Kind if kind not in (Kind.GOOD, Kind.EDITED))
RANDOM_FAULTS: Final = tuple(Fault)


CYCLE_S: Final = 10.0
DECIDING_S: Final = 20.0 / 30
"""Wire, from a cycle's begin to its decisions."""
NEVER_BEGAN_S: Final = 6.0
FORWARD: Final = (Kind.GOOD, Kind.EDITED)
LEADING: Final[dict[Step, tuple[Kind, ...]]] = {
    Step.PINNING: (),
    Step.OPENING: (),
    Step.CREATING: (),
    Step.TAKING_BACK: FAILS_LATER,
    Step.DISCARDING: (
        Kind.RAISES,
        Kind.NAN,
        Kind.NAN_MEMORY,
        Kind.BLOCKS,
        Kind.OTHER_DIGEST,
        Kind.LIES,
        Kind.LOSES_A_FIELD,
        Kind.NEVER_STARTS,
    ),
}
"""Releases whose rolls lead to a step: any, or those that good ones do not enter."""
BEFORE_RESUMING: Final = (Fault.CRASH_SLOT, Fault.DISK_FULL, Fault.PAUSE_SLOT)

BY_VACANCY: Final = (Step.VACATING, Step.FILLING)
WAYS_BACK: Final = 0.3
"""Share of seeds whose operator goes back to the first release."""


def steered(seed: int) -> tuple[Step, Fault]:
    """Return the step and the crash that this seed is for: all pairs in turn."""
    rounds, place = divmod(seed, len(STEPS))
    return STEPS[place], CRASHES[rounds % len(CRASHES)]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    seed: int
    events: int
    messages: int
    virtual_s: float
    faults: dict[str, int]
    rolls: dict[str, int]
    """By the kind of release and how it ended."""
    deaths: int
    """Processes that faults killed."""
    killed: dict[str, int]
    """Of handoffs, by step and part: ``quiescing/old``."""
    frozen: dict[str, int]
    stepped: dict[str, int]
    """Of shared actors: ``gateway/locking/self``."""
    shared: dict[str, int]
    """Replacements by kind and how they ended."""
    due: int
    missed: int
    orders: int
    behaviours: dict[str, int]
    """What the venue did beyond the plain rules, and how often."""
    ghosts: int
    duplicated: int
    torn: int
    violations: tuple[str, ...]


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a test of one rule asks of its seeds, to see it tried often."""

    kinds: tuple[Kind, ...] = ()
    always: dict[Step, Fault] = {}
    aimed: tuple[StepOf, Strike] | None = None
    """Replace the shared actors too, with this strike at this step of theirs."""
    led: StepOf | None = None
    """Bring about what leads to this step, where that is another one than is struck."""
    successions: bool = False
    """Replace the shared actors too, with a strike at one step of theirs: all pairs in turn."""
    lost_lock: bool = False
    """The lock's file is replaced while its holder sleeps."""
    early: Fault | None = None
    """Strikes in four cycles about when decisions are made and sent."""


SUCCESSIONS: Final = Wish(successions=True)


def simulate(seed: int, wish: Wish = Wish()) -> Result:  # noqa: B008 frozen
    """Run one seed; the same seed gives the same run, event by event."""
    rng = random.Random(f"plan/{seed}")
    slots = SLOTS[: rng.choice((2, 2, 3))]
    world = World(seed, slots, quiet_after_s=TRADING_S)
    if rng.random() < CALM:
        world.network.usual = Weather(drop=0.0, duplicate=0.0, slow=0.0)
        world.network.weather = world.network.usual
    faults = Faults(world, random.Random(f"faults/{seed}"))
    successions = SuccessionFaults(faults, seed, wish.aimed, wish.led, always_lost=wish.lost_lock)
    try:
        _plan(world, faults, rng, wish)
        if wish.aimed is not None or wish.successions:
            successions.plan()
        world.begin()
        world.run(TRADING_S)
        faults.end()
        _rest(world)
        if world.monitor.violations or world.loop.faults:
            return _result(world, faults)  # what comes after would only follow from it
        with patched(patches_of(world)):
            judge(world, faults.declared)
        return _result(world, faults)
    finally:
        world.loop.end()


def _plan(world: World, faults: Faults, rng: random.Random, wish: Wish) -> None:
    """At least one roll and one crash in every seed."""
    first_s = rng.uniform(4.0, 14.0)
    leading = wish.kinds if wish not in (Wish(), SUCCESSIONS) else _steer(faults, rng)
    _plan_roll(world, rng, first_s, leading)
    last_s = first_s
    if rng.random() < 0.4:
        last_s = first_s + rng.uniform(15.0, 25.0)
        _plan_roll(world, rng, last_s, wish.kinds)
    _plan_way_back(world, last_s)
    faults.at(
        rng.uniform(2.0, TRADING_S - 4.0), rng.choice((Fault.CRASH_SLOT, Fault.CRASH_GATEWAY))
    )
    for _ in range(rng.choice((0, 0, 1, 2, 4))):
        faults.at(rng.uniform(1.0, TRADING_S - 2.0), rng.choice(RANDOM_FAULTS))
    for step in rng.sample(STEPS, rng.choice((0, 1, 1, 2, 3))):
        faults.aim(step, rng.choice(AIMED))
    if rng.random() < AFTER_INTENT:
        faults.after_intent(rng.randrange(1, 9))
    faults.always = dict(wish.always)
    world.later(TRADING_S - 3.0, lambda: _crash_at_least_once(faults))
    if wish.early is not None:
        for cycle in rng.sample(range(1, 5), 4):
            faults.at(cycle * CYCLE_S + DECIDING_S + rng.uniform(0.0, 0.06), wish.early)


def _steer(faults: Faults, rng: random.Random) -> tuple[Kind, ...]:
    """Aim this seed's crash at its step; return the releases whose rolls get there."""
    step, crash = steered(faults.world.seed)
    faults.sure = Aim(step=step, fault=crash)
    if step is Step.RESUMING:
        faults.aim(Step.QUIESCING, rng.choice(BEFORE_RESUMING))
    return LEADING.get(step, FORWARD)


def _crash_at_least_once(faults: Faults) -> None:
    if not faults.damage.deaths:
        faults.strike(Fault.CRASH_GATEWAY)


def _plan_roll(world: World, rng: random.Random, when_s: float, kinds: tuple[Kind, ...]) -> None:
    kind = rng.choice(kinds or (Kind.GOOD, Kind.EDITED, rng.choice(BAD)))
    number = len(world.releases) + 1
    release = Release(f"{number:02x}" * 32, kind)
    world.add_release(release)
    slots = world.slots
    options = Options(
        canary=rng.choice((None, slots[0])),
        bake=rng.choice((0, 0, 1)),
        shadow=rng.choice((0, 1, 1)),
        fast=rng.random() < 0.6 or kind in FAILS_LATER,  # a live shadow would find it out
        together=rng.random() < 0.3,
    )
    world.later(when_s, lambda: _begin_roll(world, release, options))


def _plan_way_back(world: World, last_s: float) -> None:
    """Some operators go back to the first release: dice of its own move no other choice."""
    dice = random.Random(f"way back/{world.seed}")
    if dice.random() < WAYS_BACK or steered(world.seed)[0] in BY_VACANCY:
        when_s = last_s + dice.uniform(4.0, 12.0)
        world.later(when_s, lambda: _begin_roll(world, world.first, Options(shadow=0), back=True))


def _begin_roll(world: World, release: Release, options: Options, *, back: bool = False) -> None:
    """One roll at a time: a second waits for the first's end."""
    if any(not each.gone for each in world.rolls):
        world.later(1.0, lambda: _begin_roll(world, release, options, back=back))
        return
    world.bad_from_ms = world.now()[1]
    each = Roll(world, len(world.rolls) + 1, release, options, back=back)
    world.rolls.append(each)
    each.start()
    world.later(NEVER_BEGAN_S, lambda: _begin_again(world, each))


def _begin_again(world: World, each: Roll) -> None:
    """Plan anew when the gateway did not answer or the driver died before there was a plan."""
    if each.state is None and world.loop.now_s < TRADING_S - NEVER_BEGAN_S:
        each.process.kill()
        each.gone, each.put_away_s = True, world.loop.now_s
        _begin_roll(world, each.release, each.options, back=each.back)


def _rest(world: World) -> None:
    for _ in range(int(REST_S_MAX / POLL_S)):
        world.run(POLL_S)
        if world.monitor.violations or world.loop.faults or at_rest(world):
            return


def _end_of(each: Roll, state: Rollout) -> str:
    if each.put_away_s is not None:
        return "put away"
    if state.phase is Phase.DONE:
        return "done"
    return "stopped by the operator" if state.undo is not None else "stopped"


def _shared_ends(world: World) -> dict[str, int]:
    ends: dict[str, int] = {}
    for roll in world.shared_rolls:
        for report in roll.reports:
            key = f"{report.kind} {report.step}"
            ends[key] = ends.get(key, 0) + 1
        if not roll.reports:
            ends["cut off"] = ends.get("cut off", 0) + 1
    for kind in SharedKind:
        latest = recall(world.disk, kind)
        if latest is not None and latest.reason:
            ends[f"{kind} taken back by the fleet"] = 1
    return ends


def _result(world: World, faults: Faults) -> Result:
    monitor = world.monitor
    rolls: dict[str, int] = {}
    for each in world.rolls:
        if each.state is None:
            continue
        key = f"{each.release.kind}: {_end_of(each, each.state)}"
        rolls[key] = rolls.get(key, 0) + 1
    return Result(
        seed=world.seed,
        events=world.loop.events,
        messages=world.network.messages,
        virtual_s=world.loop.now_s,
        faults={str(fault): count for fault, count in faults.counts.items()},
        rolls=rolls,
        deaths=faults.damage.deaths,
        killed={f"{step}/{part}": n for (step, part), n in faults.damage.killed.items()},
        frozen={f"{step}/{part}": n for (step, part), n in faults.damage.frozen.items()},
        stepped={"/".join(key): n for key, n in faults.damage.stepped.items()},
        shared=_shared_ends(world),
        due=monitor.due,
        missed=monitor.missed,
        orders=len(monitor.orders),
        behaviours=dict(world.exchange.hard.counts),
        ghosts=world.exchange.ghosts,
        duplicated=world.exchange.duplicates,
        torn=world.log_files.torn,
        violations=(*monitor.violations, *world.loop.faults[:3]),
    )
