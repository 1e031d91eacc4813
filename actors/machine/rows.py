"""A table of rows that runs a machine: a move that is not in the table cannot happen.

A row names the phase it starts from, the event, the phase it leads to and why. `Table.step` takes
the first row of the phase and event whose condition holds, and does what the row says. Without
such a row nothing changes. The same rows make the page of states and are walked by the tests.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec


class Phased(Protocol):
    @property
    def phase(self) -> StrEnum: ...


S = TypeVar("S", bound=Phased)
E = TypeVar("E", bound=msgspec.Struct)
F = TypeVar("F")


@dataclass(frozen=True, kw_only=True)
class Row(Generic[S, F]):
    """One move of a machine. `target` None: the phase stays."""

    source: StrEnum
    event: type[msgspec.Struct]
    target: StrEnum | None
    why: str
    when: Callable[[S, Any], bool] | None
    act: Callable[[S, Any], tuple[S, tuple[F, ...]]]

    @property
    def leads_to(self) -> StrEnum:
        return self.source if self.target is None else self.target


def row(
    source: StrEnum | Iterable[StrEnum],
    event: type[E],
    target: StrEnum | None,
    why: str,
    act: Callable[[S, E], tuple[S, tuple[F, ...]]],
    *,
    when: Callable[[S, E], bool] | None = None,
) -> tuple[Row[S, F], ...]:
    """Return the row of each source; `act` returns the state with its effects, phase excepted."""
    sources = (source,) if isinstance(source, StrEnum) else tuple(source)
    return tuple(
        Row(source=each, event=event, target=target, why=why, when=when, act=act)
        for each in sources
    )


class Table(Generic[S, F]):
    """The rows of one machine, and its step."""

    def __init__(self, *groups: tuple[Row[S, F], ...]) -> None:
        self.rows: tuple[Row[S, F], ...] = tuple(each for group in groups for each in group)
        self._found: dict[tuple[StrEnum, type[msgspec.Struct]], list[Row[S, F]]] = {}
        for each in self.rows:
            known = self._found.setdefault((each.source, each.event), [])
            if known and known[-1].when is None:
                raise ValueError(f"{each.source}: {each.event.__name__} never gets to: {each.why}")
            known.append(each)

    def __iter__(self) -> Iterator[Row[S, F]]:
        return iter(self.rows)

    def row_of(self, state: S, event: msgspec.Struct) -> Row[S, F] | None:
        """Return the row that this event takes now; None: the event changes nothing."""
        for each in self._found.get((state.phase, type(event)), ()):
            if each.when is None or each.when(state, event):
                return each
        return None

    def step(self, state: S, event: msgspec.Struct) -> tuple[S, tuple[F, ...]]:
        """Return the next state and what the shell must perform, in order."""
        found = self.row_of(state, event)
        if found is None:
            return state, ()
        after, effects = found.act(state, event)
        if found.target is not None:
            after = cast("S", msgspec.structs.replace(cast("Any", after), phase=found.target))
        return after, effects

    def changed(self, *changes: "tuple[Row[S, F], Row[S, F] | None]") -> "Table[S, F]":
        """Return a table with some rows replaced, or left out for None: what a mutation runs."""
        by_row = {id(old): new for old, new in changes}
        kept = (by_row.get(id(each), each) for each in self.rows)
        return Table(tuple(each for each in kept if each is not None))
