"""What a release's requirements.lock names and the environment of this process has not.

The actors of a fleet run in one environment, whatever release they are of: the one that its head
was started in. A changed lock matters only where a version that it names is not there.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement

from checkpoints.archive import load_archive
from checkpoints.errors import CheckpointsError
from checkpoints.release_files import LOCK_FILE
from checkpoints.storage import Storage


def not_installed(storage: Storage, release: str) -> tuple[str, ...]:
    """Return what the lock of an archived release names and this environment has not."""
    try:
        data = load_archive(storage, release).data
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            text = archive.read(LOCK_FILE).decode()
    except KeyError:
        return ()  # a release without a lock asks for nothing
    except (CheckpointsError, UnicodeDecodeError, zipfile.BadZipFile):
        return ("what cannot be read",)
    return tuple(lacking(text, version_here))


def version_here(package: str) -> str | None:
    """Return the version of a package that this process would import, None where it is absent."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def lacking(lock: str, installed: Callable[[str], str | None]) -> Iterator[str]:
    """Yield a line for each package of the lock that this machine needs in another version."""
    for line in lock.splitlines():
        named = line.partition("\\")[0].partition(" #")[0].strip()
        if not named or line[0] in " \t#":  # a hash or a comment
            continue
        try:
            wanted = Requirement(named)
        except InvalidRequirement:
            yield f"{named[:40]!r}, which is no requirement"
            continue
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        found = installed(wanted.name)
        if found is None or not wanted.specifier.contains(found, prereleases=True):
            version = str(wanted.specifier).removeprefix("==")
            here = "which is not installed" if found is None else f"where {found} is installed"
            yield " ".join(f"{wanted.name} {version} ({here})".split())
