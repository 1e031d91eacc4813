"""Shadow decisions of the rollout under way, held against what its plan declares.

The driver stops a roll whose plan says that nothing may change. Where a plan declares a share of
changed decisions, what its replay found, the shadows of all slots are watched for more than that.
Read in a thread, from the rollout's record and the gate's plans; without a declaration nothing is
judged.
"""

from typing import Final, TypeVar

import msgspec

from actors.detectors.finding import Finding
from actors.detectors.shadow import Declared, ShadowWatch, advance, findings
from checkpoints.approvals import APPLIED, PLANS
from checkpoints.errors import CheckpointsError
from checkpoints.storage import Storage

NOTHING_CHANGES: Final = Declared(decisions=1, changed_max=0)


_View = TypeVar("_View", bound=msgspec.Struct)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed of a slot's shadow report."""

    compared: int
    differing: int


class HandoffView(msgspec.Struct, frozen=True, kw_only=True):
    shadow_report: Report | None = None


class OptionsView(msgspec.Struct, frozen=True, kw_only=True):
    identical: bool = False


class RolloutView(msgspec.Struct, frozen=True, kw_only=True):
    to_release: str
    options: OptionsView
    handoffs: dict[str, HandoffView]


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    plan: str
    to_release: str
    applied_wire_ms: int


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    decisions: int
    expected_changed_max: int


class DocumentView(msgspec.Struct, frozen=True, kw_only=True):
    replay: Replayed | None = None


class Shadows:
    """Remembers what was counted of one rollout. Used by one thread at a time."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._rollout: str | None = None
        self._watch: ShadowWatch | None = None
        self._seen: dict[str, Report] = {}

    def poll(self, rollout: str | None) -> tuple[Finding, ...]:
        """Count what the slots' shadows compared since the last look."""
        if rollout is None:
            self._rollout, self._watch = None, None
            return ()
        state = _read(self._storage, f"rollouts/{rollout}/state.json", RolloutView)
        if state is None:
            return ()
        if rollout != self._rollout:
            self._begin(rollout, state)
        if self._watch is None:
            return ()
        self._watch = advance(self._watch, self._new_comparisons(state))
        return findings(self._watch)

    def _begin(self, rollout: str, state: RolloutView) -> None:
        declared = self._declared(state)
        self._rollout, self._seen = rollout, {}
        self._watch = None
        if declared is not None:
            self._watch = ShadowWatch(release=state.to_release, declared=declared)

    def _declared(self, state: RolloutView) -> Declared | None:
        """Return what the plan that was applied last for this release says."""
        if state.options.identical:
            return NOTHING_CHANGES
        names = self._storage.names(f"{APPLIED}/")
        read = [_read(self._storage, name, Applied) for name in names]
        mine = [one for one in read if one is not None and one.to_release == state.to_release]
        if not mine:
            return None
        last = max(mine, key=lambda one: one.applied_wire_ms)
        document = _read(self._storage, f"{PLANS}/{last.plan}.json", DocumentView)
        if document is None or document.replay is None:
            return None
        replay = document.replay
        return Declared(decisions=replay.decisions, changed_max=replay.expected_changed_max)

    def _new_comparisons(self, state: RolloutView) -> tuple[bool, ...]:
        """Return whether each new comparison differed; all of one look are one observation."""
        found: list[bool] = []
        for slot, handoff in state.handoffs.items():
            report, before = handoff.shadow_report, self._seen.get(slot)
            if report is None:
                continue
            known = before or Report(compared=0, differing=0)
            differing = report.differing - known.differing
            same = report.compared - known.compared - differing
            found += [True] * differing + [False] * same
            self._seen[slot] = report
        return tuple(found)


def _read(storage: Storage, name: str, kind: type[_View]) -> _View | None:
    try:
        return msgspec.json.decode(storage.read(name), type=kind)
    except (CheckpointsError, msgspec.DecodeError, UnicodeDecodeError):
        return None
