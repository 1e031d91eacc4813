"""Releases of the simulated fleet: one strategy in good and in bad editions."""

import random
from collections.abc import Callable
from enum import StrEnum
from types import SimpleNamespace
from typing import Any, Final

import msgspec

from signals.decision import Action, Decision, Leg, Position, Style
from signals.market import Outcome, Side, Timeframe
from signals.params import Params
from signals.snapshot import Snapshot
from signals.strategy import Strategy
from signals.units import MICRO, MicroShares, PriceMicroUsd

TICK: Final = 10_000
SEEN_KEPT: Final = 6
MIN_SHARES: Final = 5 * MICRO


class Kind(StrEnum):
    GOOD = "good"
    EDITED = "edited"
    """Decides differently: an edited factor."""
    RAISES = "raises"
    RAISES_LATER = "raises later"
    """Passes warm and shadow, raises on the first new decision."""
    NAN = "nan"
    NAN_MEMORY = "nan memory"
    BLOCKS = "blocks"
    BLOCKS_LATER = "blocks later"
    DIES_LATER = "dies later"
    OTHER_DIGEST = "other digest"
    """Attests something else than what was asked for."""
    LIES = "lies"
    """Attests what was asked for; its files are others."""
    LOSES_A_FIELD = "loses a field"
    ALTERS_STATE = "alters state"
    """Reads the memory back otherwise once it has grown: another logical hash."""
    NEVER_STARTS = "never starts"


class Release(msgspec.Struct, frozen=True):
    id: str
    kind: Kind

    @property
    def attested(self) -> str:
        return "0f" * 32 if self.kind is Kind.OTHER_DIGEST else self.id

    @property
    def files(self) -> str:
        """What hashing its files from outside finds."""
        return "0f" * 32 if self.kind in (Kind.OTHER_DIGEST, Kind.LIES) else self.id


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    calls: int = 0
    average: float = 0.0
    seen: dict[str, int] = {}


class PoorMemory(msgspec.Struct, frozen=True, kw_only=True):
    calls: int = 0
    seen: dict[str, int] = {}


class AlteredMemory(msgspec.Struct, frozen=True, kw_only=True):
    """Reads back as it was only while its count is even."""

    calls: int = 0
    average: float = 0.0
    seen: dict[str, int] = {}

    def __post_init__(self) -> None:
        if self.calls % 2:
            msgspec.structs.force_setattr(self, "average", 0.5)


MEMORIES: Final[dict[Kind, type[Any]]] = {
    Kind.LOSES_A_FIELD: PoorMemory,
    Kind.ALTERS_STATE: AlteredMemory,
}


class HangError(Exception):
    """The strategy does not return."""


class DieError(BaseException):
    """The strategy takes its process with it."""


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """What all strategies of one seed share."""

    seed: int
    quiet_after_ms: int
    """Market time from which nothing is traded any more."""
    bad_from_ms: Callable[[], int]
    """Market time from which editions that fail later do so."""


def strategy_of(release: Release, book: Book) -> Strategy:
    memory_kind = MEMORIES.get(release.kind, Memory)

    def decide(
        snapshot: Snapshot, timeframe: Timeframe, position: Position, memory: Any, _params: Params
    ) -> tuple[Decision, Any]:
        _misbehave(release.kind, snapshot.due_ms, book)
        after = _remember(release.kind, memory, snapshot, position)
        if release.kind is Kind.NAN:
            return _decision(float("nan"), ()), after
        if snapshot.due_ms >= book.quiet_after_ms:
            return _decision(0.5, ()), after
        edition = "b" if release.kind is Kind.EDITED else "a"
        rng = random.Random(f"{book.seed}/{snapshot.asset}/{timeframe}/{snapshot.due_ms}/{edition}")
        legs = _legs(rng, snapshot, timeframe, position)
        return _decision(rng.uniform(0.3, 0.7), legs), after

    return SimpleNamespace(MEMORY_VERSION=1, Memory=memory_kind, decide=decide)  # type: ignore[return-value]


def _misbehave(kind: Kind, due_ms: int, book: Book) -> None:
    later = due_ms >= book.bad_from_ms()
    match kind:
        case Kind.RAISES:
            raise ValueError("a factor divides by zero")
        case Kind.RAISES_LATER if later:
            raise ValueError("a factor divides by zero, later")
        case Kind.BLOCKS:
            raise HangError
        case Kind.BLOCKS_LATER if later:
            raise HangError
        case Kind.DIES_LATER if later:
            raise DieError
        case _:
            return


def _remember(kind: Kind, memory: Any, snapshot: Snapshot, position: Position) -> Any:
    seen = {**memory.seen, str(snapshot.due_ms): int(position.up_shares)}
    seen = dict(list(seen.items())[-SEEN_KEPT:])
    if isinstance(memory, PoorMemory):
        return PoorMemory(calls=memory.calls + 1, seen=seen)
    average = 0.9 * memory.average + 0.1 * (snapshot.due_ms % 7_919) + 0.1
    if kind is Kind.NAN_MEMORY:
        average = float("nan")
    return type(memory)(calls=memory.calls + 1, average=average, seen=seen)


def _decision(probability_up: float, legs: tuple[Leg, ...]) -> Decision:
    action = Action.TRADE if legs else Action.NO_TRADE
    return Decision(action=action, reason="told", legs=legs, probability_up=probability_up)


def _legs(
    rng: random.Random, snapshot: Snapshot, timeframe: Timeframe, position: Position
) -> tuple[Leg, ...]:
    if rng.random() < 0.15 or snapshot.market(timeframe) is None:
        return ()
    held = {Outcome.UP: position.up_shares, Outcome.DOWN: position.down_shares}
    legs = []
    for outcome in rng.sample(list(Outcome), rng.choice((1, 2))):
        sells = held[outcome] >= MIN_SHARES and rng.random() < 0.5
        style = rng.choice(list(Style))
        shares = MIN_SHARES if sells else rng.randrange(5, 21) * MICRO
        price = rng.randrange(47, 54) * TICK
        legs.append(
            Leg(
                outcome=outcome,
                side=Side.SELL if sells else Side.BUY,
                style=style,
                price=PriceMicroUsd(price),
                shares=MicroShares(shares),
            )
        )
    return tuple(legs)
