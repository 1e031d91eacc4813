"""Files that the record names: snapshots of decisions, archives of releases, parameters by id."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from checkpoints.archive import load_archive
from checkpoints.arrow_file import digest_of
from checkpoints.errors import CheckpointsError, DamagedSnapshotError, MissingFileError
from checkpoints.snapshots import SNAPSHOTS, SnapshotStore, maker_of
from checkpoints.storage import LocalStorage
from cluster.audit.problem import Problem, point_text
from signals.market import day_of

HASHED_MAX: Final = 2_000
"""Newest snapshots whose bytes are verified for a table: a second. `audit check` verifies all."""
NAMED_MAX: Final = 20
"""Files of one kind that are named one by one; then it says how many more."""
_SNAPSHOTS: Final = """
select snapshot, min(due_ms), min(slot) from valid
where kind = 'decision' and snapshot is not null and due_ms >= ? group by snapshot order by 2
"""
_RELEASES: Final = """
select release from valid union select gateway_release from valid
union select opened_release from valid
"""


class Snapshots:
    """What became of the snapshots that decisions name."""

    def __init__(self) -> None:
        self.named = 0
        self.hashed = 0
        self.makers: set[str] = set()
        self.problems: list[Problem] = []


def check_snapshots(view: Any, since_ms: int, hashed_max: int | None) -> Snapshots:
    """Look for each one by name, and verify the newest; `hashed_max` None: all."""
    found = Snapshots()
    rows = view.fetch(_SNAPSHOTS, since_ms)
    found.named = len(rows)
    kept = {digest for day in _days(rows) for digest in _stored(view.storage, day)}
    lost = [row for row in rows if row[0] not in kept]
    found.problems += _lost(lost, len(rows))
    present = [row for row in rows if row[0] in kept]
    chosen = present if hashed_max is None else present[-hashed_max:]
    for digest, due_ms, slot in chosen:
        found.hashed += 1
        try:
            data = SnapshotStore(view.storage).get(digest, day_of(due_ms))
            maker = maker_of(data)
        except MissingFileError:
            continue  # pruned since it was listed
        except (CheckpointsError, DamagedSnapshotError) as error:
            subject = f"{slot} snapshot {digest}"
            found.problems.append(Problem(kind="damaged", subject=subject, reason=str(error)))
            continue
        if maker:
            found.makers.add(maker)
    return found


def _days(rows: Iterable[tuple[Any, ...]]) -> list[str]:
    return sorted({day_of(due_ms) for _, due_ms, _ in rows})


def _stored(storage: LocalStorage, day: str) -> Iterator[str]:
    for name in storage.names(f"{SNAPSHOTS}/{day}/"):
        yield name.rpartition("/")[2].partition(".")[0]


def _lost(lost: list[tuple[Any, ...]], named: int) -> Iterator[Problem]:
    if len(lost) > NAMED_MAX:
        said = (
            f"{len(lost)} of {named} that decisions name are not stored, of "
            f"decision points {point_text(lost[0][1])} to {point_text(lost[-1][1])}"
        )
        yield Problem(kind="missing", subject="snapshots", reason=said)
        return
    for digest, due_ms, slot in lost:
        said = f"not stored; the decision of {slot} at {point_text(due_ms)} was made from it"
        yield Problem(kind="missing", subject=f"snapshot {digest}", reason=said)


def named_releases(view: Any) -> set[str]:
    """Return every release that a row names; one without an id was not attested."""
    return {name for (name,) in view.fetch(_RELEASES) if name}


def check_releases(storage: LocalStorage, releases: Iterable[str]) -> Iterator[Problem]:
    """Verify the archive of each release that had a hand in the record, file by file."""
    for release in sorted(releases):
        try:
            load_archive(storage, release)
        except MissingFileError as error:
            yield Problem(kind="missing", subject=f"release {release}", reason=str(error))
        except CheckpointsError as error:
            yield Problem(kind="damaged", subject=f"release {release}", reason=str(error))


def check_params(view: Any) -> tuple[int, list[Problem]]:
    """Verify that each parameter id of the record still stands for its values."""
    ids = sorted(name for (name,) in view.fetch("select distinct params from valid") if name)
    found: list[Problem] = []
    for name in ids:
        subject = f"parameters {name}"
        try:
            data = view.storage.read(f"params/{name}.json")
        except CheckpointsError as error:
            found.append(Problem(kind="missing", subject=subject, reason=str(error)))
            continue
        if not _is_named(data, name):
            said = "the file's bytes are not those that the id names"
            found.append(Problem(kind="damaged", subject=subject, reason=said))
    return len(ids), found


def _is_named(data: bytes, name: str) -> bool:
    """An id is the digest of the canonical JSON, whatever fields a release had."""
    try:
        values = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return digest_of(msgspec.json.encode(values, order="sorted")) == name
