"""Did what was deployed ever decide? A release, its parameters, its signal. Exact, pure.

Merged and tested code that never ran because an earlier check stopped the flow; a learner that
wrote parameters the engine did not read for 36 hours. Latency: `POINTS_MAX` decision points.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from actors.detectors.finding import Finding

POINTS_MAX: Final = 2
"""Decision points whose deadline has passed since the change: one may fall into the change."""
SILENT_MAX: Final = 6
"""Complete snapshots in a row without a probability: half an hour of a slot."""


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """What should decide in a slot since a moment."""

    slot: str
    release: str
    params: str | None
    """None: what they should be is not known, and nothing is said of them."""
    since_ms: int
    """Market time at which the release came."""
    params_since_ms: int = 0
    """Market time at which the parameters came, if that was later."""
    speaks: bool = True  # a fact of the slot's past, not a switch
    """A decision of this slot once had a probability: its signal forms one."""


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """One decision row that counts."""

    slot: str
    release: str
    params: str
    due_ms: int
    complete: bool
    """Its snapshot had every input fresh."""
    has_probability: bool


def judge(
    deployed: Deployed, decided: Iterable[Decided], passed_due_ms: tuple[int, ...]
) -> tuple[Finding, ...]:
    """Look at one slot. `passed_due_ms`: its decision points whose deadline has passed."""
    owed = sum(due_ms > deployed.since_ms for due_ms in passed_due_ms)
    params_ms = max(deployed.since_ms, deployed.params_since_ms)
    owed_params = sum(due_ms > params_ms for due_ms in passed_due_ms)
    rows = sorted(
        (row for row in decided if row.slot == deployed.slot and row.due_ms > deployed.since_ms),
        key=lambda row: row.due_ms,
    )
    by_release = [row for row in rows if row.release == deployed.release]
    with_params = [row for row in by_release if row.due_ms > params_ms]
    read = any(row.params == deployed.params for row in with_params)
    late = owed_params >= POINTS_MAX
    evidence = {
        "release": deployed.release[:12],
        "params": (deployed.params or "-")[:12],
        "points_passed": str(owed),
        "decided": str(len(rows)),
    }
    return (
        Finding(
            kind="release_never_decided",
            subject=deployed.slot,
            holds=owed >= POINTS_MAX and not by_release,
            evidence=evidence,
        ),
        Finding(
            kind="params_never_read",
            subject=deployed.slot,
            holds=deployed.params is not None and bool(with_params) and not read and late,
            evidence={**evidence, "in_force": with_params[-1].params[:12] if with_params else "-"},
        ),
        Finding(
            kind="signal_never_ran",
            subject=deployed.slot,
            holds=deployed.speaks and _silent(by_release) >= SILENT_MAX,
            evidence={**evidence, "silent": str(_silent(by_release))},
        ),
    )


def _silent(rows: list[Decided]) -> int:
    """Count the latest decisions in a row that had complete inputs and formed no probability."""
    count = 0
    for row in reversed(rows):
        if row.has_probability:
            break
        count += row.complete
    return count
