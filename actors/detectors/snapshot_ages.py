"""Whether the snapshots that the slots decided on say the true age of what is in them. Pure."""

from typing import Final

import msgspec

from actors.detectors.finding import Finding
from signals.risk_gate import understated_age
from signals.snapshot import Snapshot

CYCLES: Final = 2
"""In a row: one may have been made while a clock was set."""
KIND: Final = "snapshot_ages_untrue"
SUBJECT: Final = "market-data"


class AgesWatch(msgspec.Struct, frozen=True, kw_only=True):
    untrue: int = 0
    """Cycles in a row with a snapshot that understates an age."""
    newest: dict[str, str] = {}
    """Asset to what its snapshot says, of the newest such cycle."""


def advance(watch: AgesWatch, cycle: tuple[Snapshot, ...]) -> AgesWatch:
    """Take the snapshots of one cycle, one of each asset."""
    found = {str(one.asset): text for one in cycle if (text := understated_age(one)) is not None}
    if not cycle:
        return watch
    return AgesWatch(untrue=watch.untrue + 1 if found else 0, newest=found)


def findings(watch: AgesWatch) -> tuple[Finding, ...]:
    holds = watch.untrue >= CYCLES
    return (Finding(kind=KIND, subject=SUBJECT, holds=holds, evidence=watch.newest),)
