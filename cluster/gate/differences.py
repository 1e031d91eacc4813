"""What two releases differ in, as text that a reviewer reads. Pure."""

import difflib
import io
import re
import zipfile
from collections.abc import Mapping
from typing import Final

import msgspec

DIFF_CHARACTERS_MAX: Final = 200_000
"""Of one file; the digests beside it still bind the rest."""
TEXT_BYTES_MAX: Final = 1_000_000
"""Of one file: comparing lines of more takes minutes, and nobody reads them."""
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


class FileDifference(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    before_sha256: str | None
    after_sha256: str | None
    diff: str
    """Unified."""
    truncated: bool = False


class DependencyChange(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    before: str | None
    after: str | None


def files_in(data: bytes) -> dict[str, bytes]:
    """Return the files of an archive's zip, which `load_archive` has verified."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {member.filename: archive.read(member) for member in archive.infolist()}


def code_difference(
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    digests: Mapping[str, tuple[str | None, str | None]],
) -> tuple[FileDifference, ...]:
    """Show each file of `digests` (path -> SHA-256 before and after) that changed."""
    found = []
    for path, (old, new) in sorted(digests.items()):
        text = unified(path, before.get(path, b""), after.get(path, b""))
        found.append(
            FileDifference(
                path=path,
                before_sha256=old,
                after_sha256=new,
                diff=text[:DIFF_CHARACTERS_MAX],
                truncated=len(text) > DIFF_CHARACTERS_MAX,
            )
        )
    return tuple(found)


def unified(path: str, before: bytes, after: bytes) -> str:
    """Return the unified diff of one file."""
    if not (_is_text(before) and _is_text(after)):
        return f"data {path}: {len(before)} bytes before, {len(after)} after"
    lines = difflib.unified_diff(
        before.decode(errors="replace").splitlines(),
        after.decode(errors="replace").splitlines(),
        f"before/{path}",
        f"after/{path}",
        lineterm="",
    )
    return "\n".join(lines)


def _is_text(data: bytes) -> bool:
    if len(data) > TEXT_BYTES_MAX or b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def dependency_difference(before: bytes, after: bytes) -> tuple[DependencyChange, ...]:
    """Compare the pinned versions of two lock files."""
    old, new = _pins(before), _pins(after)
    return tuple(
        DependencyChange(name=name, before=old.get(name), after=new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def _pins(lock: bytes) -> dict[str, str]:
    return dict(_PIN.findall(lock.decode(errors="replace")))


def schema_path(before: int, after: int) -> tuple[str, ...]:
    """Name the row functions that carry state from one version to the other, in order."""
    step = 1 if after >= before else -1
    return tuple(f"{version} -> {version + step}" for version in range(before, after, step))
