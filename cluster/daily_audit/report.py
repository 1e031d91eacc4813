"""What one daily audit found: a line for each check, the day's figures, and whether all is well."""

from enum import StrEnum
from typing import Final

import msgspec

FOUND_MAX: Final = 50
"""Findings kept of one check; `found_count` counts all."""
FOUND_CHARACTERS_MAX: Final = 500
"""Of one finding: a reason may quote a file."""


class CheckState(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_POSSIBLE = "not possible"
    """It could not be looked at, so nobody knows: as bad as a failure."""
    NOTHING = "nothing to check"
    """There was nothing of the kind on that day."""

    @property
    def good(self) -> bool:
        return self in {CheckState.PASSED, CheckState.NOTHING}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the audit."""

    name: str
    state: CheckState
    text: str
    """What was compared, or why it was not, in a sentence."""
    found: tuple[str, ...] = ()
    """The first `FOUND_MAX` findings."""
    found_count: int = 0
    seconds: float = 0.0


class DayFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What the fleet did on the day, by its journal."""

    decisions: int = 0
    missed: int = 0
    """Decision points that passed undecided, each with a row that says why."""
    skipped: int = 0
    """The same inside an ordered stop."""
    slots: int = 0
    """That decided."""
    late_wire_ms_p99: int = 0
    """Real time from the decision point to the decision's row."""
    orders: int = 0
    """That the venue took."""
    fills: int = 0
    """Not reversed."""
    settled: int = 0
    """Trades that were settled on the day."""
    won: int = 0
    fee_micro_usd: int = 0
    pnl_micro_usd: int = 0
    """Of the trades that were settled on the day, after fees."""
    releases: tuple[str, ...] = ()
    """That decided."""


class DayAudit(msgspec.Struct, frozen=True, kw_only=True):
    """One audit of one day."""

    day: str
    """UTC day of market time."""
    well: bool
    """Every check passed or had nothing to check."""
    over: bool
    """The day was over when it was audited; else this is no audit of the day."""
    mode: str
    began_wire_ms: int
    ended_wire_ms: int
    checks: tuple[Check, ...]
    figures: DayFigures
    memory_bytes_max: int = 0
    """Of the audit's own process."""
    scheduled: bool = False
    """Made by the fleet itself, not by a person's command."""

    @property
    def wrong(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.state.good)


def check_of(
    name: str, state: CheckState, text: str, found: tuple[str, ...] = (), count: int | None = None
) -> Check:
    """Make a check; findings beyond the limits are counted, not kept."""
    kept = tuple(one[:FOUND_CHARACTERS_MAX] for one in found[:FOUND_MAX])
    total = len(found) if count is None else count
    return Check(name=name, state=state, text=text, found=kept, found_count=total)
