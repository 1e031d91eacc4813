"""What faults did to processes, and in which step of a handoff that was."""

from collections import Counter
from typing import TYPE_CHECKING, Final

from actors.rollout.handoff_state import Handoff, Step
from tests.simulation.gateway_actor import GatewayActor
from tests.simulation.rolls import Roll

if TYPE_CHECKING:
    from tests.simulation.world import Actor, World

PARTS: Final = ("old", "new", "gateway", "driver", "all")
"""Of a handoff: its two incarnations, who else it needs, and everything at once."""
Table = Counter[tuple[Step, str]]


class Damage:
    def __init__(self, world: "World") -> None:
        self._world = world
        self.killed: Table = Counter()
        """How often a process of a handoff was killed while that was in this step, by its part."""
        self.frozen: Table = Counter()
        self.stepped: Counter[tuple[str, str, str]] = Counter()
        """Kills and freezes of shared actors and their drivers: machine, phase, whose."""
        self.deaths = 0
        self._hurt: list[tuple[Table, Actor]] = []

    def begin(self) -> None:
        self._hurt.clear()

    def kill(self, actor: "Actor") -> None:
        if actor.process.alive:
            self._hurt.append((self.killed, actor))
            self.deaths += 1
            self._note_step(actor, "self")
            actor.process.kill()

    def freeze(self, actor: "Actor") -> None:
        if actor.process.alive:
            self._hurt.append((self.frozen, actor))
            self._note_step(actor, "frozen")
        actor.process.pause()

    def _note_step(self, actor: "Actor", part: str) -> None:
        kind, phase = getattr(actor, "kind", ""), getattr(actor, "phase", "")
        if kind and phase:
            self.stepped[str(kind), str(phase), part] += 1

    def step_all(self) -> None:
        """Note each shared actor's step: everything dies now."""
        shared = [*self._world.actors.values(), *self._world.shared_rolls]
        for actor in shared:
            if actor.process.alive and not actor.gone:
                self._note_step(actor, "all")

    def killed_at(self, step: Step) -> bool:
        return any(self.killed[step, part] for part in PARTS)

    def count(self, *, everything: bool) -> None:
        """Count each handoff that lost a process of its own since `begin`, at its step."""
        for roll in self._world.rolls:
            for handoff in roll.state.handoffs.values() if roll.state and not roll.ended else ():
                for table, part in self._parts(roll, handoff, everything=everything):
                    table[handoff.step, part] += 1

    def _parts(self, roll: Roll, handoff: Handoff, *, everything: bool) -> list[tuple[Table, str]]:
        if everything:
            return [(self.killed, "all")]
        found = [(table, _part(actor, roll, handoff)) for table, actor in self._hurt]
        return [(table, part) for table, part in found if part is not None]


def _part(actor: "Actor", roll: Roll, handoff: Handoff) -> str | None:
    """Name what an actor is to a handoff; None: nothing."""
    if actor is roll:
        return "driver"
    if isinstance(actor, GatewayActor):
        return "gateway"
    names = {
        f"{handoff.slot}/{handoff.old_incarnation}": "old",
        f"{handoff.slot}/{handoff.incarnation}": "new",
    }
    return names.get(actor.name)
