"""What must hold while shared actors take turns: judged from outside, at every move and act."""

from typing import TYPE_CHECKING, Final

from actors.directory import MARKET_DATA_CURRENT as MARKET_DATA_FILE
from actors.directory import SUPERVISOR_CURRENT as SUPERVISOR_FILE
from actors.gateway.authority.events import HOLDS_LOCK, Authority, Phase
from actors.gateway.holder import MOVES_FILE, heir
from actors.gateway.lock import CURRENT_FILE, stored_generation
from actors.gateway.session import RECONCILE_S_MAX
from actors.market_data.turn import Phase as MarketDataPhase
from actors.market_data.turn import Turn as MarketDataTurn
from actors.rollout.replacement.events import Replacement, SharedStep
from actors.supervisor.turn_machine import WATCHES, Turn
from checkpoints.errors import MissingFileError

if TYPE_CHECKING:
    from tests.simulation.gateway_actor import GatewayActor
    from tests.simulation.market_data_actor import MarketDataActor
    from tests.simulation.supervisor_actor import SupervisorActor
    from tests.simulation.world import World

KNOWN_AFTER_S: Final = 3.0
"""A name may change between a process's look at a slow disk and what it does next."""


class SuccessionJudge:
    def __init__(self, world: "World") -> None:
        self._world = world
        self._generation = 0
        self._changed_s: dict[str, float] = {}
        self._heirs: list[str | None] = [None]
        """Whom the files have named since the gateway's lock was taken; first, who was named then.
        """

    def written(self, name: str) -> None:
        """Note when the files changed that say whose turn it is."""
        if name in (MOVES_FILE, CURRENT_FILE, SUPERVISOR_FILE, MARKET_DATA_FILE):
            self._changed_s[name] = self._world.loop.now_s
        if name in (MOVES_FILE, CURRENT_FILE):
            self._heirs.append(heir(self._world.disk))

    def lock_taken(self) -> None:
        self._heirs = self._heirs[-1:]

    def _is_known(self, *names: str) -> bool:
        """Tell whether these files have said what they say for a while."""
        changed_s = max(self._changed_s.get(name, 0.0) for name in names)
        return self._world.loop.now_s - changed_s > KNOWN_AFTER_S

    # ---- the gateway's authority --------------------------------------------------------------

    def gateway_moved(self, actor: "GatewayActor", before: Authority, after: Authority) -> None:
        world, blame = self._world, self._world.monitor.blame
        del before
        if after.phase is Phase.RECONCILING:
            actor.reconciles_s = world.loop.now_s
        holds = world.authority is actor.process
        if world.lock_is_kept and after.phase in HOLDS_LOCK and not holds:
            blame(f"{actor.name}: is {after.phase}, and another one has the lock")
        if after.phase is Phase.MOVED and holds:
            blame(f"{actor.name}: has moved, and keeps the lock")
        if after.phase is Phase.NUMBERING and not {None, actor.name} & set(self._heirs):
            named = self._heirs[-1]
            blame(f"{actor.name}: takes the authority, {named} has been the heir since before")
        if after.phase is Phase.READING:
            self._numbered(actor, after.generation)
        if after.phase is Phase.SERVING:
            self._serves(actor)

    def _numbered(self, actor: "GatewayActor", generation: int) -> None:
        if generation <= self._generation:
            self._world.monitor.blame(f"{actor.name}: generation {generation} was used before")
        self._generation = max(self._generation, generation)

    def _serves(self, actor: "GatewayActor") -> None:
        serving, now_s = actor.serving, self._world.loop.now_s
        reconciled = serving is not None and serving.state.flight.reconciled
        if not reconciled and now_s - actor.reconciles_s < RECONCILE_S_MAX - 0.1:
            self._world.monitor.blame(f"{actor.name}: serves before it has seen the venue")

    def gateway_acts(self, actor: "GatewayActor", what: str) -> None:
        """Judge a post that leaves, or a record that becomes durable."""
        world = self._world
        if world.lock_is_kept and world.authority is not actor.process:
            world.monitor.blame(f"{actor.name}: {what} without the lock")
        stored = stored_generation(world.disk)
        if stored != actor.session.generation and not actor.opening:
            world.monitor.blame(
                f"{actor.name}: {what} in generation {actor.session.generation}, not {stored}"
            )

    def gateway_alarms(self, actor: "GatewayActor", kind: str) -> None:
        """Judge an alarm that is raised or ended: one of old books says what is not so."""
        stored = stored_generation(self._world.disk)
        if actor.phase is Phase.SERVING and stored != actor.session.generation:
            self._world.monitor.blame(
                f"{actor.name}: {kind} in generation {actor.session.generation}, not {stored}"
            )

    def answered_moved(self, actor: "GatewayActor") -> None:
        if actor.phase is Phase.SERVING:
            self._world.monitor.blame(f"{actor.name}: serves, and points its callers on")

    # ---- turns of the others ------------------------------------------------------------------

    def supervisor_moved(self, actor: "SupervisorActor", before: Turn, after: Turn) -> None:
        if after.phase not in WATCHES or before.phase in WATCHES:
            return
        named = self.read(SUPERVISOR_FILE)
        if named != actor.name and self._is_known(SUPERVISOR_FILE):
            self._world.monitor.blame(f"{actor.name}: begins to watch, {named} is named")

    def market_data_moved(self, actor: "MarketDataActor", after: MarketDataTurn) -> None:
        waits = after.phase is MarketDataPhase.STANDING_BY
        if waits and not after.moved and not actor.has_buffers:
            self._world.monitor.blame(f"{actor.name}: stands by without the buffers before it")

    # ---- replacements -------------------------------------------------------------------------

    def replacement_moved(self, state: Replacement) -> None:
        world, blame = self._world, self._world.monitor.blame
        new, old = world.actors.get(state.new), world.actors.get(state.old)
        if state.phase is SharedStep.RETURNING and new is not None and new.process.alive:
            blame(f"{state.old} is named again, and {state.new} lives")
        if state.phase is SharedStep.ENDING and not getattr(new, "served", False):
            blame(f"{state.old} is ended, and {state.new} never served")
        if state.phase is SharedStep.NAMING:
            if getattr(new, "release", state.release) != state.release:
                blame(f"{state.new} is named, and runs another release")
            if state.new not in world.remembered:
                blame(f"{state.new} is named, and nobody knows what it replaces")
        del old

    # ---- at rest ------------------------------------------------------------------------------

    def read(self, name: str) -> str | None:
        try:
            return self._world.disk.read(name).decode().strip() or None
        except MissingFileError:
            return None

    def unrest(self) -> list[str]:
        """Say what has not come to rest, or must not be: one of each kind serves, and is found."""
        world = self._world
        found: list[str] = []
        gateways = [each for each in world.gateways() if each.phase in HOLDS_LOCK]
        current = world.current_gateway
        if [each.name for each in gateways] != [current.name] or current.phase is not Phase.SERVING:
            found.append(f"gateways: {[f'{each.name} {each.phase}' for each in world.gateways()]}")
        watching = [each.name for each in world.supervisors() if each.watches]
        if watching != [self.read(SUPERVISOR_FILE)]:
            found.append(f"supervisors: {watching}, named is {self.read(SUPERVISOR_FILE)}")
        named = world.actors.get(self.read(MARKET_DATA_FILE) or "")
        if named is None or named.gone or getattr(named, "serves", False) is not True:
            found.append(f"market data: {self.read(MARKET_DATA_FILE)} does not serve")
        return found
