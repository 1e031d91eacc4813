"""Two decisions side by side: equal in canonical bytes, or the first field that differs."""

import math
from typing import Any

import msgspec

from signals.decision import Action, Decision

ABSENT = "absent"
HELD = "held:"
"""How the reason of a decision begins that the slot turned down, not the strategy."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    field: str
    """Path from the decision, e.g. ``factors.volume.bull``; ``memory`` after equal decisions."""
    recorded: str
    made: str


def canonical(decision: Decision) -> bytes:
    """Return the bytes that count as the decision."""
    return msgspec.json.encode(decision, order="sorted")


def as_held(recorded: Decision, made: Decision) -> Decision:
    """Hold a decision back as the slot did: its wish stays in the reason, its legs do not."""
    if not recorded.reason.startswith(HELD) or made.action is Action.NO_TRADE:
        return made
    said, _, _ = recorded.reason.partition("; wanted: ")
    reason = f"{said}; wanted: {made.reason}"
    return msgspec.structs.replace(made, action=Action.NO_TRADE, legs=(), reason=reason)


def first_difference(recorded: Decision, made: Decision) -> Difference | None:
    """Return None where the canonical bytes are equal."""
    if canonical(recorded) == canonical(made):
        return None
    found = _differ(msgspec.to_builtins(recorded), msgspec.to_builtins(made), "")
    return found or Difference(field="bytes", recorded="", made="")


def _differ(left: Any, right: Any, path: str) -> Difference | None:
    if isinstance(left, dict) and isinstance(right, dict):
        names = [*left, *(name for name in right if name not in left)]
        pairs = [(_join(path, name), left.get(name), right.get(name)) for name in names]
    elif isinstance(left, list | tuple) and isinstance(right, list | tuple):
        pairs = [
            (_join(path, _name(index, left, right)), _at(left, index), _at(right, index))
            for index in range(max(len(left), len(right)))
        ]
    elif _text(left) == _text(right):
        return None
    else:
        return Difference(field=path, recorded=_text(left), made=_text(right))
    for name, one, other in pairs:
        found = _differ(one, other, name)
        if found is not None:
            return found
    return None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _name(index: int, left: Any, right: Any) -> str:
    """Name an item by its own name where both sides agree on it, else by its place."""
    one, other = _at(left, index), _at(right, index)
    if isinstance(one, dict) and isinstance(other, dict) and one.get("name") == other.get("name"):
        return str(one.get("name", index))
    return str(index)


def _at(items: Any, index: int) -> Any:
    return items[index] if index < len(items) else ABSENT


def _text(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return msgspec.json.encode(value, order="sorted").decode()
