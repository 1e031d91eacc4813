"""Replacing the shared actors in the simulation: the real machine, in a driver that may die."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

from actors.rollout.ports import CallFailedError
from actors.rollout.replacement.events import Back, Replacement, Seen
from actors.rollout.shared import CALL_SECONDS, SharedReport, replace_shared
from actors.rollout.shared_turns import SharedTurns
from actors.shared_kind import Kind
from tests.simulation.network import Lost

if TYPE_CHECKING:
    from tests.simulation.world import World

POLL_S: Final = 3.0
END_S: Final = 0.3
CREATE_S: Final = (0.05, 0.6)
SLOW_S: Final = 2.5
"""Longer than an actor takes to be started again."""


class SimulatedSharedCalls(SharedTurns):
    """`SharedCalls` of one driver process."""

    def __init__(self, world: "World", roll: "SharedRoll") -> None:
        super().__init__(world.disk, world.wire_ms_exact)
        self._world = world
        self._roll = roll

    def _exists(self, name: str) -> bool:
        actor = self._world.actors.get(name)
        return actor is not None and not actor.gone

    async def _ask(
        self, name: str, method: str, *arguments: Any, seconds: float = CALL_SECONDS
    ) -> Any:
        actor = self._world.actors.get(name)
        if actor is None or actor.gone:
            raise CallFailedError(f"no actor {name}")
        answer = await self._world.network.call(
            lambda: actor.process, lambda: getattr(actor, method)(*arguments), seconds
        )
        if isinstance(answer, Lost):
            raise CallFailedError(answer.reason)
        return answer

    async def create(self, kind: Kind, name: str, release: str) -> None:
        if self._roll.fault == (kind, "never created"):
            raise CallFailedError(f"{name} cannot be created")
        runs = self._world.first.id if self._roll.fault == (kind, "another release") else release
        self._world.create_shared(kind, int(name.rpartition("/")[2]), runs)
        await asyncio.sleep(SLOW_S if self._roll.is_slow else self._world.rng.uniform(*CREATE_S))

    async def poll(self, kind: Kind, name: str) -> Seen:
        seen: Seen = await self._ask(name, "seen", seconds=POLL_S)
        serves = seen.serves and self.current(kind) == name
        if self._roll.fault == (kind, "never serves") and seen.release == self._roll.release:
            serves = False
        self._released[name] = seen.release
        return Seen(phase=seen.phase, release=seen.release, ready=seen.ready, serves=serves)

    async def sickness(self, kind: Kind, name: str) -> str | None:
        del kind, name
        return None

    async def remember(self, kind: Kind, new: str, release: str, before: Back | None) -> None:
        await super().remember(kind, new, release, before)
        self._world.remembered.add(new)

    def _end_for_good(self, name: str) -> None:
        actor = self._world.actors.get(name)
        if actor is not None:
            actor.gone = True

    async def end(self, name: str) -> None:
        """End it at some moment: the name is free before the process is gone."""
        self._end_for_good(name)
        await asyncio.sleep(self._world.rng.uniform(0.0, END_S))
        actor = self._world.actors.get(name)
        if actor is not None:
            actor.process.kill()

    def now_ms(self) -> float:
        return 1_000 * self._world.loop.time()

    async def raise_alarm(self, kind: str, subject: str, reason: str) -> None:
        self._world.alarms.append(f"{kind}/{subject}: {reason}")


class SharedRoll:
    """One `--all`: its driver replaces supervisor, market data and gateway, or dies at it."""

    kind = "replacement"

    def __init__(self, world: "World", release: str, fault: tuple[str, str] | None) -> None:
        self.world = world
        self.release = release
        self.fault = fault
        """For which kind of actor, and what is wrong with the release; None: nothing."""
        self.name = f"shared driver {len(world.shared_rolls) + 1}"
        self.is_slow = False
        """Its successors take their time to start."""
        self.gone = False
        self.process: Any = None
        self.state: Replacement | None = None
        self.reports: tuple[SharedReport, ...] = ()

    def start(self) -> None:
        self.process = self.world.open_process(self.name, self)
        self.process.on_death.append(self._died)
        self.process.spawn(self._drive())

    def _died(self) -> None:
        self.gone = True

    @property
    def phase(self) -> str:
        return "" if self.state is None or self.gone else str(self.state.phase)

    async def _drive(self) -> None:
        calls = SimulatedSharedCalls(self.world, self)
        self.reports = await replace_shared(calls, self.release, lambda _: None, self._moved)
        self.gone = True

    def _moved(self, state: Replacement) -> None:
        self.state = state
        self.world.succession.replacement_moved(state)
        self.world.succession_step(self.kind, state.phase, self)
