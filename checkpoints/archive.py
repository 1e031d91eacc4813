"""Every release that ever traded, kept under its id and verified on read.

``releases/<release>.zip`` holds the release's files (a working directory that Ray can run),
``releases/<release>.json`` its manifest with the zip's digest and one of its own. Where it was
archived without git, ``releases/<release>.commit`` may say its commit.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from checkpoints.arrow_file import digest_of
from checkpoints.errors import DamagedArchiveError, StorageError
from checkpoints.release import NOTHING, ReleaseFile, ReleaseManifest, release_id, release_of
from checkpoints.release_files import FILE_BYTES_MAX, LOCK_FILE, PACKAGES
from checkpoints.storage import Storage

RELEASES: Final = "releases"
UNKNOWN_COMMIT: Final = "unknown"
ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest a zip knows: equal releases make equal archives."""


class ArchiveRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside the zip."""

    manifest: ReleaseManifest
    zip_sha256: str
    record_sha256: str = ""
    """Of this record's canonical JSON with this field empty."""


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    manifest: ReleaseManifest
    data: bytes
    """The zip."""


def archive_release(
    storage: Storage,
    root: Path,
    commit: str | None = None,
    extra: Mapping[str, bytes] = NOTHING,
) -> ReleaseManifest:
    """Keep the release under `root`; what is kept intact already stays as it is.

    `extra`: files beside those of `root`. Raises `StorageError`, also if the files change while
    they are read.
    """
    manifest = release_of(root, commit, extra)
    try:
        return load_archive(storage, manifest.release).manifest
    except (DamagedArchiveError, StorageError):
        pass  # absent, or damaged: the same content is at hand
    data = _pack(root, manifest, extra)
    record = ArchiveRecord(manifest=manifest, zip_sha256=digest_of(data))
    record = msgspec.structs.replace(record, record_sha256=_record_digest(record))
    storage.write(_zip_name(manifest.release), data)
    storage.write(_record_name(manifest.release), msgspec.json.encode(record, order="sorted"))
    return manifest


def load_archive(storage: Storage, release: str) -> Archive:
    """Return an archived release, every file checked against its id.

    Raises `MissingFileError` and `DamagedArchiveError`, which names the digest.
    """
    record = _read_record(storage, release)
    data = storage.read(_zip_name(release))
    if digest_of(data) != record.zip_sha256:
        raise DamagedArchiveError(f"release {release}: its zip is not the one that was archived")
    files = tuple(
        ReleaseFile(path=path, sha256=digest_of(content))
        for path, content in _unpack(data, release).items()
    )
    if not release == record.manifest.release == release_id(files):
        raise DamagedArchiveError(f"release {release}: its files have another release id")
    return Archive(manifest=record.manifest, data=data)


def unpack_archive(storage: Storage, release: str, folder: Path) -> ReleaseManifest:
    """Write an archived release's files into an empty folder, verified."""
    archive = load_archive(storage, release)
    for path, content in _unpack(archive.data, release).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return archive.manifest


def archive_uri(root: Path | str, release: str) -> str:
    """Return what Ray is told to run a release from: its archive, the same for ever."""
    return (Path(root).absolute() / _zip_name(release)).as_uri()


def archived_releases(storage: Storage) -> list[str]:
    """Return the ids that are archived, damaged ones among them."""
    names = storage.names(f"{RELEASES}/")
    return [Path(name).stem for name in names if name.endswith(".zip")]


def commit_of(storage: Storage, release: str) -> str:
    """Return the git commit that is recorded of a release, else ``unknown``.

    Its archive's; where that was made without git, what was written down beside it.
    """
    try:
        commit = load_manifest(storage, release).commit
    except (DamagedArchiveError, StorageError):
        commit = UNKNOWN_COMMIT
    if commit != UNKNOWN_COMMIT:
        return commit
    try:
        return storage.read(_commit_name(release)).decode().strip() or UNKNOWN_COMMIT
    except (StorageError, UnicodeDecodeError):
        return UNKNOWN_COMMIT


def record_commit(storage: Storage, release: str, commit: str) -> None:
    """Write down the commit of a release if none is known of it yet."""
    if commit != UNKNOWN_COMMIT and commit_of(storage, release) == UNKNOWN_COMMIT:
        storage.write(_commit_name(release), f"{commit}\n".encode())


def load_manifest(storage: Storage, release: str) -> ReleaseManifest:
    """Return what is recorded beside an archive, without reading the archive itself.

    Raises `MissingFileError` and `DamagedArchiveError`.
    """
    record = _read_record(storage, release)
    if not release == record.manifest.release == release_id(record.manifest.files):
        raise DamagedArchiveError(f"release {release}: its manifest is of another release")
    return record.manifest


def _read_record(storage: Storage, release: str) -> ArchiveRecord:
    text = storage.read(_record_name(release))
    try:
        record = msgspec.json.decode(text, type=ArchiveRecord)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedArchiveError(f"release {release}: unreadable manifest: {error}") from error
    intact = text == msgspec.json.encode(record, order="sorted")
    if not intact or record.record_sha256 != _record_digest(record):
        raise DamagedArchiveError(f"release {release}: its manifest was altered")
    return record


def _record_digest(record: ArchiveRecord) -> str:
    blank = msgspec.structs.replace(record, record_sha256="")
    return digest_of(msgspec.json.encode(blank, order="sorted"))


def _pack(root: Path, manifest: ReleaseManifest, extra: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in manifest.files:
            content = extra.get(file.path)
            if content is None:
                content = (root / file.path).read_bytes()
            if digest_of(content) != file.sha256:
                raise StorageError(f"{root / file.path} changed while it was archived; try again")
            archive.writestr(zipfile.ZipInfo(file.path, ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _unpack(data: bytes, release: str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            for member in members:
                path = member.filename
                if not _may_unpack(path):
                    raise DamagedArchiveError(f"release {release}: {path} is no release file")
                if member.file_size > FILE_BYTES_MAX:
                    raise DamagedArchiveError(f"release {release}: {path} is too large")
            return {member.filename: archive.read(member) for member in members}
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise DamagedArchiveError(f"release {release}: unreadable zip: {error}") from error


def _may_unpack(path: str) -> bool:
    """Say whether a path of any release's archive stays where it belongs.

    Which files count is that release's own rule: its id says whether they are all there.
    """
    package, _, inside = path.partition("/")
    return path == LOCK_FILE or (
        package in PACKAGES and inside != "" and ".." not in path.split("/")
    )


def _zip_name(release: str) -> str:
    return f"{RELEASES}/{release}.zip"


def _commit_name(release: str) -> str:
    return f"{RELEASES}/{release}.commit"


def _record_name(release: str) -> str:
    return f"{RELEASES}/{release}.json"
