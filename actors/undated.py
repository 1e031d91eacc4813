"""Events whose time is not known yet: the loop that steps them dates them."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

Fields = ParamSpec("Fields")
EventT = TypeVar("EventT")


def undated(
    kind: Callable[Concatenate[int, int, Fields], EventT],
    /,
    *args: Fields.args,
    **fields: Fields.kwargs,
) -> Callable[[int, int], EventT]:
    """Return what makes the event from (market ms, wire ms); mypy checks its other fields."""

    def date(market_ms: int, wire_ms: int) -> EventT:
        return kind(market_ms, wire_ms, *args, **fields)

    return date
