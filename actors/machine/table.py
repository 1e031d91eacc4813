"""A machine's table of moves. It runs the machine, documents it, and is what its tests walk."""

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


class Table(Generic[S]):
    """All moves of one machine. A state without a way out is an end."""

    def __init__(self, name: str, about: str, moves: Iterable[Move[S]]) -> None:
        self.name = name
        self.about = about
        self.moves = tuple(moves)
        self._allowed = {(move.source, move.event, move.target) for move in self.moves}
        assert len(self._allowed) == len(self.moves), f"{name}: a move stands there twice"

    @classmethod
    def of_targets(cls, name: str, about: str, targets: Mapping[S, Iterable[S]]) -> "Table[S]":
        """Make a table of where each state may go, whatever brings it there."""
        moves = [Move(source, "", to) for source, many in targets.items() for to in many]
        return cls(name, about, moves)

    def move(self, source: S, event: object, target: S) -> S:
        """Return the target, or the source where nothing moves.

        Raises `MoveRefusedError` for a move that is not in the table.
        """
        kind = type(event).__name__
        if source is target:
            return source
        if not {(source, kind, target), (source, "", target)} & self._allowed:
            raise MoveRefusedError(f"{self.name}: {source} -> {target} on {kind}")
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
