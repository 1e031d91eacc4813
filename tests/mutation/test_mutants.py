"""The mutations themselves: each changes one thing, and a change is noticed or it is not."""

import ast
from pathlib import Path

import pytest

from tests.mutation.groups import GROUPS
from tests.mutation.mutants import mutants

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("a < b", {"a <= b"}),
        ("a == 1", {"a != 1", "a == 2"}),
        ("x if a else y", {"x", "y", "x if not a else y"}),
        ("not a", {"a"}),
        ("a and b", {"a or b"}),
        ("min(a, b)", {"max(a, b)"}),
        ("-a", {"a"}),
        ("True", {"False"}),
        ("a // 2", {"a * 2", "a // 3"}),
        ("f'{a + 1}'", set()),
        ("'text'", set()),
    ],
)
def test_each_expression_has_these_mutants(source: str, changed: set[str]) -> None:
    found = {ast.unparse(ast.parse(mutant.source)) for mutant in mutants(source)}
    assert found == changed


def test_assertions_annotations_and_messages_are_left_alone() -> None:
    source = (
        "def f(a: Literal[1] = 2) -> Literal[3]:\n    assert a < 4\n    raise ValueError(a + 5)\n"
    )
    assert [mutant.after for mutant in mutants(source)] == ["3"]


def test_lines_behind_a_mutant_keep_their_numbers() -> None:
    source = "a = (1 <\n     b)\nc = 2\n"
    for mutant in mutants(source):
        assert mutant.source.count("\n") == source.count("\n")


def test_every_group_names_files_and_tests_that_are_there() -> None:
    for group in GROUPS.values():
        assert all(list(ROOT.glob(glob)) for glob in group.files)
        assert all((ROOT / folder).is_dir() for folder in group.tests)
