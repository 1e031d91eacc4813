"""Add up what the jobs found, release by release."""

from typing import Final

import msgspec

from checkpoints.archive import commit_of, load_manifest
from checkpoints.errors import CheckpointsError
from cluster.audit.journal_view import JournalView
from cluster.audit.problem import Problem
from cluster.replay.asset import AssetResult, Differs
from cluster.replay.paid import Payer
from cluster.replay.pool import GuestPool
from cluster.replay.result import Differing, ReleaseReplay, Replayed
from signals.decision import Decision

DIFFERING_MAX: Final = 500
PROBLEMS_MAX: Final = 500


class Count(msgspec.Struct, kw_only=True):
    decisions: int = 0
    made: int = 0
    identical: int = 0
    without_strategy: int = 0
    refused: int = 0
    decide_seconds: float = 0.0


class Totals:
    """Not to be used by two threads at once."""

    def __init__(self, view: JournalView, pool: GuestPool, with_release: str | None) -> None:
        self.view = view
        self.pool = pool
        self.with_release = with_release
        self.counts: dict[str, Count] = {}
        """By the release whose decisions they are, or the one that was asked instead."""
        self.differing: list[Differs] = []
        self.problems: list[Problem] = []
        self.expected = 0
        """Wanted rows; those that cannot be read never become a job."""
        self.day: str | None = None
        """The only one that was asked about."""

    def problem(self, problem: Problem) -> None:
        if problem not in self.problems and len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)

    def may_miss_rows(self) -> bool:
        """Say whether a damaged file may have held decisions that were asked about."""
        return any(self.day is None or self.day in one.name for one in self.view.damaged)

    def add(self, result: AssetResult) -> None:
        count = self.counts.setdefault(result.job.with_release, Count())
        for name in Count.__struct_fields__:
            setattr(count, name, getattr(count, name) + getattr(result, name))
        self.differing += result.differing
        for problem in result.problems:
            self.problem(problem)

    def archived_fingerprint(self, release: str) -> str | None:
        try:
            return load_manifest(self.view.storage, release).fingerprint
        except CheckpointsError:
            return None

    def commit(self, release: str) -> str:
        return commit_of(self.view.storage, release)


def total_of(totals: Totals, seconds: float, processes: int) -> Replayed:
    for release, reason in totals.pool.failures.items():
        totals.problem(Problem(kind="release", subject=f"release {release}", reason=reason))
    whole = Count()
    for count in totals.counts.values():
        for name in Count.__struct_fields__:
            setattr(whole, name, getattr(whole, name) + getattr(count, name))
    unreadable = max(0, totals.expected - whole.decisions)
    whole.decisions += unreadable
    whole.refused += unreadable
    releases = tuple(_release(totals, name) for name in sorted(totals.counts))
    payer = Payer(totals.view)
    totals.differing.sort(key=lambda one: (one.recorded.due_ms, one.recorded.slot))
    compared = whole.made + whole.without_strategy
    decide_seconds = whole.decide_seconds
    return Replayed(
        ran_in=totals.pool.kind,
        with_release=totals.with_release,
        decisions=whole.decisions,
        made=whole.made,
        identical=whole.identical,
        without_strategy=whole.without_strategy,
        refused=whole.refused,
        identical_share=whole.identical / whole.made if whole.made else None,
        all_identical=whole.identical == whole.made
        and compared == whole.decisions
        and not totals.may_miss_rows(),
        seconds=seconds,
        decisions_per_second=whole.made / seconds if seconds else 0.0,
        decisions_per_second_per_process=whole.made / decide_seconds if decide_seconds else 0.0,
        processes=processes,
        releases=releases,
        differing_count=len(totals.differing),
        differing=tuple(_differing(one, payer) for one in totals.differing[:DIFFERING_MAX]),
        suspect=_suspect(releases, whole),
        problems=(*totals.view.problems(), *totals.problems),
    )


def _release(totals: Totals, release: str) -> ReleaseReplay:
    ready = totals.pool.ready.get(release)
    count = totals.counts[release]
    return ReleaseReplay(
        release=release,
        commit=totals.commit(release),
        decisions=count.decisions,
        made=count.made,
        identical=count.identical,
        without_strategy=count.without_strategy,
        refused=count.refused,
        start_seconds=ready.start_seconds if ready else 0.0,
        decide_seconds=count.decide_seconds,
        fingerprint=ready.fingerprint if ready else None,
        archived_fingerprint=totals.archived_fingerprint(release),
    )


def _differing(one: Differs, payer: Payer) -> Differing:
    recorded = one.recorded
    winner = payer.winner(recorded)
    return Differing(
        slot=recorded.slot,
        sequence=recorded.sequence,
        due_ms=recorded.due_ms,
        release=recorded.release,
        difference=one.difference,
        recorded=_decision_text(recorded.fact.decision),
        made=_decision_text(one.made),
        winner=None if winner is None else str(winner),
        recorded_pnl_micro_usd=payer.paid(recorded, recorded.fact.decision, winner),
        made_pnl_micro_usd=payer.paid(recorded, one.made, winner),
    )


def _decision_text(decision: Decision) -> str:
    legs = ", ".join(
        f"{leg.side} {leg.shares / 1e6:g} {leg.outcome} at {leg.price / 1e6:g} ({leg.style})"
        for leg in decision.legs
    )
    return f"{decision.action}: {decision.reason}" + (f" [{legs}]" if legs else "")


def _suspect(releases: tuple[ReleaseReplay, ...], whole: Count) -> str | None:
    """Name another platform where decisions differ on one: floats are equal only within it."""
    if whole.identical == whole.made:
        return None
    for one in releases:
        if one.fingerprint_differs:
            return (
                f"platform: release {one.release[:12]} was archived on {one.archived_fingerprint}, "
                f"this is {one.fingerprint}; decisions are equal bit for bit only within one"
            )
    return None
