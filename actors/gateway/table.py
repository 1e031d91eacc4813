"""A dictionary that is copied at once, however large, and knows its entries by term.

A step of the gateway works on its own copy of the ledger. A copy shares what is old and takes only
the newest changes along, so that it costs the same in the first hour and in the thousandth; every
`OVERLAY_MAX` changes the two are joined. Order is that of arrival, as in a dictionary.

Terms group entries (an order belongs to its market; a fill is provisional or not), sums add up what
they put at stake: both follow each change, so that no rule has to look at entries of others. A term
is a kind, or a kind and a name: ``market/0x12``.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from itertools import chain
from typing import Any, Final, Generic, TypeVar, overload

V = TypeVar("V")
D = TypeVar("D")
OVERLAY_MAX: Final = 128
"""Changes since the last join: a copy takes at most so many along, and a join is that rare."""
Amounts = tuple[tuple[str, int], ...]


class Spec(Generic[V]):
    """By which terms entries are found, and what they add to which sums."""

    def __init__(
        self,
        terms: Callable[[V], tuple[str, ...]] = lambda _: (),
        amounts: Callable[[V], Amounts] = lambda _: (),
    ) -> None:
        self.terms = terms
        self.amounts = amounts


class Table(MutableMapping[str, V]):
    """See above. Values are never changed in place."""

    __slots__ = ("_gone", "_new", "_old", "_shared", "_spec", "_sums", "_terms")

    def __init__(self, entries: Mapping[str, V] | None = None, spec: Spec[V] | None = None) -> None:
        self._old: dict[str, V] = {}
        self._new: dict[str, V] = {}
        self._gone: set[str] = set()
        self._shared = False
        self._spec = spec
        self._terms: Table[Table[Table[None]]] | None = None if spec is None else Table()
        self._sums: Table[int] | None = None if spec is None else Table()
        for key, value in (entries or {}).items():
            self[key] = value

    def copy(self) -> "Table[V]":
        """Return an independent copy; both take their own changes with their next write."""
        made: Table[V] = Table.__new__(Table)
        made._old, made._new, made._gone = self._old, self._new, self._gone
        made._shared = self._shared = True
        made._spec = self._spec
        made._terms = None if self._terms is None else self._terms.copy()
        made._sums = None if self._sums is None else self._sums.copy()
        return made

    # ---- a mapping ----------------------------------------------------------------------------

    @overload
    def get(self, key: str, /) -> V | None: ...
    @overload
    def get(self, key: str, /, default: V | D) -> V | D: ...
    def get(self, key: str, /, default: Any = None) -> Any:
        if key in self._new:
            return self._new[key]
        return default if key in self._gone else self._old.get(key, default)

    def __getitem__(self, key: str) -> V:
        if key in self._new:
            return self._new[key]
        if key in self._gone:
            raise KeyError(key)
        return self._old[key]

    def __contains__(self, key: object) -> bool:
        return key in self._new or (key in self._old and key not in self._gone)

    def __iter__(self) -> Iterator[str]:
        if not self._new and not self._gone:
            return iter(self._old)
        kept = (key for key in self._old if key not in self._gone)
        return chain(kept, (key for key in self._new if self._is_added(key)))

    def __len__(self) -> int:
        added = sum(map(self._is_added, self._new))
        return len(self._old) - len(self._gone) + added

    def __bool__(self) -> bool:
        return bool(self._new) or len(self._old) > len(self._gone)

    def __repr__(self) -> str:
        return f"Table({dict(self.items())!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self.items()) == dict(other.items())

    __hash__ = None  # type: ignore[assignment]

    def __setitem__(self, key: str, value: V) -> None:
        before = self.get(key) if self._spec is not None else None
        self._own()
        self._new[key] = value
        if self._spec is not None:
            self._index(key, before, value)

    def __delitem__(self, key: str) -> None:
        before = self[key]
        self._own()
        self._new.pop(key, None)
        if key in self._old:
            self._gone.add(key)
        if self._spec is not None:
            self._index(key, before, None)

    def newest(self) -> Iterator[V]:
        """Yield the values, newest arrival first."""
        for key in reversed(self._new):
            if self._is_added(key):
                yield self._new[key]
        for key in reversed(self._old):
            if key not in self._gone:
                yield self[key]

    def _is_added(self, key: str) -> bool:
        return key not in self._old or key in self._gone

    def _own(self) -> None:
        if self._shared:
            self._new, self._gone, self._shared = dict(self._new), set(self._gone), False
        if len(self._new) + len(self._gone) >= OVERLAY_MAX:
            joined = self._old.copy()
            for key in self._gone:
                del joined[key]
            joined.update(self._new)
            self._old, self._new, self._gone = joined, {}, set()

    # ---- terms and sums -----------------------------------------------------------------------

    def of(self, term: str) -> list[V]:
        """Return the entries with a term, in order of arrival."""
        return [self[key] for key in self.keys_of(term)]

    def keys_of(self, term: str) -> list[str]:
        members = self._members(term)
        return [] if members is None else list(members)

    def has(self, term: str) -> bool:
        return self._members(term) is not None

    def terms(self, kind: str) -> Iterator[str]:
        """Yield the terms of a kind that are in use, oldest first."""
        group = None if self._terms is None else self._terms.get(kind)
        for name in () if group is None else group:
            yield f"{kind}/{name}"

    def _members(self, term: str) -> "Table[None] | None":
        kind, _, name = term.partition("/")
        group = None if self._terms is None else self._terms.get(kind)
        return None if group is None else group.get(name)

    def sum(self, name: str) -> int:
        return 0 if self._sums is None else int(self._sums.get(name, 0))

    def _index(self, key: str, before: V | None, after: V | None) -> None:
        assert self._spec is not None
        old = () if before is None else self._spec.terms(before)
        new = () if after is None else self._spec.terms(after)
        if old != new:
            for term in old:
                if term not in new:
                    self._leave(term, key)
            for term in new:
                if term not in old:
                    self._join(term, key)
        for name, amount in () if before is None else self._spec.amounts(before):
            self._add(name, -amount)
        for name, amount in () if after is None else self._spec.amounts(after):
            self._add(name, amount)

    def _join(self, term: str, key: str) -> None:
        known = self._members(term)
        members: Table[None] = Table() if known is None else known.copy()
        members[key] = None
        self._keep(term, members)

    def _leave(self, term: str, key: str) -> None:
        known = self._members(term)
        assert known is not None
        members = known.copy()
        del members[key]
        self._keep(term, members)

    def _keep(self, term: str, members: "Table[None]") -> None:
        assert self._terms is not None
        kind, _, name = term.partition("/")
        known = self._terms.get(kind)
        group: Table[Table[None]] = Table() if known is None else known.copy()
        if members:
            group[name] = members
        else:
            del group[name]
        self._terms[kind] = group

    def _add(self, name: str, amount: int) -> None:
        assert self._sums is not None
        total = self.sum(name) + amount
        if total:
            self._sums[name] = total
        elif name in self._sums:
            del self._sums[name]
