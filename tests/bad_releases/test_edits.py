"""Each bad release of the table is an edit that still applies; no fleet is needed to see that."""

import py_compile
import shutil
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


def _shipped(file: Path, tree: Path) -> bytes:
    return (ROOT / file.relative_to(tree)).read_bytes()


def test_the_table_has_more_than_thirty_two_cases_with_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > 32
