"""What a rolling update would change, said before anything is touched."""

import tomllib
from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from actors.messages import FenceRecord
from actors.rollout.installed import not_installed
from actors.rollout.message_versions import message_refusals, messages_of
from actors.rollout.schedule import Schedule
from checkpoints.alarms import AlarmStore
from checkpoints.archive import load_archive
from checkpoints.errors import CheckpointsError
from checkpoints.release import ReleaseManifest
from checkpoints.release_files import LOCK_FILE
from checkpoints.severity import Severity
from checkpoints.storage import Storage

KINDS_SHOWN: Final = 5
LACKS_SHOWN: Final = 3
PARAMS_FILE: Final = "signals/params.toml"
TRADING_CORE: Final = ("actors/", "checkpoints/", "cluster/")


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    change: str
    """``added``, ``removed`` or ``changed``."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    to_release: str
    commit: str
    from_releases: dict[str, tuple[str, ...]]
    """Release that runs now -> its slots."""
    files: tuple[FileChange, ...]
    """Against the release that most slots run."""
    change_class: str
    """``none``, ``parameters``, ``signal`` or ``trading core``."""
    schema: str
    dependencies: str
    order: tuple[str, ...]
    first_due_ms: dict[str, int]
    """Next decision of each slot (market time): the earliest it can confirm the new release."""
    stays: tuple[str, ...]
    """Shared actors that keep their release."""
    refusals: tuple[str, ...]
    """Empty: `apply` would start."""
    replaces: tuple[str, ...] = ()
    """Shared actors that get a successor: `--all`."""
    config_file: str = ""
    """What was compared with the configuration that the fleet was started with."""
    config_with_roll: tuple[str, ...] = ()
    """What of its changes comes with this roll, one line each."""
    config_with_restart: tuple[str, ...] = ()
    """What of them needs a restart of the fleet."""
    not_installed: tuple[str, ...] = ()
    """What a changed lock names and the fleet's environment has not, one line each."""


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the actors that all slots share."""

    stays: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    """That the shared actors run now."""


def changes_nothing(plan: Plan) -> bool:
    """Say whether every slot asked for runs the release already, and nothing else is replaced."""
    running = plan.from_releases.get(plan.to_release, ())
    return bool(plan.order) and set(plan.order) <= set(running) and not plan.replaces


def file_changes(old: ReleaseManifest, new: ReleaseManifest) -> tuple[FileChange, ...]:
    before = {file.path: file.sha256 for file in old.files}
    after = {file.path: file.sha256 for file in new.files}
    changes = [
        FileChange(path=path, change=_change(before.get(path), after.get(path)))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]
    return tuple(changes)


def _change(before: str | None, after: str | None) -> str:
    if before is None:
        return "added"
    return "removed" if after is None else "changed"


def change_class(files: Iterable[FileChange]) -> str:
    """Name the deepest layer that a change reaches: how carefully it should be watched."""
    paths = [file.path for file in files]
    if not paths:
        return "none"
    if any(path.startswith(TRADING_CORE) or path == LOCK_FILE for path in paths):
        return "trading core"
    return "parameters" if paths == [PARAMS_FILE] else "signal"


def make_plan(
    storage: Storage,
    new: ReleaseManifest,
    owners: tuple[FenceRecord, ...],
    schedule: Schedule,
    market_ms: int,
    order: tuple[str, ...],
    shared: Shared,
) -> Plan:
    """Compare the new release with what runs; refusals say what keeps `apply` from starting."""
    by_release: dict[str, list[str]] = {}
    for owner in owners:
        by_release.setdefault(owner.release, []).append(owner.slot)
    usual = max(by_release, key=lambda release: len(by_release[release]), default="")
    old = _archived(storage, usual)
    files = () if old is None else file_changes(old, new)
    lacks = not_installed(storage, new.release) if _lock_changed(files) else ()
    return Plan(
        to_release=new.release,
        commit=new.commit,
        from_releases={release: tuple(slots) for release, slots in sorted(by_release.items())},
        files=files,
        change_class=change_class(files),
        schema=_schema(old, new),
        dependencies=_dependencies(files, lacks),
        order=order,
        first_due_ms={slot: schedule.next_due(slot, market_ms)[0].due_ms for slot in order},
        stays=shared.stays,
        refusals=(*_refusals(storage, new, old, owners, order, shared), *_lock_refusals(lacks)),
        replaces=shared.replaces,
        not_installed=lacks,
    )


def _archived(storage: Storage, release: str) -> ReleaseManifest | None:
    try:
        return load_archive(storage, release).manifest
    except CheckpointsError:
        return None


def _lock_changed(files: Iterable[FileChange]) -> bool:
    return any(file.path == LOCK_FILE for file in files)


def _dependencies(files: Iterable[FileChange], lacks: tuple[str, ...]) -> str:
    if not _lock_changed(files):
        return "unchanged"
    if lacks:
        return "requirements.lock changed"
    return "requirements.lock changed; this fleet's environment has every version that it names"


def _lock_refusals(lacks: tuple[str, ...]) -> Iterable[str]:
    """A running fleet stays in its environment; a start from the tree makes the new one."""
    if lacks:
        yield (
            f"{_named(lacks)}. A running fleet stays in its environment: `midstride "
            "stop`, `midstride run` "
            "in this tree (it prepares the new environment), then `midstride update` again"
        )


def _named(lacks: tuple[str, ...]) -> str:
    more = f" and {len(lacks) - LACKS_SHOWN} more" if len(lacks) > LACKS_SHOWN else ""
    return f"requirements.lock names {', '.join(lacks[:LACKS_SHOWN])}{more}"


def _schema(old: ReleaseManifest | None, new: ReleaseManifest) -> str:
    if old is None or old.schema_version == new.schema_version:
        return f"slot state version {new.schema_version}, unchanged"
    return f"slot state version {old.schema_version} -> {new.schema_version}"


def _refusals(
    storage: Storage,
    new: ReleaseManifest,
    old: ReleaseManifest | None,
    owners: tuple[FenceRecord, ...],
    order: tuple[str, ...],
    shared: Shared,
) -> Iterable[str]:
    if not owners:
        yield "no slot runs: start the fleet first (`midstride run`)"
    if owners and old is None:
        yield (
            "the code of the running release is not in the storage, so there would be no way "
            "back: `midstride stop`, then `midstride run`"
        )
    owned = {owner.slot for owner in owners}
    for slot in order:
        if slot not in owned:
            yield f"{slot} runs nothing at present: wait until the supervisor has started it again"
    same = all(owner.release == new.release for owner in owners if owner.slot in order)
    if owners and same and not shared.replaces:
        yield f"all asked slots run {new.release[:12]} already"
    running = (messages_of(storage, release) for release in shared.releases)
    yield from message_refusals(messages_of(storage, new.release), running)


def way_back_refusals(plan: Plan, wanted: tuple[str, ...], backs: Iterable[str]) -> tuple[str, ...]:
    """Return what keeps a way back from starting: only what would help nobody.

    A slot without an owner and a running release that is not archived keep no other slot on it.
    """
    found: list[str] = []
    if plan.not_installed:
        found.append(
            f"{_named(plan.not_installed)}. That release needs other packages: `midstride stop`, "
            "`midstride run` in a checkout of its commit, then roll back again"
        )
    runs = {slot: release for release, slots in plan.from_releases.items() for slot in slots}
    unknown = [slot for slot in wanted if slot not in runs]
    if unknown:
        found.append(f"{', '.join(unknown)}: no such slot runs; `midstride status` lists them")
    away = [slot for slot in plan.order if runs.get(slot) not in (plan.to_release, None)]
    if not away and not tuple(backs):
        found.append(f"all asked slots run {plan.to_release[:12]} already")
    return tuple(found)


def alarm_refusals(storage: Storage) -> Iterable[str]:
    """Refuse while an alarm is latched: a person looks first. Not asked for a way back.

    A notice says what the fleet dealt with by itself: it is no reason to wait.
    """
    latched = [state.alarm for state in AlarmStore(storage).latched()]
    kinds = Counter(one.kind for one in latched if one.severity is not Severity.NOTICE)
    if kinds:
        count = kinds.total()
        names = ", ".join(f"{name} ({many})" for name, many in kinds.most_common(KINDS_SHOWN))
        yield (
            f"{count} alarm{'' if count == 1 else 's'} not cleared, of {names}: look with "
            "`midstride alarms list`, then `midstride alarms clear --all --reason TEXT`"
        )


def params_changes(old_toml: bytes, new_toml: bytes) -> dict[str, tuple[str, str]]:
    """Return the parameters whose default differs: key -> (old, new)."""
    before, after = _flat(tomllib.loads(old_toml.decode())), _flat(tomllib.loads(new_toml.decode()))
    return {
        key: (str(before.get(key)), str(after.get(key)))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    }


def _flat(table: dict[str, object], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found
