"""Faults of one seed: planned by chance over its time, and aimed at chosen steps of a handoff."""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from actors.gateway.authority.events import Phase
from actors.gateway.holder import next_number
from actors.rollout.handoff_state import Handoff, Step
from tests.simulation.damage import Damage
from tests.simulation.fault_kinds import GRACE_S, HUNG_S, Aim, Declared, Fault
from tests.simulation.gateway_actor import GatewayActor
from tests.simulation.network import Weather
from tests.simulation.rolls import Roll

if TYPE_CHECKING:
    from tests.simulation.world import Actor, World


TRIES: Final = 4
"""Handoffs of one seed that may be aimed at until one was hit."""


class Faults:
    def __init__(self, world: "World", rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.declared: list[Declared] = []
        self.counts: dict[Fault, int] = {}
        self.damage = Damage(world)
        self.aims: dict[Step, Fault] = {}
        self.sure: Aim | None = None
        """Aimed until it has hit: what the seed is for."""
        self.always: dict[Step, Fault] = {}
        """Strike each time a handoff enters the step: tests of one rule aim so."""
        self.over = False
        world.on_step = self._step_entered
        self._acts: dict[Fault, Callable[[], float]] = {
            Fault.CRASH_GATEWAY: self._crash_gateway,
            Fault.PAUSE_GATEWAY: self._pause_gateway,
            Fault.ZOMBIE_GATEWAY: self._zombie_gateway,
            Fault.HAND_GATEWAY_OVER: self._hand_gateway_over,
            Fault.CRASH_MARKET_DATA: self._crash_market_data,
            Fault.CRASH_SUPERVISOR: self._crash_supervisor,
            Fault.CRASH_DRIVER: self._crash_driver,
            Fault.PAUSE_DRIVER: self._pause_driver,
            Fault.POWER_OFF: self._power_off,
            Fault.NETWORK_STORM: self._network_storm,
            Fault.VENUE_RESTART: self._venue_restart,
            Fault.DISK_FULL: self._disk_full,
            Fault.LOG_FULL: self._log_full,
            Fault.DISK_SLOW: self._disk_slow,
        }

    # ---- when ---------------------------------------------------------------------------------

    def at(self, when_s: float, fault: Fault) -> None:
        self.world.later(when_s - self.world.loop.now_s, lambda: self.strike(fault))

    def aim(self, step: Step, fault: Fault) -> None:
        """Strike when a handoff next enters this step, or a moment after."""
        self.aims[step] = fault

    def after_intent(self, count: int) -> None:
        """Crash the gateway a moment after it has kept its `count`-th intent."""

        def kept(number: int) -> None:
            if number == count:
                delay_s = self.rng.choice((0.0, self.rng.uniform(0, 0.3)))
                self.world.later(delay_s, lambda: self.strike(Fault.CRASH_GATEWAY))

        self.world.monitor.on_kept = kept

    def _step_entered(self, roll: Roll, slot: str, step: Step) -> None:
        handoff = roll.state.handoffs[slot] if roll.state else None
        if self._wants_sure(step):
            assert self.sure is not None
            self.sure.tries += 1
            fault = self.sure.fault
            delay_s = self.rng.choice((0.0, self.rng.uniform(0, 0.002), self.rng.uniform(0, 0.01)))
        else:
            wanted = self.always.get(step) or self.aims.pop(step, None)
            if wanted is None:
                return
            fault = wanted
            delay_s = self.rng.choice((0.0, self.rng.uniform(0, 0.01), self.rng.uniform(0, 0.3)))
        if delay_s:
            self.world.later(delay_s, lambda: self.strike(fault, slot, handoff))
        else:
            self.strike(fault, slot, handoff)  # before the step's own effects have left

    def _wants_sure(self, step: Step) -> bool:
        sure = self.sure
        if sure is None or sure.step is not step or sure.tries >= TRIES:
            return False
        return not self.damage.killed_at(step)

    def strike(self, fault: Fault, slot: str | None = None, handoff: Handoff | None = None) -> None:
        if self.over:
            return
        self.counts[fault] = self.counts.get(fault, 0) + 1
        self.damage.begin()
        if fault in self._acts:
            lasts_s = self._acts[fault]()
            slot = None
        else:
            slot = slot or self.rng.choice(self.world.slots)
            lasts_s = self._strike_slot(fault, slot, handoff)
        now_s = self.world.loop.now_s
        self.declared.append(Declared(fault, slot, now_s, now_s + lasts_s + GRACE_S))
        self.damage.count(everything=fault is Fault.POWER_OFF)

    def strike_actor(self, actor: Any, at: tuple[str, str] | None = None) -> None:
        """Kill one of the shared actors, or a driver that replaces them."""
        self.damage.begin()
        if at is not None:
            self.damage.stepped[at[0], at[1], "driver"] += actor.process.alive
        self.damage.kill(actor)
        self._declare(Fault.CRASH_GATEWAY, 4.0)
        self.damage.count(everything=False)

    def lose_lock(self) -> None:
        """Ray gives the gateway up, its process sleeps, and the lock's file is replaced."""
        gateway = self._gateway()
        if self.over or gateway.gone or gateway.phase is not Phase.SERVING:
            return
        gateway.gone = True
        self.world.authority, self.world.lock_is_kept = None, False
        self.freeze_actor(gateway, self.rng.uniform(6.0, 20.0), exactly=True)

    def freeze_actor(self, actor: Any, seconds: float, *, exactly: bool = False) -> None:
        self.damage.begin()
        self.damage.freeze(actor)
        seconds *= 1.0 if exactly else self.rng.uniform(0.5, 1.5)
        self.world.later(seconds, actor.process.wake)
        self._declare(Fault.ZOMBIE_GATEWAY, HUNG_S + seconds)
        self.damage.count(everything=False)

    def _declare(self, fault: Fault, lasts_s: float) -> None:
        now_s = self.world.loop.now_s
        self.counts[fault] = self.counts.get(fault, 0) + 1
        self.declared.append(Declared(fault, None, now_s, now_s + lasts_s + GRACE_S))

    # ---- slots --------------------------------------------------------------------------------

    def _strike_slot(self, fault: Fault, slot: str, handoff: Handoff | None) -> float:
        world, rng = self.world, self.rng
        owner = world.monitor.fence(slot)
        numbers = {owner.incarnation} if owner else set()
        if handoff is not None:
            numbers |= {handoff.old_incarnation}
            numbers |= {handoff.incarnation} if handoff.incarnation else set()
        living = [
            actor
            for number in sorted(numbers)
            if (actor := world.slot_actors.get(f"{slot}/{number}")) is not None and not actor.gone
        ]
        if not living:
            return 0.0
        actor = rng.choice(living)
        match fault:
            case Fault.PAUSE_SLOT:
                return self._pause(actor, rng.choice((0.5, 2.0, 5.0, 12.0)))
            case Fault.LOSE_SLOT:
                actor.gone = True
                self.damage.kill(actor)
                return 8.0
            case Fault.ZOMBIE_SLOT:
                actor.gone = True
                return 4.0 + self._pause(actor, rng.choice((4.0, 8.0)))
            case Fault.CHECKPOINT_FLIPPED:
                names = world.disk.names(f"checkpoints/{slot}/")
                if names:
                    world.disk.flip(names[-1], rng.randrange(1 << 20))
                self.damage.kill(actor)
            case _:
                self.damage.kill(actor)
        return 2.0

    def _pause(self, actor: "Actor", seconds: float) -> float:
        seconds *= self.rng.uniform(0.5, 1.5)
        self.damage.freeze(actor)
        self.world.later(seconds, actor.process.wake)
        return seconds

    # ---- the others ---------------------------------------------------------------------------

    def _gateway(self) -> GatewayActor:
        return self.world.current_gateway

    def _crash_gateway(self) -> float:
        gateway = self._gateway()
        self.damage.kill(gateway)
        return 3.0

    def _pause_gateway(self) -> float:
        gateway = self._gateway()
        return self._pause(gateway, self.rng.choice((0.3, 2.0, 6.0)))

    def _zombie_gateway(self) -> float:
        gateway = self._gateway()
        return HUNG_S + self._pause(gateway, self.rng.uniform(12.0, 30.0))

    def _hand_gateway_over(self) -> float:
        gateway = self._gateway()
        if not gateway.process.alive or gateway.gone:
            return 0.0
        number = next_number(self.world.disk)
        while f"gateway/{number}" in self.world.actors:
            number += 1
        self.world.create_shared("gateway", number, gateway.release)
        gateway.process.spawn(gateway.hand_over(f"gateway/{number}"))
        return 10.0

    def _crash_market_data(self) -> float:
        self.damage.kill(self.world.market_data)
        return 2.0

    def _crash_supervisor(self) -> float:
        self.damage.kill(self.world.supervisor)
        return 0.0

    def _driver(self) -> Roll | None:
        running = [roll for roll in self.world.rolls if not roll.gone and roll.process is not None]
        return self.rng.choice(running) if running else None

    def _crash_driver(self) -> float:
        driver = self._driver()
        if driver is not None and driver.process.alive:
            self.damage.kill(driver)
        return 0.0

    def _pause_driver(self) -> float:
        driver = self._driver()
        if driver is not None:
            self._pause(driver, self.rng.choice((0.5, 3.0, 8.0, 30.0)))
        return 0.0

    def _power_off(self) -> float:
        """Everything of the fleet dies at once; Ray starts it again."""
        self.damage.step_all()
        for actor in list(self.world.actors.values()):
            self.damage.kill(actor)
        for roll in self.world.shared_rolls:
            if not roll.gone:
                self.damage.kill(roll)
        self._crash_driver()
        return 4.0

    def _network_storm(self) -> float:
        seconds = self.rng.uniform(1.0, 5.0)
        network = self.world.network
        network.weather = Weather(drop=0.2, duplicate=0.2, slow=0.3, slow_s=2.0)
        self.world.later(seconds, lambda: setattr(network, "weather", network.usual))
        return seconds + 4.0

    def _venue_restart(self) -> float:
        exchange = self.world.exchange
        exchange.restarting = True
        seconds = self.rng.uniform(1.0, 8.0)
        self.world.later(seconds, lambda: setattr(exchange, "restarting", False))
        return 0.0

    def _disk_full(self) -> float:
        disk = self.world.disk
        prefix = self.rng.choice(("journal/", "checkpoints/", ""))
        disk.full_for.add(prefix)
        seconds = self.rng.uniform(0.2, 5.0)
        self.world.later(seconds, lambda: disk.full_for.discard(prefix))
        return seconds

    def _log_full(self) -> float:
        files = self.world.log_files
        files.full = True
        seconds = self.rng.uniform(0.2, 3.0)
        self.world.later(seconds, lambda: setattr(files, "full", False))
        return seconds + 4.0

    def _disk_slow(self) -> float:
        world, seconds = self.world, self.rng.uniform(1.0, 5.0)
        world.disk_slow_s = 1.0
        world.later(seconds, lambda: setattr(world, "disk_slow_s", 0.0))
        return seconds

    def end(self) -> None:
        """No more of it, and what was ill is well: the fleet must come to rest."""
        self.over = True
        world = self.world
        world.venue_there_s = 0.0
        world.network.weather = Weather(drop=0.0, duplicate=0.0)
        world.disk.full_for.clear()
        world.log_files.full = world.exchange.restarting = False
        world.disk_slow_s = 0.0
        for process in world.lives.values():
            if process.paused:
                process.wake()
