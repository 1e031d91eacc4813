"""What a release holds: every file that its code may open, or a sentence why it cannot be one."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from checkpoints.archive import archive_release, unpack_archive
from checkpoints.errors import StorageError
from checkpoints.release import release_of
from tests.checkpoints.memory_storage import MemoryStorage


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for path in ("signals/market.py", "signals/strategies/mine.py", "checkpoints/log.py"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("# nothing\n")
    return root


def test_every_file_of_a_release_comes_out_of_its_archive_as_it_went_in(
    root: Path, tmp_path: Path
) -> None:
    contents = {
        "signals/strategies/weights.json": b"[1.5]",
        "signals/strategies/_fast.so": bytes(range(256)),
        "signals/data/with spaces and ä.bin": b"",
        "signals/no_suffix": b"\r\n",
        "signals/Case.txt": b"upper",
        "signals/case.txt": b"lower",
        "signals/site.pth": b"import os",
        "signals/sitecustomize.py": b"",
    }
    for path, content in contents.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(content)
    (root / "outside.txt").write_text("the target")
    (root / "signals/linked.txt").symlink_to(root / "outside.txt")
    storage = MemoryStorage()
    manifest = archive_release(storage, root)
    unpack_archive(storage, manifest.release, tmp_path / "out")
    for path, content in contents.items():
        assert (tmp_path / "out" / path).read_bytes() == content
    linked = tmp_path / "out/signals/linked.txt"
    assert linked.read_text() == "the target"
    assert not linked.is_symlink()
    assert release_of(tmp_path / "out").release == manifest.release


def _links_to_a_folder(root: Path) -> None:
    (root / "signals/more").symlink_to(root / "checkpoints")


def _links_to_nothing(root: Path) -> None:
    (root / "signals/gone.json").symlink_to(root / "nowhere")


def _is_a_pipe(root: Path) -> None:
    os.mkfifo(root / "signals/pipe")


def _has_no_utf8_name(root: Path) -> None:
    Path(os.fsdecode(bytes(root / "signals") + b"/\xff\xfe.txt")).write_bytes(b"")


def _has_a_line_break_in_its_name(root: Path) -> None:
    (root / "signals/a\nb.txt").write_bytes(b"")


def _is_too_large(root: Path) -> None:
    with (root / "signals/strategies/large.py").open("wb") as file:
        file.truncate(18_000_000)


def _are_too_many(root: Path) -> None:
    for number in range(9):
        with (root / f"signals/part-{number}.bin").open("wb") as file:
            file.truncate(15 * 2**20)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_links_to_a_folder, "is a link to a folder"),
        (_links_to_nothing, "is no file that can be read"),
        (_is_a_pipe, "is no file that can be read"),
        (_has_no_utf8_name, "printable UTF-8; rename it"),
        (_has_a_line_break_in_its_name, "printable UTF-8; rename it"),
        (_is_too_large, "large.py has 17.2 MiB, a release's file at most 16"),
        (_are_too_many, "holds more than 128 MiB"),
    ],
)
def test_what_no_archive_can_hold_is_refused_with_a_sentence(
    root: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(root)
    with pytest.raises(StorageError, match=said):
        archive_release(MemoryStorage(), root)


def test_a_file_that_cannot_be_read_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(file))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(StorageError, match=r"cannot be read: Permission denied"):
        release_of(root)
