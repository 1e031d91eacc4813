"""The moves that a machine may make: a move that is not among them cannot happen.

They stand at the door of a machine's own step, make the page of states, and are what tests walk.
A machine whose whole step fits a table uses `actors.machine.rows`.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

S = TypeVar("S", bound=StrEnum)


class MoveRefusedError(AssertionError):
    """A machine tried a move that is not in its table: a fault of its code, its process ends."""


class Move(msgspec.Struct, Generic[S], frozen=True):
    """One allowed move."""

    source: S
    event: str
    """Name of the event's class; empty where any event of that state may bring it."""
    target: S
    why: str = ""


class Moves(Generic[S]):
    """All moves of one machine. A state without a way out is an end."""

    def __init__(self, name: str, about: str, moves: Iterable[Move[S]]) -> None:
        self.name = name
        self.about = about
        self.moves = tuple(moves)
        self._allowed = {(move.source, move.event, move.target) for move in self.moves}
        assert len(self._allowed) == len(self.moves), f"{name}: a move stands there twice"

    @classmethod
    def of_targets(cls, name: str, about: str, targets: Mapping[S, Iterable[S]]) -> "Moves[S]":
        """Make a table of where each state may go, whatever brings it there."""
        moves = [Move(source, "", to) for source, many in targets.items() for to in many]
        return cls(name, about, moves)

    def move(self, source: S, target: S, event: object = None) -> S:
        """Return the target, or the source where nothing moves.

        Raises `MoveRefusedError` for a move that is not among these.
        """
        kind = "" if event is None else type(event).__name__
        if source is target:
            return source
        if not {(source, kind, target), (source, "", target)} & self._allowed:
            raise MoveRefusedError(f"{self.name}: {source} -> {target} on {kind or 'any event'}")
        return target

    def targets(self, source: S) -> frozenset[S]:
        return frozenset(move.target for move in self.moves if move.source is source)

    def ends(self, states: Iterable[S]) -> frozenset[S]:
        """Return the states that nothing leaves."""
        return frozenset(state for state in states if not self.targets(state))

    def reachable(self, start: S) -> frozenset[S]:
        found, fresh = {start}, [start]
        while fresh:
            new = self.targets(fresh.pop()) - found
            found |= new
            fresh += new
        return frozenset(found)
