"""What is the same of every alarm of one kind, and what a kind may lead to."""

from enum import StrEnum

import msgspec

from actors.detectors.alarm_names import AlarmName
from checkpoints.severity import Severity


class Reaction(StrEnum):
    OFF = "off"
    """Not even told: a detector that has nothing to say in this fleet."""
    NOTIFY = "notify"
    REDUCE = "reduce"
    """Only orders that lower exposure, fleet-wide, until a person resumes."""
    HALT = "halt"
    ROLL_BACK = "roll_back"
    """Of the named release, to the one that a rollout replaced by it; without one: reduce."""


class AlarmKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of alarm: how grave it is, what it means and what a person does first."""

    kind: AlarmName
    severity: Severity
    worst: Severity | None = None
    """Where it can become graver than that."""
    reaction: Reaction = Reaction.NOTIFY
    """Where the configuration's `[policy]` says nothing else."""
    means: str
    """What happened, and what the fleet did about it."""
    remedy: str
    """What a person does first."""
    watches: str = ""
    """What is compared, and where that matters, with what. Empty: found by who did the work."""
    within: str = ""
    """How soon it is found after the fault begins to act."""
    false_alarms: str = ""
    ends: str = ""
    """What ends the alarm, where that is not a person alone."""

    @property
    def runbook(self) -> str:
        """Where the pages of docs/ say what to do about it."""
        return f"runbook.md#{self.kind}"

    @property
    def advice(self) -> str:
        """What an alarm of this kind says to a person."""
        return f"{self.means} {self.remedy}"
