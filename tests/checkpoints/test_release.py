"""Release identity: from files, in the process that runs them, and in the archive."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checkpoints import release as release_module
from checkpoints.archive import (
    archive_release,
    archived_releases,
    commit_of,
    load_archive,
    load_manifest,
    record_commit,
    unpack_archive,
)
from checkpoints.errors import DamagedArchiveError, MissingFileError, StorageError
from checkpoints.release import git_commit, release_of
from checkpoints.release_files import is_counted
from tests.checkpoints.memory_storage import MemoryStorage

ROOT = Path(__file__).resolve().parents[2]
ATTEST = (
    "import json, sys; from pathlib import Path;"
    "import signals.market, {extra}; from checkpoints.release import attest;"
    "found = attest(Path(sys.argv[1]));"
    "print(json.dumps([found.manifest.release, found.problems]))"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small release: two real packages and a little of the others."""
    root = tmp_path / "root"
    for package in ("signals", "checkpoints"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, root / package, ignore=ignored)
    for path in ("actors/__init__.py", "cluster/configs/sandbox.toml", "cluster/limits.toml"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("# nothing\n")
    (root / "requirements.lock").write_text("ray==2.60.0\n")
    return root


def attested(root: Path, extra: str = "os", path: Path | None = None) -> tuple[str, list[str]]:
    """Attest in a fresh process that works in `root` (or imports from `path` first)."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-c", ATTEST.format(extra=extra), str(root)],
        cwd=path or root,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    release, problems = json.loads(done.stdout)
    return release, problems


@pytest.mark.parametrize(
    ("path", "counted"),
    [
        ("signals/market.py", True),
        ("signals/params.toml", True),
        ("cluster/sandbox/__main__.py", True),
        ("requirements.lock", True),
        ("cluster/configs/sandbox.toml", False),
        ("cluster/readme.md", True),
        ("signals/strategies/weights.json", True),
        ("signals/strategies/_fast.cpython-311-x86_64-linux-gnu.so", True),
        ("signals/strategies/a name with spaces.txt", True),
        ("signals/no_suffix", True),
        ("signals/loose/x.pyc", True),
        ("signals/__pycache__/x.cpython-311.pyc", False),
        ("signals/.hidden", False),
        ("signals/.cache/weights.json", False),
        ("signals/market.py~", False),
        ("signals/#market.py#", False),
        ("cluster/configs/mine/own.toml", False),
        ("tests/test_x.py", False),
        ("signals", False),
        ("x/signals/y.py", False),
    ],
)
def test_what_counts(path: str, counted: bool) -> None:  # noqa: FBT001 a table
    assert is_counted(path) is counted


def test_the_release_id_follows_counted_files_only(root: Path) -> None:
    before = release_of(root).release
    (root / "cluster/configs/sandbox.toml").write_text("speed = 30\n")
    (root / "signals/.notes.md.swp").write_text("no code\n")
    (root / "signals/empty").mkdir()
    (root / "pyproject.toml").write_text("")
    assert release_of(root).release == before
    seen = {before}
    files = (
        "signals/market.py", "requirements.lock", "cluster/limits.toml", "actors/new.py",
        "signals/strategies/weights.json", "signals/no_suffix", "actors/a b.txt",
    )  # fmt: skip
    for path in files:
        file = root / path
        file.write_text((file.read_text() if file.exists() else "") + "# x\n")
        seen.add(release_of(root).release)
    (root / "actors/new.py").rename(root / "actors/newer.py")
    seen.add(release_of(root).release)
    assert len(seen) == 9


def test_equal_files_at_another_place_are_the_same_release(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "other")
    assert release_of(root).release == release_of(tmp_path / "other").release


def test_a_folder_without_packages_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="holds no release"):
        release_of(tmp_path)


def test_the_commit_says_whether_counted_files_were_changed(root: Path) -> None:
    assert git_commit(root) == "unknown"

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        command = ["git", "-C", str(root), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "x")
    commit = git("rev-parse", "HEAD")
    (root / "notes.md").write_text("not counted")
    (root / "cluster/configs/sandbox.toml").write_text("changed")
    (root / "signals/__pycache__").mkdir(exist_ok=True)
    (root / "signals/__pycache__/market.pyc").write_text("")
    assert git_commit(root) == commit
    new = root / "actors/new.py"
    new.write_text("")
    assert git_commit(root) == f"{commit}-dirty"
    new.unlink()
    (root / ".git/info/exclude").write_text("*.bin\n")
    (root / "signals/weights.bin").write_bytes(b"\0")
    assert git_commit(root) == f"{commit}-dirty", "git ignores it, the release does not"


def test_the_commit_is_of_this_tree_whatever_a_hook_names(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", "-C", str(root), *command], check=True, capture_output=True)
    commit = git_commit(root)
    assert len(commit) == 40
    other = tmp_path / "other"
    subprocess.run(["git", "init", "-q", str(other)], check=True, capture_output=True)
    for name, value in {
        "GIT_DIR": other / ".git",
        "GIT_WORK_TREE": other,
        "GIT_INDEX_FILE": other / "index",
        "GIT_OBJECT_DIRECTORY": other / "objects",
        "GIT_CEILING_DIRECTORIES": root.parent,
        "GIT_TRACE": "1",
        "LC_ALL": "de_DE.UTF-8",
    }.items():
        monkeypatch.setenv(name, str(value))
        assert git_commit(root) == commit, name


def test_a_process_attests_what_an_outsider_finds(root: Path) -> None:
    assert attested(root) == (release_of(root).release, [])


def test_a_module_from_elsewhere_is_named(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "other")
    release, problems = attested(root, path=tmp_path / "other")
    assert release == release_of(root).release
    assert any(p.startswith("signals.market: loaded from") and "outside" in p for p in problems)


def test_a_module_that_is_not_a_release_file_is_named(root: Path) -> None:
    (root / "cluster/configs/sneaky.py").write_text("")
    _, problems = attested(root, extra="cluster.configs.sneaky")
    file = "cluster/configs/sneaky.py"
    reason = "which is not a file of the release"
    assert problems == [f"cluster.configs.sneaky: loaded from {file}, {reason}"]


def test_stale_bytecode_is_named(root: Path) -> None:
    module = root / "actors/factor.py"
    module.write_text("WEIGHT = 30\n")
    assert attested(root, extra="actors.factor")[1] == []
    times = module.stat()
    module.write_text("WEIGHT = 03\n".replace("03", "25"))
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))
    _, problems = attested(root, extra="actors.factor")
    assert len(problems) == 1
    assert problems[0].startswith("actors.factor: its bytecode")


def test_a_file_that_changed_after_the_process_started_is_named(root: Path) -> None:
    (root / "actors/factor.py").write_text("WEIGHT = 30\n")
    edit = "__import__('pathlib').Path('actors/factor.py').write_text('WEIGHT = 25')"
    (root / "actors/late.py").write_text(f"import actors.factor\n{edit}\n")
    late = "checkpoints.release, actors.late"  # the first import outlasts the clocks' grain
    release, problems = attested(root, extra=late)
    assert release == release_of(root).release
    reason = "was changed after this process started, which may run older code"
    assert f"actors.factor: actors/factor.py {reason}" in problems


def test_bytecode_that_was_copied_with_its_source_is_believed_if_it_is_right(
    root: Path, tmp_path: Path
) -> None:
    (root / "actors/factor.py").write_text("WEIGHT = 30\n")
    assert attested(root, extra="actors.factor")[1] == []
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)  # keeps times: every source now looks newer than its bytecode
    assert list(copy.rglob("*.pyc"))
    assert attested(copy, extra="actors.factor")[1] == []


def test_an_archived_release_comes_back_file_by_file(root: Path, tmp_path: Path) -> None:
    storage = MemoryStorage()
    manifest = archive_release(storage, root, commit="c0ffee")
    assert archived_releases(storage) == [manifest.release]
    assert load_archive(storage, manifest.release).manifest == manifest
    assert load_manifest(storage, manifest.release) == manifest
    unpack_archive(storage, manifest.release, tmp_path / "again")
    assert release_of(tmp_path / "again").release == manifest.release
    assert attested(tmp_path / "again") == (manifest.release, [])


def test_equal_releases_make_equal_archives_and_the_first_record_stays(root: Path) -> None:
    one, other = MemoryStorage(), MemoryStorage()
    archive_release(one, root, commit="a")
    archive_release(other, root, commit="a")
    assert one.files == other.files
    assert archive_release(one, root, commit="b").commit == "a"
    assert one.files == other.files


@pytest.mark.parametrize("suffix", ["zip", "json"])
def test_every_flipped_byte_of_an_archive_is_named(tmp_path: Path, suffix: str) -> None:
    root = tmp_path / "root"
    (root / "signals").mkdir(parents=True)
    (root / "signals/a.py").write_text("A = 1\n")
    storage = MemoryStorage()
    release = archive_release(storage, root, commit="c").release
    name = f"releases/{release}.{suffix}"
    good = storage.files[name]
    for place in range(len(good)):
        storage.flip(name, 8 * place + place % 8)
        with pytest.raises(DamagedArchiveError, match=release):
            load_archive(storage, release)
        storage.files[name] = good
    assert load_archive(storage, release)


def test_a_missing_archive_is_said_and_a_damaged_one_is_mended_by_its_own_content(
    root: Path,
) -> None:
    storage = MemoryStorage()
    release: Any = release_of(root).release
    with pytest.raises(MissingFileError, match=release):
        load_archive(storage, release)
    archive_release(storage, root)
    storage.truncate(f"releases/{release}.zip", 100)
    archive_release(storage, root)
    assert load_archive(storage, release).manifest.release == release


def test_the_commit_of_a_release_is_its_archives_or_what_was_written_down_beside_it(
    root: Path,
) -> None:
    storage = MemoryStorage()
    assert commit_of(storage, "ab" * 32) == "unknown"
    release = archive_release(storage, root, commit="unknown").release
    assert commit_of(storage, release) == "unknown"
    record_commit(storage, release, "unknown")
    record_commit(storage, release, "c0ffee")
    record_commit(storage, release, "unknown")
    record_commit(storage, release, "beef")
    assert commit_of(storage, release) == "c0ffee"


def test_a_file_from_before_a_clock_was_set_back_is_not_called_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second_ns = 1_000_000_000
    now_ns = 1_790_000_000 * second_ns
    monkeypatch.setattr(release_module.time, "time_ns", lambda: now_ns)
    changed = release_module._changed_since
    assert changed(now_ns - second_ns, started_ns=now_ns - 5 * second_ns)
    assert not changed(now_ns - 9 * second_ns, started_ns=now_ns - 5 * second_ns)
    assert not changed(now_ns + 3_600 * second_ns, started_ns=now_ns - 5 * second_ns)
