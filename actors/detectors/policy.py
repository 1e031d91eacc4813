"""What an alarm leads to. A person may be slower than the money; this table is not.

The registry's reactions hold unless the configuration's ``[policy]`` names a kind otherwise. It has
every kind, whoever raises it.
"""

from collections.abc import Mapping
from typing import Final

from actors.detectors.alarm_kind import Reaction
from actors.detectors.registry import KINDS

__all__ = ["POLICY", "Reaction", "reaction_of", "strongest"]
_ORDER: Final = (
    Reaction.OFF,
    Reaction.NOTIFY,
    Reaction.ROLL_BACK,
    Reaction.REDUCE,
    Reaction.HALT,
)
"""From harmless to safest."""
POLICY: Final[dict[str, Reaction]] = {kind: row.reaction for kind, row in KINDS.items()}
"""By kind of alarm; a kind that is not here is told, and nothing else."""


def reaction_of(kind: str, overrides: Mapping[str, Reaction] | None = None) -> Reaction:
    """Return what an alarm of this kind leads to; `overrides` come from the configuration."""
    chosen = None if overrides is None else overrides.get(kind)
    return POLICY.get(kind, Reaction.NOTIFY) if chosen is None else chosen


def strongest(kinds: tuple[str, ...]) -> Reaction:
    """Return what several alarms at once lead to: the safest of their reactions."""
    return max((reaction_of(kind) for kind in kinds), key=_ORDER.index, default=Reaction.NOTIFY)
