"""What an alarm leads to. A person may be slower than the money; this table is not."""

from enum import StrEnum
from typing import Final


class Reaction(StrEnum):
    NOTIFY = "notify"
    REDUCE = "reduce"
    """Only orders that lower exposure, fleet-wide, until a person resumes."""
    HALT = "halt"
    ROLL_BACK = "roll_back"
    """Of the named release, to the one before; only to one proven on the current state."""


_ORDER: Final = (Reaction.NOTIFY, Reaction.ROLL_BACK, Reaction.REDUCE, Reaction.HALT)
"""From harmless to safest."""
POLICY: Final[dict[str, Reaction]] = {
    "wrong_code": Reaction.NOTIFY,  # the gateway gives it no fence: nothing to stop
    "fence_of_another_release": Reaction.HALT,  # it may be trading
    "code_changed_on_disk": Reaction.NOTIFY,
    "mixed_releases": Reaction.NOTIFY,  # resuming or undoing the roll is the cure
    "release_never_decided": Reaction.ROLL_BACK,
    "params_never_read": Reaction.NOTIFY,
    "signal_never_ran": Reaction.ROLL_BACK,
    "outcome_fell": Reaction.REDUCE,  # the market may have changed as well as the code
    "release_without_edge": Reaction.ROLL_BACK,
    "decisions_changed": Reaction.NOTIFY,
    "input_drift": Reaction.NOTIFY,
    "inputs_disagree": Reaction.REDUCE,
    "input_frozen": Reaction.REDUCE,
    "shadow_disagrees": Reaction.ROLL_BACK,
    "break_glass": Reaction.NOTIFY,
    "unapproved_release": Reaction.NOTIFY,  # the gateway gives it neither fence nor order
}
"""By kind of alarm; a kind that is not here is told, and nothing else."""


def reaction_of(kind: str) -> Reaction:
    return POLICY.get(kind, Reaction.NOTIFY)


def strongest(kinds: tuple[str, ...]) -> Reaction:
    """Return what several alarms at once lead to: the safest of their reactions."""
    return max((reaction_of(kind) for kind in kinds), key=_ORDER.index, default=Reaction.NOTIFY)
