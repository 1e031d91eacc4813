"""A strategy reads what its release holds, and nothing else, in every way of starting."""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from actors import only_own_files as own
from actors.only_own_files import NotOfTheReleaseError, may_open, only_own_files
from tests.rolling_update.trees import ROOT


def test_files_of_the_release_of_python_and_of_the_system_open() -> None:
    with only_own_files():
        for path in (ROOT / "signals/params.toml", Path(os.__file__), Path("/etc/hosts")):
            assert path.read_bytes() is not None


@pytest.mark.parametrize(
    "path", ["pyproject.toml", "tests/recorded.py", "cluster/configs/sandbox.toml", "signals/.x"]
)
def test_what_no_archive_holds_does_not_open_in_a_tree_either(path: str) -> None:
    with only_own_files(), pytest.raises(NotOfTheReleaseError, match="none: put it beside"):
        (ROOT / path).read_bytes()


def _by_open(path: Path) -> object:
    return path.read_text()


def _by_descriptor(path: Path) -> object:
    return os.open(path, os.O_RDONLY)


def _through_a_link(path: Path) -> object:
    link = path.with_name("link")
    link.symlink_to(path)
    return link.read_text()


def _as_bytes(path: Path) -> object:
    return open(os.fsencode(path), "rb").read()  # noqa: PTH123 bytes are the point


def _as_a_library(path: Path) -> object:
    return ctypes.CDLL(str(path))


def _relative(path: Path) -> object:
    return Path(os.path.relpath(path)).read_text()


@pytest.mark.parametrize(
    "read", [_by_open, _by_descriptor, _through_a_link, _as_bytes, _as_a_library, _relative]
)
def test_a_file_elsewhere_is_refused_by_name_and_only_while_the_block_runs(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    file = tmp_path / "weights.json"
    file.write_text("[]")
    with only_own_files(), pytest.raises(NotOfTheReleaseError, match=r"weights\.json is none"):
        read(file)
    assert file.read_text() == "[]"


def test_blocks_nest() -> None:
    with only_own_files():
        with only_own_files():
            pass
        with pytest.raises(NotOfTheReleaseError):
            (ROOT / "pyproject.toml").read_bytes()
    assert (ROOT / "pyproject.toml").read_bytes()


def test_bytecode_of_the_release_is_python_s_own() -> None:
    assert may_open(f"{own.ROOT}/signals/__pycache__/market.cpython-311.pyc")
    assert not may_open(f"{own.ROOT}/__pycache__/x.pyc")


def test_a_file_of_the_release_is_not_written() -> None:
    with only_own_files(), pytest.raises(NotOfTheReleaseError, match="writes no file"):
        (ROOT / "signals/params.toml").open("a")
    with only_own_files(), pytest.raises(NotOfTheReleaseError, match="writes no file"):
        (ROOT / "signals/new.json").write_text("")
    assert not (ROOT / "signals/new.json").exists()
