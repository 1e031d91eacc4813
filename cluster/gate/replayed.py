"""What a replay under the new release found, as a reviewer reads it in the plan."""

from typing import Final

from checkpoints.approvals import ReplayFindings
from cluster.replay.result import Differing, Replayed

SHOWN_MAX: Final = 20


def replay_findings(replayed: Replayed, expected_changed_max: int) -> ReplayFindings:
    """Sum up `replay --with NEW`; `expected_changed_max` is the operator's declaration."""
    return ReplayFindings(
        decisions=replayed.made,
        changed=replayed.differing_count,
        expected_changed_max=expected_changed_max,
        not_made=replayed.refused,
        shown=tuple(_line(one) for one in replayed.differing[:SHOWN_MAX]),
    )


def _line(one: Differing) -> str:
    return f"{one.slot} due {one.due_ms}: {one.recorded} -> {one.made}"
