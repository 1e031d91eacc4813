"""The plan document: what a reviewer reads, what an operator signs, what `apply` may do.

Content-addressed canonical JSON. It carries when it was made, so that a document, and with it an
approval, serves for one roll only.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from actors.config import FleetConfig, config_id
from actors.rollout.plan import PARAMS_FILE, Plan, params_changes
from actors.rollout.rollout_state import Options
from checkpoints.approvals import (
    PLAN_BYTES_MAX,
    PLANS,
    ReplayFindings,
    Staged,
    digest_of,
    strict,
)
from checkpoints.archive import load_archive
from checkpoints.errors import CheckpointsError, MissingFileError
from checkpoints.records import canonical_json
from checkpoints.release import ReleaseManifest
from checkpoints.release_files import LOCK_FILE
from checkpoints.storage import Storage
from cluster.gate.differences import (
    DependencyChange,
    FileDifference,
    code_difference,
    dependency_difference,
    files_in,
    schema_path,
)
from cluster.gate.errors import GateError

DOCUMENT_VERSION: Final = 1
NOT_COMPARED: Final = frozenset({"made_wire_ms", "commit", "replay", "plan"})
"""What may differ between the signed document and one made now; `plan` is compared by field."""


class ParamsChange(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    before: str
    after: str
    slot: str | None = None
    """None: all slots."""


class PlanDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`to_release`, `to_params`, `staged`, `in_place`: what the gateway reads (`PlanFacts`)."""

    version: int = DOCUMENT_VERSION
    to_release: str
    to_params: tuple[str, ...] = ()
    staged: Staged
    made_wire_ms: int
    commit: str
    config: str
    """Id of the configuration, limits in force included."""
    change_class: str
    plan: Plan
    """Without what passes by itself: next due times and refusals of the moment."""
    options: Options
    code: tuple[FileDifference, ...] = ()
    params: tuple[ParamsChange, ...] = ()
    schema_path: tuple[str, ...] = ()
    dependencies: tuple[DependencyChange, ...] = ()
    replay: ReplayFindings | None = None
    in_place: bool = False


class Extras(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller adds to what the archives say."""

    options: Options
    wire_ms: int
    commit: str
    """Of the working tree now: a release that was committed since its archive was made is clean."""
    replay: ReplayFindings | None = None
    params: tuple[ParamsChange, ...] = ()
    """A parameter update; the release stays."""
    to_params: tuple[str, ...] = ()
    limits: tuple[ParamsChange, ...] = ()
    """Of a live fleet: what the operator approves besides the code."""


def make_document(
    storage: Storage, plan: Plan, config: FleetConfig, extras: Extras
) -> PlanDocument:
    """Extend a plan by all that a reviewer needs. Raises `GateError` if a release is not kept."""
    new = _archive(storage, plan.to_release)
    old = _usual(storage, plan)
    before = {} if old is None else old[1]
    digests = _digests(None if old is None else old[0], new[0])
    is_update = bool(extras.params)
    lock = (before.get(LOCK_FILE, b""), new[1].get(LOCK_FILE, b""))
    return PlanDocument(
        to_release=plan.to_release,
        to_params=extras.to_params,
        staged=_staged(config, plan, is_update=is_update),
        made_wire_ms=extras.wire_ms,
        commit=extras.commit,
        config=config_id(config),
        change_class="parameters" if is_update else plan.change_class,
        plan=msgspec.structs.replace(plan, first_due_ms={}, refusals=()),
        options=extras.options,
        code=code_difference(before, new[1], digests),
        params=extras.params or extras.limits or _params(before, new[1]),
        schema_path=() if old is None else schema_path(*_versions(old[0], new[0])),
        dependencies=() if old is None else dependency_difference(*lock),
        replay=extras.replay,
        in_place=is_update,
    )


def _staged(config: FleetConfig, plan: Plan, *, is_update: bool) -> Staged:
    """Give a new release a fraction; what only sets parameters runs code that has baked."""
    if is_update or plan.change_class == "none" or not plan.from_releases:
        return Staged()
    return staged_by(config)


def staged_by(config: FleetConfig) -> Staged:
    gate = config.gate
    return Staged(size_permille=gate.staged_permille, bake_decisions=gate.staged_decisions)


def _archive(storage: Storage, release: str) -> tuple[ReleaseManifest, dict[str, bytes]]:
    try:
        archive = load_archive(storage, release)
    except CheckpointsError as error:
        raise GateError(
            f"no plan can be made: the stored code of release {release[:12]} is missing or damaged "
            f"({error}); restore `releases` of the storage from a backup"
        ) from error
    return archive.manifest, files_in(archive.data)


def _usual(storage: Storage, plan: Plan) -> tuple[ReleaseManifest, dict[str, bytes]] | None:
    """Return the release that most slots run; None for a fleet that runs nothing yet."""
    runs = plan.from_releases
    if not runs:
        return None
    return _archive(storage, max(runs, key=lambda release: len(runs[release])))


def _digests(
    old: ReleaseManifest | None, new: ReleaseManifest
) -> dict[str, tuple[str | None, str | None]]:
    if old is None:
        return {}  # a first release differs from nothing: its id names every file
    before = {file.path: file.sha256 for file in old.files}
    after = {file.path: file.sha256 for file in new.files}
    return {
        path: (before.get(path), after.get(path))
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    }


def _versions(old: ReleaseManifest, new: ReleaseManifest) -> tuple[int, int]:
    return old.schema_version, new.schema_version


def _params(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[ParamsChange, ...]:
    if PARAMS_FILE not in before or PARAMS_FILE not in after:
        return ()
    changes = params_changes(before[PARAMS_FILE], after[PARAMS_FILE])
    return tuple(ParamsChange(key=key, before=a, after=b) for key, (a, b) in changes.items())


def store_plan(storage: Storage, document: PlanDocument) -> str:
    """Keep the document under its digest and return that."""
    data = canonical_json(document)
    if len(data) > PLAN_BYTES_MAX:
        raise GateError(
            f"the plan has {len(data)} bytes, at most {PLAN_BYTES_MAX} are allowed: roll "
            "out the change "
            "in smaller steps"
        )
    digest = digest_of(data)
    storage.write(f"{PLANS}/{digest}.json", data)
    return digest


def load_plan(storage: Storage, digest: str) -> PlanDocument:
    """Return the document of this digest; raise `GateError` if it is not exactly that."""
    try:
        data = storage.read(f"{PLANS}/{digest}.json")
    except MissingFileError:
        raise GateError(
            f"there is no plan {digest[:12]}; `midstride rolling-update plan` makes one"
        ) from None
    if digest_of(data) != digest:
        raise GateError(
            f"plan {digest[:12]} was altered on disk; `midstride rolling-update plan` "
            "makes a new one"
        )
    document = strict(data, PlanDocument)
    if isinstance(document, str):
        raise GateError(
            f"plan {digest[:12]} was made by another version ({document}); "
            "`midstride rolling-update plan` makes a new one"
        )
    return document


def find_plan(storage: Storage, named: str) -> str:
    """Complete the beginning of a plan's digest; raise `GateError` naming what there is."""
    known = [name.split("/")[-1].removesuffix(".json") for name in storage.names(f"{PLANS}/")]
    found = [digest for digest in known if named and digest.startswith(named)]
    if len(found) == 1:
        return found[0]
    what = "names more than one plan" if found else "names no plan"
    shown = ", ".join(digest[:12] for digest in known[-8:]) or "none"
    raise GateError(
        f"{named!r} {what}; known: {shown}; `midstride rolling-update plan` makes a new one"
    )


def drift(signed: PlanDocument, now: PlanDocument) -> tuple[str, ...]:
    """Say in what the fleet, the tree or the words differ from the plan that was signed."""
    names = [f.name for f in msgspec.structs.fields(PlanDocument) if f.name not in NOT_COMPARED]
    pairs = [(name, getattr(signed, name), getattr(now, name)) for name in names]
    pairs += [
        (f"plan.{f.name}", getattr(signed.plan, f.name), getattr(now.plan, f.name))
        for f in msgspec.structs.fields(Plan)
        if f.name not in NOT_COMPARED
    ]
    return tuple(
        f"{name} changed since the plan was made: {_short(planned)}, now {_short(found)}; "
        "plan again"
        for name, planned, found in pairs
        if planned != found
    )


def _short(value: object) -> str:
    text = value if isinstance(value, str) else canonical_json(value).decode()
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 one line of a terminal
