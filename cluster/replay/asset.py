"""One asset's recorded decisions, asked of one release, answer by answer."""

from collections.abc import Callable
from typing import Final

import msgspec

from checkpoints.storage import Storage
from cluster.audit.problem import Problem
from cluster.replay.compare import Difference, as_held, first_difference
from cluster.replay.decider import Made
from cluster.replay.errors import GuestError
from cluster.replay.pool import GuestPool
from cluster.replay.recorded import Recorded
from cluster.replay.tasks import TaskMaker
from signals.decision import Decision

MEMORY: Final = "memory"


class AssetJob(msgspec.Struct, frozen=True, kw_only=True):
    asset: str
    release: str | None
    """Whose recorded decisions; None: all wanted ones."""
    with_release: str
    history: tuple[Recorded, ...]

    @property
    def chained(self) -> bool:
        return self.release is None


class Differs(msgspec.Struct, frozen=True, kw_only=True):
    recorded: Recorded
    made: Decision
    difference: Difference


class AssetResult(msgspec.Struct, kw_only=True):
    """Counts of one job; `decisions` = made + without_strategy + refused."""

    job: AssetJob
    decisions: int = 0
    made: int = 0
    identical: int = 0
    without_strategy: int = 0
    refused: int = 0
    decide_seconds: float = 0.0
    differing: list[Differs] = []
    problems: list[Problem] = []


class AssetWork:
    """Runs jobs; safe to be used by one thread at a time."""

    def __init__(self, storage: Storage, pool: GuestPool, step: Callable[[int], None]) -> None:
        """`step` is told of decisions that are done."""
        self._storage = storage
        self._pool = pool
        self._step = step

    def run(self, job: AssetJob) -> AssetResult:
        """Never raises for what a storage or a release can do wrong: it is in the result."""
        result = AssetResult(job=job)
        chosen = [one for one in job.history if one.wanted and _of(job, one)]
        result.decisions = len(chosen)
        guest = self._pool.borrow(job.with_release)
        if isinstance(guest, str):
            result.refused = len(chosen)
            self._step(len(chosen))
            return result
        maker = TaskMaker(self._storage)
        try:
            for asked in maker.batches(job.history, job.release, chained=job.chained):
                answers = guest.ask(asked.batch)
                result.decide_seconds += answers.seconds
                for recorded, made in zip(asked.recorded, answers.made, strict=True):
                    _judge(result, recorded, made)
                self._step(len(asked.recorded))
        except GuestError as error:
            guest.close()
            result.problems.append(
                Problem(kind="altered", subject=f"release {job.with_release}", reason=str(error))
            )
        else:
            self._pool.give_back(job.with_release, guest)
        result.without_strategy = maker.without_strategy
        result.problems += maker.problems
        result.refused = len(chosen) - result.made - result.without_strategy
        return result


def _of(job: AssetJob, one: Recorded) -> bool:
    return job.release in (None, one.release)


def _judge(result: AssetResult, recorded: Recorded, made: Made) -> None:
    if made.refused is not None or made.decision is None:
        where = f"{recorded.slot} row {recorded.sequence}"
        reason = made.refused or "no answer"
        result.problems.append(Problem(kind="refused", subject=where, reason=reason))
        return
    result.made += 1
    fact = recorded.fact
    decision = as_held(fact.decision, msgspec.json.decode(made.decision, type=Decision))
    difference = first_difference(fact.decision, decision)
    if difference is None and not result.job.chained:
        difference = _memory_difference(recorded, made)
    if difference is None:
        result.identical += 1
    else:
        result.differing.append(Differs(recorded=recorded, made=decision, difference=difference))


def _memory_difference(recorded: Recorded, made: Made) -> Difference | None:
    expected = recorded.fact.memory_hash
    if expected is None or expected == made.memory_hash:
        return None
    return Difference(field=MEMORY, recorded=expected, made=made.memory_hash or "")
