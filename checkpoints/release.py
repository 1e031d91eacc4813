"""Which code this is: the release id, found from files, and attested from loaded modules.

Release id: SHA-256 over the sorted lines ``<sha256>  <path>`` of every file of the four packages
and of requirements.lock: code, parameters, data, native libraries. Left out are cluster/configs,
bytecode folders, hidden files and editors' backups. A release runs from its archive, where these
are not, so opening one fails wherever it is started. The id guards against stale, edited and
mixed-up code, not against malice: code that lies about itself can lie here too.
"""

import hashlib
import importlib.metadata
import marshal
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Final

import msgspec

from checkpoints.codec import SCHEMA_VERSION
from checkpoints.errors import StorageError
from checkpoints.git import ask_git
from checkpoints.process_id import ProcessId
from checkpoints.release_files import (
    LOCK_FILE,
    PACKAGES,
    RELEASE_BYTES_MAX,
    is_counted,
    read_file,
    release_paths,
)

DEPENDENCIES: Final = (
    "ray",
    "polymarket-client",
    "pyarrow",
    "msgspec",
    "httpx",
    "websockets",
    "eth-account",
    "coincurve",
)
"""Those whose behaviour can reach a decision or an order; the lock file has all."""
NOTHING: Final[Mapping[str, bytes]] = MappingProxyType({})
CLOCK_GRACE_NS: Final = 50_000_000
"""File times step with the kernel's tick (4 ms), process starts are known to 10 ms."""
_PYC_HEADER_BYTES: Final = 16
"""Magic, flags, and source time and size or hash (PEP 552)."""


class ReleaseFile(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    """From the root, with ``/``."""
    sha256: str


class ReleaseManifest(msgspec.Struct, frozen=True, kw_only=True):
    release: str
    files: tuple[ReleaseFile, ...]
    commit: str
    """With ``-dirty`` where counted files differ from it; ``unknown`` without git."""
    python: str
    dependencies: dict[str, str]
    fingerprint: str
    """Machine, Python and library versions, one line: decisions are equal bit for bit within it."""
    schema_version: int = SCHEMA_VERSION


class Attested(msgspec.Struct, frozen=True, kw_only=True):
    manifest: ReleaseManifest
    problems: tuple[str, ...]
    """Empty: every loaded module of the four packages is the manifest's."""


def release_of(
    root: Path, commit: str | None = None, extra: Mapping[str, bytes] = NOTHING
) -> ReleaseManifest:
    """Hash a release's files, of this process or of another one's root.

    `commit`: what to record; None asks git at `root`. `extra`: files beside those of `root`, or in
    their place. Raises `StorageError` if `root` holds none.
    """
    found = {file.path: file for file in _hash_files(root)}
    for path, content in extra.items():
        found[path] = ReleaseFile(path=path, sha256=hashlib.sha256(content).hexdigest())
    files = tuple(found[path] for path in sorted(found))
    if not files:
        raise StorageError(f"{root} holds no release: none of {', '.join(PACKAGES)} is there")
    dependencies = {name: _version(name) for name in DEPENDENCIES}
    return ReleaseManifest(
        release=release_id(files),
        files=files,
        commit=git_commit(root) if commit is None else commit,
        python=platform.python_version(),
        dependencies=dependencies,
        fingerprint=_fingerprint(dependencies),
    )


def release_id(files: tuple[ReleaseFile, ...]) -> str:
    lines = sorted((file.path, file.sha256) for file in files)
    text = "".join(f"{sha256}  {path}\n" for path, sha256 in lines)
    return hashlib.sha256(text.encode()).hexdigest()


def attest(root: Path, commit: str | None = None) -> Attested:
    """Say what really runs in this process, and what of it is not the release under `root`."""
    manifest = release_of(root, commit)
    known = {file.path for file in manifest.files}
    started_ns = _process_start_ns()
    problems = [
        problem for module in _loaded() for problem in _problems(module, root, known, started_ns)
    ]
    return Attested(manifest=manifest, problems=tuple(sorted(problems)))


def git_commit(root: Path) -> str:
    """Return the commit of the tree at `root`, ``-dirty`` if counted files were changed."""
    if not (root / ".git").exists():
        return "unknown"
    words = ("status", "--porcelain", "-uall", "--ignored", "--", *PACKAGES, LOCK_FILE)
    commit, status = ask_git(root, "rev-parse", "HEAD"), ask_git(root, *words)
    if commit is None or status is None:
        return "unknown"
    names = [line[3:].split(" -> ")[-1].strip('"') for line in status.splitlines()]
    changed = any(is_counted(name) for name in names if not name.endswith("/"))
    return f"{commit.strip()}-dirty" if changed else commit.strip()


def _hash_files(root: Path) -> Iterator[ReleaseFile]:
    total = 0
    for path in release_paths(root):
        content = read_file(root / path)
        total += len(content)
        if total > RELEASE_BYTES_MAX:
            raise StorageError(
                f"{root} holds more than {RELEASE_BYTES_MAX >> 20} MiB, too much for a release: "
                f"move data that the code does not read out of {', '.join(PACKAGES)}"
            )
        yield ReleaseFile(path=path, sha256=hashlib.sha256(content).hexdigest())


def _loaded() -> list[ModuleType]:
    return [
        module for name, module in sorted(sys.modules.items()) if _package(name, module) in PACKAGES
    ]


def _package(name: str, module: ModuleType) -> str:
    """Return the top-level package; of a module run with ``-m``, the one it was found in."""
    spec = getattr(module, "__spec__", None)
    full = spec.name if name == "__main__" and spec is not None else name
    return full.split(".", 1)[0]


def _problems(module: ModuleType, root: Path, known: set[str], started_ns: int) -> Iterator[str]:
    name = module.__name__
    if module.__spec__ is not None and module.__spec__.origin is None:
        return  # a namespace: a folder without code
    file = getattr(module, "__file__", None)
    if file is None:
        yield f"{name}: loaded from no file"
        return
    try:
        path = Path(file).resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        yield f"{name}: loaded from {file}, outside {root}"
        return
    if path not in known:
        yield f"{name}: loaded from {path}, which is not a file of the release"
        return
    if _changed_since(Path(file).stat().st_ctime_ns, started_ns):
        yield f"{name}: {path} was changed after this process started, which may run older code"
    cached = getattr(module, "__cached__", None)
    if cached is not None and _is_stale(Path(file), Path(cached)):
        yield f"{name}: its bytecode {cached} is not that of its source"


def _changed_since(changed_ns: int, started_ns: int) -> bool:
    """Compare a file's last change with a process's start, both by the machine's clock.

    A change in the future is of a clock that was set back since: it says nothing of the order.
    """
    in_future = changed_ns > time.time_ns() + CLOCK_GRACE_NS
    return not in_future and changed_ns > started_ns + CLOCK_GRACE_NS


def _is_stale(source: Path, cached: Path) -> bool:
    """Say whether stored bytecode is of other text than its source has now.

    Python itself compares whole seconds and size, so a file edited twice within a second runs as it
    was. Bytecode written after the source's last change is believed; compiling is for the rest:
    0.3 s for a whole fleet's actor would be a start-up cost of its own.
    """
    try:
        if source.stat().st_ctime_ns + CLOCK_GRACE_NS < cached.stat().st_mtime_ns:
            return False
        stored = marshal.loads(cached.read_bytes()[_PYC_HEADER_BYTES:])  # noqa: S302 already ran
    except OSError:
        return False  # no bytecode was stored: the source was compiled
    except (ValueError, EOFError, TypeError):
        return True
    text = source.read_bytes()
    return bool(stored != compile(text, str(source), "exec", dont_inherit=True))


def _process_start_ns() -> int:
    """Return when this process started, wall time, from the kernel's books."""
    uptime_seconds = float(Path("/proc/uptime").read_text().split()[0])
    start_seconds = ProcessId.own().start / os.sysconf("SC_CLK_TCK")
    return time.time_ns() - int((uptime_seconds - start_seconds) * 1e9)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _fingerprint(dependencies: dict[str, str]) -> str:
    libc = "-".join(platform.libc_ver())
    head = f"{platform.system()}-{platform.machine()} {libc}"
    python = f"{platform.python_implementation()}-{platform.python_version()}"
    return " ".join([head, python, *(f"{name}-{v}" for name, v in dependencies.items())])
