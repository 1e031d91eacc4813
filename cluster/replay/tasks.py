"""From an asset's recorded decisions to the batches that a guest is asked, bounded in size."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from checkpoints.arrow_file import digest_of
from checkpoints.errors import CheckpointsError
from checkpoints.journal_rows import STRATEGY_ERROR
from checkpoints.snapshots import SnapshotStore
from checkpoints.storage import Storage
from cluster.audit.problem import Problem
from cluster.replay.decider import Batch, Delta, Task
from cluster.replay.recorded import Recorded, delta_of
from signals.market import day_of

BATCH_TASKS: Final = 32
"""At about 100 KB a snapshot a batch is a few megabytes."""
BLOCKED: Final = f"{STRATEGY_ERROR}: blocked"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A batch, and the recorded decisions behind its tasks, in the same order."""

    batch: Batch
    recorded: tuple[Recorded, ...]


class TaskMaker:
    """Makes the batches of one asset for one guest; afterwards says what was left out."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._snapshots = SnapshotStore(storage)
        self._params: dict[str, bytes | str] = {}
        """By id: the stored JSON, or why there is none."""
        self._pending: dict[str, list[Delta]] = {}
        self._reset: dict[str, bool] = {}
        self.without_strategy = 0
        self.problems: list[Problem] = []

    def batches(
        self, history: Iterable[Recorded], release: str | None, *, chained: bool
    ) -> Iterator[Asked]:
        """Yield the wanted decisions of a release (None: of all), in order.

        Others only move the memory.
        """
        recorded: list[Recorded] = []
        tasks: list[Task] = []
        snapshots: dict[str, bytes] = {}
        begin = True
        for one in history:
            if one.reset:
                self._pending[one.slot] = []
                self._reset[one.slot] = True
            if one.wanted and release in (None, one.release):
                task = self._task(one, snapshots)
                if task is not None:
                    recorded.append(one)
                    tasks.append(task)
            self._pending.setdefault(one.slot, []).append(delta_of(one.fact))
            if len(tasks) == BATCH_TASKS:
                yield _asked(recorded, tasks, snapshots, begin=begin, chained=chained)
                recorded, tasks, snapshots, begin = [], [], {}, False
        if tasks:
            yield _asked(recorded, tasks, snapshots, begin=begin, chained=chained)

    def _task(self, one: Recorded, snapshots: dict[str, bytes]) -> Task | None:
        fact = one.fact
        if fact.snapshot is None or fact.decision.reason.startswith(BLOCKED):
            self.without_strategy += 1
            return None
        params = self._read_params(fact.params)
        if isinstance(params, str):
            self._refuse(one, f"parameters {fact.params}", params)
            return None
        if fact.snapshot not in snapshots:
            try:
                found = self._snapshots.get(fact.snapshot, day_of(fact.due_ms))
            except CheckpointsError as error:
                self._refuse(one, f"snapshot {fact.snapshot}", str(error))
                return None
            snapshots[fact.snapshot] = found
        return Task(
            slot=one.slot,
            sequence=one.sequence,
            timeframe=str(fact.timeframe),
            strategy=fact.strategy,
            params=params,
            snapshot=fact.snapshot,
            position=msgspec.json.encode(fact.position),
            window_open_ms=fact.window_open_ms,
            reset=self._reset.pop(one.slot, False),
            deltas=tuple(self._pending.pop(one.slot, [])),
            memory_before=one.memory_before,
        )

    def _refuse(self, one: Recorded, subject: str, reason: str) -> None:
        where = f"{one.slot} row {one.sequence} cannot be made again: {reason}"
        self.problems.append(Problem(kind=_kind(reason), subject=subject, reason=where))

    def _read_params(self, identity: str) -> bytes | str:
        if identity not in self._params:
            self._params[identity] = read_params(self._storage, identity)
        return self._params[identity]


def read_params(storage: Storage, identity: str) -> bytes | str:
    """Return the stored JSON that a parameter id stands for, or why it cannot be used."""
    try:
        text = storage.read(f"params/{identity}.json")
        values = msgspec.json.encode(msgspec.json.decode(text), order="sorted")
    except (CheckpointsError, msgspec.DecodeError, UnicodeDecodeError) as error:
        return str(error)
    return text if digest_of(values) == identity else "its content has another id"


def _kind(reason: str) -> str:
    return "missing" if "not in the storage" in reason or "not stored" in reason else "altered"


def _asked(
    recorded: list[Recorded],
    tasks: list[Task],
    snapshots: dict[str, bytes],
    *,
    begin: bool,
    chained: bool,
) -> Asked:
    batch = Batch(tasks=tuple(tasks), snapshots=snapshots, begin=begin, chained=chained)
    return Asked(batch=batch, recorded=tuple(recorded))
