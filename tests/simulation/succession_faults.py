"""Each seed replaces the shared actors too, and has a fault aimed at one step of that."""

import contextlib
import random
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from actors.gateway.authority.events import Phase
from actors.gateway.holder import MOVES_FILE, name_heir
from actors.market_data.turn import Phase as MarketDataPhase
from actors.rollout.replacement.events import SharedStep
from actors.shared_kind import Kind
from actors.supervisor.turn_machine import Phase as TurnPhase
from checkpoints.errors import StorageError
from tests.simulation.fault_kinds import Declared, Fault
from tests.simulation.network import Weather
from tests.simulation.shared_rolls import SharedRoll
from tests.simulation.strategies import Kind as ReleaseKind
from tests.simulation.strategies import Release
from tests.simulation.succession_steps import REPLACEMENT, SUCCESSION_STEPS, StepOf

if TYPE_CHECKING:
    from tests.simulation.faults import Faults

FIRST_S: Final = (6.0, 16.0)
HANDOVER_S: Final = 12.0
"""Decisions that a handover of the gateway may cost: its successor has to see the venue."""
UNREACHABLE_S: Final = 3.0
HUNG_S: Final = (17.0, 24.0)
"""Longer than the driver waits for a handover: the successor takes over."""
LOST_FOR_S: Final = 0.02
TRIES: Final = 3
LOST_LOCKS: Final = 0.15
"""Share of seeds in which somebody replaces the lock's file while its holder sleeps."""
LEADS_MAX: Final = 2


class Strike(StrEnum):
    SELF = "self"
    SELF_LATER = "self a moment later"
    DRIVER = "driver"
    ALL = "all"
    FROZEN = "frozen"


RELEASES: Final = ("5c" * 32, "5d" * 32)
BROKEN: Final[dict[StepOf, str]] = {
    (Kind.GATEWAY, Phase.RETURNING): "never serves",
    (Kind.GATEWAY, Phase.MOVED): "never serves",
    (Kind.GATEWAY, Phase.REMEMBERED): "never serves",
    (Kind.MARKET_DATA, MarketDataPhase.MOVED): "never serves",
    (REPLACEMENT, SharedStep.TAKING_BACK): "never serves",
    (REPLACEMENT, SharedStep.RETURNING): "never serves",
    (REPLACEMENT, SharedStep.AWAITING_OLD): "never serves",
    (REPLACEMENT, SharedStep.DISCARDING): "another release",
}
"""What must be wrong with a release so that its replacement leads to a step."""


def steered(seed: int) -> tuple[StepOf, Strike]:
    """Return the step and the strike that this seed is for: all pairs in turn."""
    rounds, place = divmod(seed, len(SUCCESSION_STEPS))
    return SUCCESSION_STEPS[place], tuple(Strike)[rounds % len(Strike)]


class SuccessionFaults:
    def __init__(
        self,
        faults: "Faults",
        seed: int,
        aimed: tuple[StepOf, Strike] | None = None,
        led: StepOf | None = None,
        *,
        always_lost: bool = False,
    ) -> None:
        self._faults = faults
        self._world = faults.world
        self._dice = random.Random(f"succession/{seed}")
        self._step, self._strike = aimed or steered(seed)
        self._led_to = led or self._step
        self._tries = 0
        self._always_lost = always_lost
        self._armed = False
        self._led = 0
        self._kicked = False
        self._world.on_succession_step = self._entered

    def plan(self) -> None:
        for release in RELEASES:
            self._world.add_release(Release(release, ReleaseKind.GOOD))
        self._armed = self._step[1] in (TurnPhase.CLAIMING, MarketDataPhase.CLAIMING)
        when_s = self._dice.uniform(*FIRST_S)
        self._world.later(when_s, self._begin)
        if self._dice.random() < LOST_LOCKS or self._always_lost:
            lost_s = when_s + self._dice.uniform(8.0, 20.0)
            self._world.later(lost_s, self._faults.lose_lock)
        if self._dice.random() < 0.3:
            self._world.later(when_s + self._dice.uniform(12.0, 22.0), self._begin_again)

    def _begin(self) -> None:
        kind = self._step[0] if self._step[0] != REPLACEMENT else self._dice.choice(tuple(Kind))
        what = BROKEN.get(self._step)
        if self._step == (REPLACEMENT, SharedStep.DISCARDING) and self._dice.random() < 0.3:
            what = "never created"
        self._armed = True
        self._roll(RELEASES[0], None if what is None else (kind, what))
        self._world.later(self._dice.uniform(0.5, 6.0), self._lead_by_time)

    def _begin_again(self) -> None:
        if all(roll.gone for roll in self._world.shared_rolls):
            self._roll(RELEASES[1], None)

    def _roll(self, release: str, fault: tuple[str, str] | None) -> None:
        if self._faults.over:
            return
        roll = SharedRoll(self._world, release, fault)
        roll.is_slow = self._step == (Kind.GATEWAY, Phase.RELEASING)
        self._world.shared_rolls.append(roll)
        roll.start()

    # ---- leading to rare steps ----------------------------------------------------------------

    def _lead_by_time(self) -> None:
        """Bring about what the aimed step follows from, where no replacement leads to it."""
        if self._faults.over:
            return
        match self._step:
            case (Kind.GATEWAY, Phase.RECOVERING | Phase.PAUSING):
                self._faults.strike(Fault.LOG_FULL)
            case (Kind.GATEWAY, Phase.CONNECTING | Phase.AWAITING_VENUE):
                if self._step[1] == Phase.AWAITING_VENUE:
                    self._world.venue_there_s = self._world.loop.now_s + UNREACHABLE_S
                self._faults.strike(Fault.CRASH_GATEWAY)
            case _:
                return

    def _lead(self, kind: str, step: str, who: Any) -> None:
        """Bring about what the aimed step follows from, at a step before it."""
        lead = LEADS.get(self._led_to)
        if lead is None or self._led >= LEADS_MAX or (kind, step) != lead[0]:
            return
        if isinstance(who, SharedRoll) and who.state is not None:
            aimed = self._step[0]
            if aimed not in (REPLACEMENT, who.state.kind):
                return
        self._led += lead[1](self, who)

    def _lead_to_releasing(self, kind: str, step: str, who: Any) -> None:
        """Have the old gateway begin anew while its successor prepares."""
        releasing = self._step == (Kind.GATEWAY, Phase.RELEASING)
        creating = (kind, step) == (REPLACEMENT, SharedStep.CREATING)
        if releasing and creating and not self._kicked and who.state.kind is Kind.GATEWAY:
            self._kicked = self._kill_old(who)

    # ---- striking -----------------------------------------------------------------------------

    def _entered(self, kind: str, step: str, who: Any) -> None:
        if self._faults.over:
            return
        if kind == REPLACEMENT and who.state.kind is Kind.GATEWAY:
            self._declare_handover(step)
        if not self._armed:
            return
        self._lead_to_releasing(kind, step, who)
        self._lead(kind, step, who)
        if (kind, step) != self._step or self._tries >= TRIES or self._was_hit():
            return
        self._tries += 1
        if self._strike is Strike.SELF_LATER:
            delay_s = self._dice.uniform(0.0, self._dice.choice((0.0005, 0.003)))
            self._world.later(delay_s, lambda: self._hit(who))
        else:
            self._hit(who)

    def _was_hit(self) -> bool:
        kind, step = self._step
        damage = self._faults.damage
        return any(damage.stepped[kind, step, part] for part in ("self", "driver", "all"))

    def _declare_handover(self, step: str) -> None:
        if step in (SharedStep.NAMING, SharedStep.TAKING_BACK):
            now_s = self._world.loop.now_s
            declared = Declared(Fault.HAND_GATEWAY_OVER, None, now_s, now_s + HANDOVER_S)
            self._faults.declared.append(declared)

    def _hit(self, who: Any) -> None:
        if self._faults.over:
            return
        match self._strike:
            case Strike.SELF | Strike.SELF_LATER:
                self._faults.strike_actor(who)
            case Strike.DRIVER:
                drivers = [roll for roll in self._world.shared_rolls if not roll.gone]
                self._faults.strike_actor(drivers[-1] if drivers else who, at=self._step)
            case Strike.ALL:
                self._faults.strike(Fault.POWER_OFF)
            case Strike.FROZEN:
                self._faults.freeze_actor(who, self._dice.choice((1.0, 4.0, 12.0, 25.0)))

    # ---- what leads where ---------------------------------------------------------------------

    def _freeze_old(self, roll: SharedRoll) -> bool:
        assert roll.state is not None
        old = self._world.actors[roll.state.old]
        self._faults.freeze_actor(old, self._dice.uniform(*HUNG_S), exactly=True)
        return True

    def _lose_the_call(self, roll: SharedRoll) -> bool:
        """Lose the question to hand over: the driver passes the old one over at once."""
        del roll
        network = self._world.network
        network.weather = Weather(drop=1.0)
        self._world.later(LOST_FOR_S, lambda: setattr(network, "weather", network.usual))
        return True

    def _hang_and_lose_the_call(self, roll: SharedRoll) -> bool:
        return self._freeze_old(roll) and self._lose_the_call(roll)

    def _slow_disk(self, _gateway: Any) -> bool:
        self._faults.strike(Fault.DISK_SLOW)
        return True

    def _kill_old(self, roll: SharedRoll) -> bool:
        assert roll.state is not None
        self._faults.strike_actor(self._world.actors[roll.state.old])
        return True

    def _no_heir_can_be_named(self, _gateway: Any) -> bool:
        disk = self._world.disk
        disk.full_for.add(MOVES_FILE)
        self._world.later(1.0, lambda: disk.full_for.discard(MOVES_FILE))
        return True

    def _name_successor(self, gateway: Any) -> bool:
        """Name the successor of one that has looked whether it is the heir, and locks now."""
        for roll in self._world.shared_rolls:
            state = roll.state
            if state is None or state.kind is not Kind.GATEWAY or state.old != gateway.name:
                continue
            if state.new in self._world.actors and state.phase in BEFORE_NAMING:
                with contextlib.suppress(StorageError):
                    name_heir(self._world.disk, state.new)
                return True
        return False


Lead = Callable[[SuccessionFaults, Any], bool]
BEFORE_NAMING: Final = frozenset(
    {SharedStep.CREATING, SharedStep.PREPARING, SharedStep.WARMING, SharedStep.REMEMBERING}
)
NAMING: Final = (REPLACEMENT, str(SharedStep.NAMING))
LEADS: Final[dict[StepOf, tuple[StepOf, Lead]]] = {
    (Kind.GATEWAY, Phase.SEIZING): (NAMING, SuccessionFaults._freeze_old),
    (Kind.GATEWAY, Phase.AWAITING_LOCK): (NAMING, SuccessionFaults._hang_and_lose_the_call),
    (Kind.GATEWAY, Phase.ENDING_HOLDER): (NAMING, SuccessionFaults._hang_and_lose_the_call),
    (Kind.GATEWAY, Phase.REOPENING): (
        (Kind.GATEWAY, Phase.LEAVING),
        SuccessionFaults._no_heir_can_be_named,
    ),
    (Kind.GATEWAY, Phase.RELEASING): (
        (Kind.GATEWAY, Phase.LOCKING),
        SuccessionFaults._name_successor,
    ),
    (Kind.GATEWAY, Phase.CLOSING): ((Kind.GATEWAY, Phase.LEAVING), SuccessionFaults._slow_disk),
    (Kind.SUPERVISOR, TurnPhase.CLOSING): (NAMING, SuccessionFaults._lose_the_call),
    (Kind.MARKET_DATA, MarketDataPhase.MOVED): (
        (REPLACEMENT, SharedStep.CONFIRMING),
        SuccessionFaults._kill_old,
    ),
}
