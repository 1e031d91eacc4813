"""The journal against the checkpoints: rows that a checkpoint has, checkpoints that are gone."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from actors.messages import FenceRecord
from checkpoints.checkpoint_store import CHECKPOINTS, DELTAS_KEPT, FULL_KEPT
from checkpoints.codec import Checkpoint, CheckpointKind, decode_checkpoint
from checkpoints.errors import DamagedCheckpointError, MissingFileError, NewerSchemaError
from checkpoints.journal_rows import void_bounds
from checkpoints.storage import LocalStorage
from cluster.audit.problem import Problem, rows_text
from cluster.audit.slot_rows import SlotRows

UNCHECKPOINTED_MAX: Final = 3
"""Checkpoints that may be due and not there: one is taken after a decision, beside the next."""


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of earlier fences beyond this sequence do not count."""

    slot: str
    fence: int
    journal_sequence: int


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The checkpoints of one slot, by sequence; those that an overtaken owner wrote left out."""

    slot: str
    fulls: tuple[Checkpoint, ...] = ()
    deltas: tuple[Checkpoint, ...] = ()
    void: frozenset[int] = frozenset()
    void_outbox: int = 0
    problems: tuple[Problem, ...] = ()


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """The checkpoints of one slot as they are on the disk."""

    intact: tuple[Checkpoint, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_files(storage: LocalStorage, slot: str) -> Files:
    """Read and verify every checkpoint of a slot."""
    found: list[Checkpoint] = []
    problems: list[Problem] = []
    for name in storage.names(f"{CHECKPOINTS}/{slot}/"):
        try:
            one = decode_checkpoint(storage.read(name))
        except (MissingFileError, NewerSchemaError):
            continue  # pruned since it was listed, or of a release that reads more than this one
        except DamagedCheckpointError as error:
            problems.append(Problem(kind="damaged", subject=name, reason=str(error)))
            continue
        if one.meta.slot == slot:
            found.append(one)
        else:
            said = f"it is a checkpoint of {one.meta.slot}"
            problems.append(Problem(kind="damaged", subject=name, reason=said))
    return Files(intact=tuple(found), problems=tuple(problems))


def kept_of(slot: str, files: Files, bounds: Iterable[Any]) -> Kept:
    """Part what counts from what an overtaken owner wrote; `bounds`: fence records or the like."""
    rules = void_bounds(bounds).get(slot, ())
    found: list[Checkpoint] = []
    void: dict[int, int] = {}
    for one in files.intact:
        meta = one.meta
        if any(meta.fence < fence and meta.sequence > last for fence, last in rules):
            void[meta.sequence] = meta.outbox_sequence
        else:
            found.append(one)
    found.sort(key=lambda one: (one.meta.sequence, one.meta.fence))
    return Kept(
        slot=slot,
        fulls=tuple(one for one in found if one.meta.kind is CheckpointKind.FULL),
        deltas=tuple(one for one in found if one.meta.kind is CheckpointKind.DELTA),
        void=frozenset(void),
        void_outbox=max(void.values(), default=0),
        problems=files.problems,
    )


def missing_rows(kept: Kept, rows: SlotRows) -> Iterator[Problem]:
    """Yield rows that a checkpoint has and the journal has not."""
    reached = max((one.meta.sequence for one in kept.fulls), default=0)
    if reached > rows.last:
        said = f"{rows_text(rows.last + 1, reached)}, at its end: a checkpoint has them"
        yield Problem(kind="missing_rows", subject=rows.slot, reason=said)


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What tells of a checkpoint beside the checkpoints."""

    every: int
    """Decisions between two."""
    since: int
    """Decisions after the newest one."""
    acknowledged: int
    """Order events that a checkpoint has: the gateway was told so."""


def missing_checkpoints(kept: Kept, rows: SlotRows, due: Due) -> Iterator[Problem]:
    """Yield checkpoints that were there: named by a later one, by the gateway's log, or due."""
    newest = kept.fulls[-FULL_KEPT:]
    present = {one.meta.sequence for one in kept.fulls} | kept.void
    oldest = newest[0].meta.sequence if newest else 0
    for one in newest:
        before = one.meta.previous_sequence
        if before is not None and before >= oldest and before not in present:
            said = f"of row {before}: the one of row {one.meta.sequence} follows on it"
            yield _gone(rows.slot, said)
    last = newest[-1].meta.sequence if newest else 0
    reached = max((one.meta.outbox_sequence for one in (*kept.fulls, *kept.deltas)), default=0)
    if due.acknowledged > max(reached, kept.void_outbox):
        said = f"after row {last}: one with order event {due.acknowledged} was taken"
        yield _gone(rows.slot, said)
    elif due.since >= UNCHECKPOINTED_MAX * max(1, due.every):
        yield _gone(rows.slot, f"after row {last}: {due.since} decisions were made since")
    elif rows.stopped and last < rows.last:
        yield _gone(rows.slot, f"of row {rows.last}, its ordered stop")


def missing_handoff(kept: Kept, owner: FenceRecord | None) -> Iterator[Problem]:
    """Yield the delta from which the owner began, where nothing can have pruned it yet."""
    if owner is None or owner.checkpoint is None or owner.handoff is None:
        return
    newer = sum(one.meta.sequence > owner.journal_sequence for one in kept.deltas)
    since = sum(one.meta.fence >= owner.fence for one in kept.fulls)
    pruned = newer >= DELTAS_KEPT or since >= FULL_KEPT
    known = {one.digest for one in (*kept.fulls, *kept.deltas)}
    if owner.checkpoint not in known and not pruned and not kept.problems:
        yield _gone(kept.slot, f"{owner.checkpoint[:12]}, from which fence {owner.fence} began")


def _gone(slot: str, reason: str) -> Problem:
    return Problem(kind="missing", subject=f"{slot} checkpoint", reason=reason)
