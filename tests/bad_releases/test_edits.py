"""Each bad release of the table is an edit that still applies; no fleet is needed to see that."""

import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bad_releases.case import Case, Spot
from tests.bad_releases.groups import GROUPS
from tests.rolling_update.trees import ROOT, copy_tree

CASES = [case for group in GROUPS.values() for case in group]
SYNTAX_ERROR = "syntax error"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_tree(tmp_path_factory.mktemp("edits") / "tree")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_its_edit_applies_and_python_reads_it(case: Case, tree: Path, tmp_path: Path) -> None:
    case.make(tree, Spot(flag=tmp_path / "flag", storage=tmp_path / "storage"))
    edited = [file for file in tree.rglob("*.py") if file.read_bytes() != _shipped(file, tree)]
    assert edited
    for file in edited:
        if case.name != SYNTAX_ERROR:
            py_compile.compile(str(file), cfile=str(tmp_path / "compiled"), doraise=True)
        shutil.copy(ROOT / file.relative_to(tree), file)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.turns and case.everything], ids=lambda case: case.name
)
def test_a_release_that_turns_bad_later_is_read_in_without_a_fault(
    case: Case, tmp_path: Path
) -> None:
    """What it replaces must be there: a bad release that cannot start proves nothing."""
    tree = copy_tree(tmp_path / "tree")
    case.make(tree, Spot(flag=tmp_path / "flag", storage=tmp_path / "storage"))
    edited = [file for file in tree.rglob("*.py") if file.read_bytes() != _shipped(file, tree)]
    names = [".".join(file.relative_to(tree).with_suffix("").parts) for file in edited]
    done = subprocess.run(
        [sys.executable, "-B", "-c", f"import {', '.join(names)}"],
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _shipped(file: Path, tree: Path) -> bytes:
    return (ROOT / file.relative_to(tree)).read_bytes()


def test_the_table_has_more_than_thirty_two_cases_with_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > 32
