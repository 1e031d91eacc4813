"""Which change first turned a decision: it is made again under what the slot ran before.

Each version that bisection asks for decides from the same snapshot, position and memory. Where
release and parameters changed together, the release alone is asked too.
"""

import tempfile
from pathlib import Path
from typing import Final

import msgspec

from checkpoints.archive import load_archive
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.audit.journal_view import JournalView
from cluster.gate.differences import files_in, unified
from cluster.replay.compare import Difference, as_held, first_difference
from cluster.replay.decider import Task
from cluster.replay.errors import GuestError, ReplayError
from cluster.replay.guests import ProcessRooms
from cluster.replay.pool import GuestPool
from cluster.replay.recorded import Recorded, Wanted, read_slot
from cluster.replay.tasks import TaskMaker, read_params
from cluster.replay.versions import Version, same_wish, turning_point, versions_of
from signals.decision import Decision
from signals.market import DAY_MS, day_of

VERSIONS_MAX: Final = 1_024
"""Ten answers find one among so many; older ones are left out, and that is said."""


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    diff: str
    """Unified."""


class ParamChange(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    before: str
    after: str


class Blame(msgspec.Struct, frozen=True, kw_only=True):
    """The change that turned a decision, and the two decisions side by side."""

    slot: str
    due_ms: int
    recorded: Decision
    version: Version
    """That decided."""
    asked: int
    """Versions that decided again."""
    versions: int
    """In the slot's history up to the decision."""
    cut: int
    """Older versions that were left out."""
    before: Version | None
    """The last version that decided otherwise; None: no change in the history turned it."""
    after: Version | None
    otherwise: Decision | None
    """What `before` decides."""
    first_difference: Difference | None
    cause: str
    """``none``, ``code``, ``params``, ``strategy`` or ``code and params``."""
    code: tuple[FileChange, ...]
    params: tuple[ParamChange, ...]
    not_asked: tuple[str, ...]
    """Versions that could not decide, and why; they count as deciding otherwise."""


def blame(view: JournalView, slot: str, due_ms: int, *, exact: bool) -> Blame:
    """Find the change; raise `ReplayError` where there is no such decision or it cannot be made.

    `exact`: a decision is the same only if all of it is, not just the orders that it wants.
    """
    recorded = _recorded(view, slot, due_ms)
    history = _versions(view, slot, recorded)
    with tempfile.TemporaryDirectory(prefix="midstride-blame-") as folder:
        pool = GuestPool(ProcessRooms(LocalStorage(view.storage.root), Path(folder)))
        try:
            return _Search(view, pool, recorded, exact=exact).run(history)
        finally:
            pool.close()


def _recorded(view: JournalView, slot: str, due_ms: int) -> tuple[Recorded, ...]:
    """Return the slot's decisions up to the one asked for, which is the last."""
    for moment_ms in (due_ms, due_ms + DAY_MS):  # the row may be of the next day
        found = read_slot(view, slot, Wanted(slot=slot, day=day_of(moment_ms)), due_ms)
        upto = [one for one in found.decisions if one.due_ms <= due_ms]
        if upto and upto[-1].due_ms == due_ms:
            return tuple(msgspec.structs.replace(one, wanted=one is upto[-1]) for one in upto)
    raise ReplayError(f"{slot} has no decision due at {due_ms} in the journal{view.lost}")


def _versions(view: JournalView, slot: str, recorded: tuple[Recorded, ...]) -> tuple[Version, ...]:
    rows = view.fetch(
        "select due_ms, release, params, strategy from valid where kind = 'decision' "
        "and slot = ? and sequence <= ? and snapshot is not null order by sequence",
        slot,
        recorded[-1].sequence,
    )
    return versions_of((int(due), str(a), str(b), str(c)) for due, a, b, c in rows)


class _Search:
    def __init__(
        self, view: JournalView, pool: GuestPool, recorded: tuple[Recorded, ...], *, exact: bool
    ) -> None:
        self._view = view
        self._pool = pool
        self._recorded = recorded[-1]
        self._exact = exact
        self._answers: dict[tuple[str, str, str], Decision | str] = {}
        maker = TaskMaker(view.storage)
        asked = list(maker.batches(recorded, None, chained=False))
        if not asked:
            why = "; ".join(problem.reason for problem in maker.problems)
            raise ReplayError(why or "the strategy was not asked for this decision")
        self._batch = asked[-1].batch

    def run(self, history: tuple[Version, ...]) -> Blame:
        shown = history[-VERSIONS_MAX:]
        version = shown[-1]
        again = self._decide(version)
        if isinstance(again, str):
            raise ReplayError(f"release {version.release[:12]} cannot decide again: {again}")
        if not self._same(again):
            raise ReplayError(
                f"release {version.release[:12]} does not make the recorded decision again; "
                "`midstride replay` shows what differs"
            )
        place = turning_point(shown, self._agrees)
        before = None if place is None else shown[place - 1]
        after = None if place is None else shown[place]
        otherwise = None if before is None else self._answers.get(before.way)
        decided = otherwise if isinstance(otherwise, Decision) else None
        return Blame(
            slot=self._recorded.slot,
            due_ms=self._recorded.due_ms,
            recorded=self._recorded.fact.decision,
            version=version,
            asked=len(self._answers),
            versions=len(history),
            cut=len(history) - len(shown),
            before=before,
            after=after,
            otherwise=decided,
            first_difference=None if decided is None else self._difference(decided),
            cause=self._cause(before, after),
            code=self._code(before, after),
            params=self._params(before, after),
            not_asked=tuple(
                f"release {way[0][:12]}, parameters {way[1][:12]}: {answer}"
                for way, answer in self._answers.items()
                if isinstance(answer, str)
            ),
        )

    def _agrees(self, version: Version) -> bool:
        made = self._decide(version)
        return isinstance(made, Decision) and self._same(made)

    def _same(self, made: Decision) -> bool:
        recorded = self._recorded.fact.decision
        if self._exact:
            return first_difference(recorded, made) is None
        return same_wish(recorded, made)

    def _difference(self, made: Decision) -> Difference | None:
        return first_difference(self._recorded.fact.decision, made)

    def _decide(self, version: Version) -> Decision | str:
        if version.way not in self._answers:
            self._answers[version.way] = self._ask(version)
        return self._answers[version.way]

    def _ask(self, version: Version) -> Decision | str:
        """Let one version decide; return why it cannot where it cannot."""
        params = read_params(self._view.storage, version.params)
        if isinstance(params, str):
            return f"parameters {version.params[:12]}: {params}"
        guest = self._pool.borrow(version.release)
        if isinstance(guest, str):
            return guest
        batch = msgspec.structs.replace(self._batch, tasks=(self._task(version, params),))
        try:
            (made,) = guest.ask(batch).made
        except GuestError as error:
            guest.close()
            return str(error)
        self._pool.give_back(version.release, guest)
        if made.refused is not None or made.decision is None:
            return made.refused or "no answer"
        decision = msgspec.json.decode(made.decision, type=Decision)
        return as_held(self._recorded.fact.decision, decision)

    def _task(self, version: Version, params: bytes) -> Task:
        (task,) = self._batch.tasks
        task = msgspec.structs.replace(task, params=params)
        if version.strategy == task.strategy:
            return task
        # another strategy has no use for this one's memory: it begins with its own
        return msgspec.structs.replace(
            task, strategy=version.strategy, reset=True, deltas=(), memory_before=None
        )

    def _cause(self, before: Version | None, after: Version | None) -> str:
        if before is None or after is None:
            return "none"
        if before.strategy != after.strategy:
            return "strategy"
        if before.release == after.release:
            return "params"
        if before.params == after.params:
            return "code"
        code_alone = msgspec.structs.replace(before, release=after.release)
        if self._agrees(code_alone):
            return "code"
        params_alone = msgspec.structs.replace(before, params=after.params)
        return "params" if self._agrees(params_alone) else "code and params"

    def _code(self, before: Version | None, after: Version | None) -> tuple[FileChange, ...]:
        if before is None or after is None or before.release == after.release:
            return ()
        try:
            old = files_in(load_archive(self._view.storage, before.release).data)
            new = files_in(load_archive(self._view.storage, after.release).data)
        except CheckpointsError as error:
            return (FileChange(path="(archive)", diff=str(error)),)
        changed = sorted(p for p in old.keys() | new.keys() if old.get(p) != new.get(p))
        order = sorted(changed, key=lambda path: (not path.startswith("signals/"), path))
        return tuple(
            FileChange(path=path, diff=unified(path, old.get(path, b""), new.get(path, b"")))
            for path in order
        )

    def _params(self, before: Version | None, after: Version | None) -> tuple[ParamChange, ...]:
        if before is None or after is None or before.params == after.params:
            return ()
        old, new = (self._flat(version.params) for version in (before, after))
        return tuple(
            ParamChange(key=key, before=old.get(key, "absent"), after=new.get(key, "absent"))
            for key in sorted(old.keys() | new.keys())
            if old.get(key) != new.get(key)
        )

    def _flat(self, identity: str) -> dict[str, str]:
        text = read_params(self._view.storage, identity)
        return {} if isinstance(text, str) else dict(_leaves("", msgspec.json.decode(text)))


def _leaves(prefix: str, value: object) -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        return [(prefix.rstrip("."), msgspec.json.encode(value).decode())]
    return [leaf for key, inner in value.items() for leaf in _leaves(f"{prefix}{key}.", inner)]
