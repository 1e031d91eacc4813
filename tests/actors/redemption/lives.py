"""Lives of a redeemer over one disk: stepped, crashed between any two effects, and begun anew."""

import random
from dataclasses import dataclass, field

from actors.machine.rows import Table
from actors.redemption.claim import Claim
from actors.redemption.events import ClaimEffect, Effect, Event, Ticked
from actors.redemption.state import State, step, wake
from actors.redemption.table import TABLE
from tests.actors.redemption.chain_world import Chain, ViolatedError

STEPS = 1_500
CALM_STEPS = 6_000
TICK_MS = 500
CALM_TICK_MS = 5_000


@dataclass
class Life:
    """One process: what it holds in memory is gone with it."""

    state: State
    inbox: list[Event]
    effects: list[Effect] = field(default_factory=list)


@dataclass
class World:
    chain: Chain
    rng: random.Random
    table: Table[Claim, ClaimEffect] = TABLE
    disk: dict[str, Claim] = field(default_factory=dict)
    crashes: int = 0
    lives: list[Life] = field(default_factory=list)

    def begin(self, count: int = 1) -> None:
        self.lives = [self._born() for _ in range(count)]

    def _born(self) -> Life:
        state = State(claims=dict(self.disk))
        return Life(state, list(wake(state, self.chain.now_ms)))

    def run(self, steps: int, crash: float, tick_ms: int = TICK_MS) -> None:
        for _ in range(steps):
            self.chain.advance(tick_ms)
            for place, life in enumerate(self.lives):
                life.inbox.append(Ticked(wire_ms=self.chain.now_ms))
                if not self._turn(life, crash):
                    self.crashes += 1
                    self.lives[place] = self._born()

    def _turn(self, life: Life, crash: float) -> bool:
        """Step what has arrived and do what was asked; False: it died on the way."""
        dies = lambda: self.rng.random() < crash  # noqa: E731 asked at every point between two effects
        while life.inbox:
            life.state, ready = step(life.state, life.inbox.pop(0), self.table)
            for claim in ready.writes:
                if dies():
                    return False
                self.disk[claim.condition_id] = claim
            for effect in ready.effects:
                if dies():
                    return False
                answer = self.chain.perform(effect)
                if dies():
                    return False
                life.inbox += [] if answer is None else [answer]
        return True

    @property
    def over(self) -> bool:
        done = self.disk and not any(claim.open for claim in self.disk.values())
        return bool(done) and not any(self.chain.shares.values())

    @property
    def booked(self) -> dict[str, int]:
        return {name: claim.paid_micro_usd for name, claim in self.disk.items()}

    def judge(self) -> None:
        """All is paid, once, and the books say what the wallet has."""
        came = {name: sum(paid.values()) for name, paid in self.chain.received.items()}
        if came != self.chain.owed:
            raise ViolatedError(f"{came} came of {self.chain.owed}: {self.disk}, {self.chain.sent}")
        seen = {name: paid for name, paid in came.items() if name in self.disk}
        if self.booked != seen:
            raise ViolatedError(f"the books say {self.booked}, the wallet {came}: {self.disk}")
        if any(claim.open for claim in self.disk.values()):
            raise ViolatedError(f"still open: {self.disk}")
        if self.chain.wasted and not self.chain.auto:
            raise ViolatedError(f"{self.chain.wasted} transactions redeemed what was gone")


def play(
    seed: int,
    kind: str,
    *,
    table: Table[Claim, ClaimEffect] = TABLE,
    crash: float = 0.03,
    auto: bool = False,
    lives: int = 1,
) -> World:
    """Run one world through its troubles and then in peace until all is paid; judge it."""
    rng = random.Random(f"{seed}/{kind}")
    shares = {f"c{number}": 1_000_000 * (number + 1) for number in range(3)}
    world = World(Chain(kind, rng, shares, auto=auto), rng, table)
    world.begin(lives)
    world.run(STEPS, crash)
    world.chain.faults = False
    for _ in range(CALM_STEPS // 100):
        world.run(100, 0.0, CALM_TICK_MS)
        if world.over:
            break
    world.judge()
    return world
