"""What a detector says of one thing that it looked at."""

import msgspec

from checkpoints.alarms import Severity


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One condition that was looked at: whether it holds, and what to say of it."""

    kind: str
    subject: str
    holds: bool
    grace_ms: int = 0
    """Wire ms for which it must hold before it is said."""
    severity: Severity = Severity.CRITICAL
    action: str
    evidence: dict[str, str]

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.subject}"
