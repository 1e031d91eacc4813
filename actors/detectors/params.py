"""Which parameters a slot's decisions should carry, computed beside the slot: a thin shell.

From the release's own archived file, the configuration, and what was set in place since. Where the
release's parameters are another struct than this code's, nothing is computed: an id of guessed
fields would accuse a slot that is right.
"""

import io
import zipfile
from typing import Final

import msgspec

from actors.config import SETTINGS_FILE, FleetConfig, SlotSettings
from actors.detectors.watch import ParamsSet
from checkpoints.archive import load_archive, load_manifest
from checkpoints.errors import CheckpointsError
from checkpoints.release import ReleaseManifest
from checkpoints.storage import Storage
from signals.params import Params, ParamsError, load_params, override, params_id

PARAMS_TOML: Final = "signals/params.toml"
PARAMS_CODE: Final = ("signals/params.py", "signals/param_sections.py")
RELEASES_KEPT: Final = 16
IDS_KEPT: Final = 1_024


class OwnFiles(msgspec.Struct, frozen=True, kw_only=True):
    """What a release itself says of parameters."""

    params: str
    """Text of `PARAMS_TOML`."""
    settings: SlotSettings | None


class ExpectedParams:
    """Remembers what it computed. One instance per watcher, used by one thread at a time."""

    def __init__(self, storage: Storage, config: FleetConfig, release: str) -> None:
        self._storage = storage
        self._config = config
        self._release = release
        """The watcher's own."""
        self._files: dict[str, OwnFiles | None] = {}
        self._ids: dict[tuple[str, str, bytes], str | None] = {}

    def of(self, slot: str, release: str, in_place: ParamsSet) -> str | None:
        """Return the id that decisions of this slot under this release should carry, or None."""
        if not in_place.known:
            return None
        key = (slot, release, msgspec.json.encode(in_place.changes, order="sorted"))
        if key not in self._ids:
            self._ids[key] = self._compute(slot, release, in_place)
            while len(self._ids) > IDS_KEPT:
                del self._ids[next(iter(self._ids))]
        return self._ids[key]

    def _compute(self, slot: str, release: str, in_place: ParamsSet) -> str | None:
        files = self._files_of(release)
        if files is None:
            return None
        config = self._config if files.settings is None else self._config.under(files.settings)
        try:
            own = config.slot(slot).params
            base = _base(config, files.params)
            return params_id(override(override(base, own), in_place.changes))
        except (ParamsError, StopIteration):
            return None

    def _files_of(self, release: str) -> OwnFiles | None:
        """Return what the release says; None where its parameters are another struct."""
        if release not in self._files:
            self._files[release] = self._read(release)
            while len(self._files) > RELEASES_KEPT:
                del self._files[next(iter(self._files))]
        return self._files[release]

    def _read(self, release: str) -> OwnFiles | None:
        try:
            archive = load_archive(self._storage, release)
            mine = load_manifest(self._storage, self._release)
            if _code(archive.manifest) != _code(mine):
                return None
            with zipfile.ZipFile(io.BytesIO(archive.data)) as files:
                return OwnFiles(params=files.read(PARAMS_TOML).decode(), settings=_settings(files))
        except (CheckpointsError, KeyError, UnicodeDecodeError, msgspec.DecodeError):
            return None


def _settings(files: zipfile.ZipFile) -> SlotSettings | None:
    if SETTINGS_FILE not in files.namelist():
        return None
    return msgspec.json.decode(files.read(SETTINGS_FILE), type=SlotSettings)


def _base(config: FleetConfig, text: str) -> Params:
    changes = config.params_set
    return config.params if changes is None else override(load_params(text), changes)


def _code(manifest: ReleaseManifest) -> list[str]:
    return [file.sha256 for file in manifest.files if file.path in PARAMS_CODE]
