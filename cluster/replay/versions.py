"""What decided in a slot over time: release, parameters and strategy; and the search through it.

Pure. A version is one way of deciding; a change is the step from one to the next.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from signals.decision import Decision


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One way of deciding that a slot ran."""

    release: str
    params: str
    """Id of the stored parameters."""
    strategy: str
    first_due_ms: int
    """Decision point from which on it decided, market time."""

    @property
    def way(self) -> tuple[str, str, str]:
        return self.release, self.params, self.strategy


def versions_of(rows: Iterable[tuple[int, str, str, str]]) -> tuple[Version, ...]:
    """Return the versions in order from rows of due time, release, parameters, strategy."""
    found: list[Version] = []
    for due_ms, release, params, strategy in rows:
        version = Version(release=release, params=params, strategy=strategy, first_due_ms=due_ms)
        if not found or found[-1].way != version.way:
            found.append(version)
    return tuple(found)


def turning_point(versions: Sequence[Version], agrees: Callable[[Version], bool]) -> int | None:
    """Return the place of the first version that decides as the last one does, by bisection.

    The version before the place returned decides otherwise. None: the oldest agrees already.
    Where versions went back and forth, it is one of the turns, the one that bisection meets;
    `agrees` is asked at most 2 + log2 of their number times.
    """
    if not versions or agrees(versions[0]):
        return None
    low, high = 0, len(versions) - 1  # low decides otherwise, high as recorded
    while high - low > 1:
        middle = (low + high) // 2
        if agrees(versions[middle]):
            high = middle
        else:
            low = middle
    return high


def same_wish(one: Decision, other: Decision) -> bool:
    """Say whether two decisions want the same orders: action, sides, prices and sizes."""
    return (one.action, one.legs) == (other.action, other.legs)
