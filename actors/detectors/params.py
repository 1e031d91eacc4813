"""Which parameters a slot's decisions should carry, computed beside the slot: a thin shell.

From the release's own archived file, the configuration, and what was set in place since. Where the
release's parameters are another struct than this code's, nothing is computed: an id of guessed
fields would accuse a slot that is right.
"""

import io
import zipfile
from typing import Final

import msgspec

from actors.config import FleetConfig
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


class ExpectedParams:
    """Remembers what it computed. One instance per watcher, used by one thread at a time."""

    def __init__(self, storage: Storage, config: FleetConfig, release: str) -> None:
        self._storage = storage
        self._config = config
        self._release = release
        """The watcher's own."""
        self._files: dict[str, str | None] = {}
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
        text = self._file_of(release)
        if text is None:
            return None
        try:
            own = self._config.slot(slot).params
            return params_id(override(override(self._base(text), own), in_place.changes))
        except (ParamsError, StopIteration):
            return None

    def _base(self, text: str) -> Params:
        changes = self._config.params_set
        return self._config.params if changes is None else override(load_params(text), changes)

    def _file_of(self, release: str) -> str | None:
        """Return the release's parameter file, None where its parameters are another struct."""
        if release not in self._files:
            self._files[release] = self._read(release)
            while len(self._files) > RELEASES_KEPT:
                del self._files[next(iter(self._files))]
        return self._files[release]

    def _read(self, release: str) -> str | None:
        try:
            archive = load_archive(self._storage, release)
            mine = load_manifest(self._storage, self._release)
            if _code(archive.manifest) != _code(mine):
                return None
            with zipfile.ZipFile(io.BytesIO(archive.data)) as files:
                return files.read(PARAMS_TOML).decode()
        except (CheckpointsError, KeyError, UnicodeDecodeError):
            return None


def _code(manifest: ReleaseManifest) -> list[str]:
    return [file.sha256 for file in manifest.files if file.path in PARAMS_CODE]
