"""What a detector says of one thing that it looked at."""

import msgspec

from actors.detectors.alarm_names import AlarmName
from actors.detectors.registry import advice_of


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One condition that was looked at: whether it holds, and what to say of it."""

    kind: AlarmName
    subject: str
    holds: bool
    grace_ms: int = 0
    """Wire ms for which it must hold before it is said."""
    action: str = ""
    """Where this case says more than the registry does of its kind."""
    evidence: dict[str, str]

    @property
    def advice(self) -> str:
        """What is said to a person: what happened and what to do."""
        return self.action or advice_of(self.kind)

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.subject}"
