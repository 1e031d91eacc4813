"""Shadow decisions of the rollout under way, held against what its plan declares.

The driver stops a roll whose plan says that nothing may change. Where a plan declares a share of
changed decisions, what its replay found, the shadows of all slots are watched for more than that.
Read in a thread, from the rollout's record and the gate's plans; without a declaration nothing is
judged.
"""

from typing import Final

from actors.detectors.finding import Finding
from actors.detectors.shadow import Declared, ShadowWatch, advance, findings
from actors.rollout.handoff_messages import ShadowReport
from actors.rollout.record import read_state
from actors.rollout.rollout_state import Rollout
from checkpoints.approvals import last_declared
from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage

NOTHING_CHANGES: Final = Declared(decisions=1, changed_max=0)


class Shadows:
    """Remembers what was counted of one rollout. Used by one thread at a time."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._rollout: str | None = None
        self._watch: ShadowWatch | None = None
        self._seen: dict[str, tuple[int, int]] = {}
        """Slot -> how many decisions were compared and how many differed, as last read."""

    def poll(self, rollout: str | None) -> tuple[Finding, ...]:
        """Count what the slots' shadows compared since the last look."""
        if rollout is None:
            self._rollout, self._watch = None, None
            return ()
        state = _state_of(self._storage, rollout)
        if state is None:
            return ()
        if rollout != self._rollout:
            self._begin(rollout, state)
        if self._watch is None:
            return ()
        self._watch = advance(self._watch, self._new_comparisons(state))
        return findings(self._watch)

    def _begin(self, rollout: str, state: Rollout) -> None:
        declared = self._declared(state)
        self._rollout, self._seen = rollout, {}
        self._watch = None
        if declared is not None:
            self._watch = ShadowWatch(release=state.to_release, declared=declared)

    def _declared(self, state: Rollout) -> Declared | None:
        """Return what the plan that was applied last for this release says."""
        if state.options.identical:
            return NOTHING_CHANGES
        replay = last_declared(self._storage, state.to_release)
        if replay is None:
            return None
        return Declared(decisions=replay.decisions, changed_max=replay.expected_changed_max)

    def _new_comparisons(self, state: Rollout) -> tuple[bool, ...]:
        """Return whether each new comparison differed; all of one look are one observation."""
        found: list[bool] = []
        for slot, handoff in state.handoffs.items():
            if handoff.shadow_report is not None:
                found += self._new_of(slot, handoff.shadow_report)
        return tuple(found)

    def _new_of(self, slot: str, report: ShadowReport) -> list[bool]:
        compared, differed = self._seen.get(slot, (0, 0))
        self._seen[slot] = (report.compared, report.differing)
        differing = report.differing - differed
        return [True] * differing + [False] * (report.compared - compared - differing)


def _state_of(storage: Storage, rollout: str) -> Rollout | None:
    try:
        return read_state(storage, rollout)
    except CheckpointsError:
        return None
