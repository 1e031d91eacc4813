"""An edited configuration on its way into a fleet: what a roll brings, what needs a restart.

A slot's strategy, capital and parameters come with a roll: they are put into the release as one
more file, so that the release id names them too, and a way back brings the former ones. All else
(limits, timing, feeds, gate, which slots there are) is read at a start of the fleet.
"""

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.config import SETTINGS_FILE, FleetConfig, SlotConfig, SlotSettings, Venue
from actors.runtime import load_config
from checkpoints.archive import load_archive
from checkpoints.checkpoint_store import CHECKPOINTS
from checkpoints.errors import CheckpointsError, DamagedError
from checkpoints.journal import JOURNAL
from checkpoints.records import canonical_json
from checkpoints.storage import LocalStorage, Storage
from cluster.config.load import read_config
from cluster.config.venue import KEY_FIELDS, Deployment
from cluster.errors import FleetError
from cluster.gate.differences import files_in

SOURCE: Final = "config/source"
"""In the storage: the file that the fleet was last started from."""
IN_TREE: Final = Path("cluster/configs")
BY_ROLL: Final = ("slots", "params", "params_set")
"""Fields of `FleetConfig` that a roll can change."""
NOT_COMPARED: Final = ("mode", "storage", "clock", "venue")
"""Of the deployment, or never changed while a storage lives."""


class Edited(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration file says that the fleet does not do yet."""

    file: str = ""
    settings: SlotSettings | None = None
    """For the release; None: the slots' part of the file is as the fleet was started."""
    with_roll: tuple[str, ...] = ()
    with_restart: tuple[str, ...] = ()


def note_source(storage: Storage, file: Path) -> None:
    storage.write(SOURCE, f"{file.resolve()}\n".encode())


def source_of(storage: Storage, tree: Path) -> Path | None:
    """Return the file to compare with: the start's, or its namesake in this tree."""
    try:
        named = Path(storage.read(SOURCE).decode().strip())
    except (CheckpointsError, UnicodeDecodeError):
        return None
    own = tree / IN_TREE / named.name
    inside = named.parent.parts[-2:] == IN_TREE.parts
    found = own if inside and own.is_file() else named
    if not found.is_file():
        raise FleetError(
            f"{named}, the configuration that the fleet was started from, is gone: put it back, "
            "or name another one with --config"
        )
    return found


def read_edited(storage_root: str, file: Path | None, release: str = "") -> Edited:
    """Compare a configuration file with what is in force; raise `ConfigError`.

    `release`: what most slots run; it may have brought settings of its own.
    """
    if file is None:
        return Edited()
    running = load_config(storage_root)
    wanted = read_config(file, deployment_of(running))
    return compare(
        running, wanted, str(file), in_force(LocalStorage(Path(storage_root)), running, release)
    )


def in_force(storage: Storage, config: FleetConfig, release: str) -> FleetConfig:
    """Return the configuration that slots of a release run under."""
    try:
        files = files_in(load_archive(storage, release).data) if release else {}
    except CheckpointsError:
        files = {}
    if SETTINGS_FILE not in files:
        return config
    return config.under(msgspec.json.decode(files[SETTINGS_FILE], type=SlotSettings))


def deployment_of(running: FleetConfig) -> Deployment:
    venue = {
        field.name: getattr(running.venue, field.name)
        for field in msgspec.structs.fields(Venue)
        if field.name not in KEY_FIELDS
    }
    return Deployment(
        storage=running.storage,
        clock=running.clock,
        venue=venue,
        exchanges=running.sources,
        private_key_file=running.venue.private_key_file,
    )


def compare(
    running: FleetConfig, wanted: FleetConfig, file: str, shown: FleetConfig | None = None
) -> Edited:
    """Say what differs and how it comes in. Pure.

    `running`: what the fleet was started with; a release needs settings where the file differs from
    that. `shown`: what its slots run under, if a release brought other settings.
    """
    slots = {slot.slot: slot for slot in wanted.slots}
    kept = tuple(slots.get(slot.slot, slot) for slot in running.slots)
    settings = SlotSettings(slots=kept, params_set=wanted.params_set)
    same = kept == running.slots and settings.params_set == running.params_set
    return Edited(
        file=file,
        settings=None if same else settings,
        with_roll=tuple(_slot_lines(shown or running, settings)),
        with_restart=tuple(_restart_lines(running, wanted)),
    )


def _slot_lines(running: FleetConfig, settings: SlotSettings) -> Iterator[str]:
    yield from _changes("params", running.params_set or {}, settings.params_set or {})
    for old, new in zip(running.slots, settings.slots, strict=True):
        yield from _changes(old.slot, _flat(old), _flat(new))


def _restart_lines(running: FleetConfig, wanted: FleetConfig) -> Iterator[str]:
    before, after = ({slot.slot for slot in one.slots} for one in (running, wanted))
    yield from (f"slot {name} is new" for name in sorted(after - before))
    yield from (f"slot {name} is gone" for name in sorted(before - after))
    for name in FleetConfig.__struct_fields__:
        if name not in (*BY_ROLL, *NOT_COMPARED):
            old, new = (_flat(getattr(one, name)) for one in (running, wanted))
            yield from _changes(name, old, new)


def _flat(value: Any) -> dict[str, Any]:
    plain = msgspec.to_builtins(value)
    if not isinstance(plain, dict):
        return {"": plain}
    nested = [(key, _flat(inner)) for key, inner in plain.items()]
    return {f"{key}.{name}".strip("."): leaf for key, part in nested for name, leaf in part.items()}


def _changes(prefix: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key, "unset"), after.get(key, "unset")
        if old != new:
            yield f"{prefix}.{key} {old} -> {new}"


def extra_files(edited: Edited) -> dict[str, bytes]:
    """Return what a release gets beside the tree's files."""
    return {} if edited.settings is None else {SETTINGS_FILE: canonical_json(edited.settings)}


def for_start(
    stored: FleetConfig | None, wanted: FleetConfig, lived: Container[str]
) -> FleetConfig:
    """Return what a start of a stopped fleet is given: slots that lived keep their settings.

    Their releases may not know a strategy that the file newly names; `update` brings both in.
    """
    known: dict[str, SlotConfig] = {
        slot.slot: slot for slot in (() if stored is None else stored.slots) if slot.slot in lived
    }
    if stored is None or not known:
        return wanted
    return msgspec.structs.replace(
        wanted,
        slots=tuple(known.get(slot.slot, slot) for slot in wanted.slots),
        params=stored.params if stored.params_set != wanted.params_set else wanted.params,
        params_set=stored.params_set,
    )


def slots_that_lived(storage: Storage) -> set[str]:
    """Return the slots that have ever written a row or a checkpoint."""
    days = storage.folders(JOURNAL)
    rows = {slot for day in days for slot in storage.folders(f"{JOURNAL}/{day}")}
    return rows | set(storage.folders(CHECKPOINTS))


def stored_config(storage: LocalStorage) -> FleetConfig | None:
    try:
        return load_config(str(storage.root))
    except (FileNotFoundError, DamagedError):
        return None
