"""What README and docs promise stands in docs/promises.md beside a test, and that test is there."""

import ast
import functools
import re
from pathlib import Path

import pytest

from tests.promises_page import ELSEWHERE, PAGE, PROMISES, ROOT, TEST, pages, rows, without_row


@functools.cache
def names(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("name", pages())
def test_each_promise_of_a_page_has_a_row(name: str) -> None:
    missing = list(without_row(name, pages()[name], rows()))
    assert missing == [], (
        f"docs/promises.md: add a row for {name} with these words and the test that shows it, "
        "or say it without never, always, exact, only, twice, nowhere or a percentile"
    )


def test_each_row_quotes_its_page_and_promises_something() -> None:
    texts = pages()
    for row in rows():
        assert row.page in texts, row
        assert row.words in texts[row.page], row
        assert PROMISES.search(row.words), row


def test_each_row_names_what_shows_it() -> None:
    for row in rows():
        words = ("tests/", "no promise: ", "`make ", "the name of a release")
        assert any(word in row.shown for word in words), row


def test_each_line_of_a_table_has_the_columns_of_its_head() -> None:
    head, odd = 0, []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        columns = len(re.findall(r"(?<!\\)\|", line)) - 1 if line.startswith("|") else 0
        head = head if columns and head else columns
        if columns != head:
            odd.append(line)
    assert odd == []


def test_each_test_that_is_named_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    gone = []
    for file, name in TEST.findall(text):
        path = ROOT / file
        if not path.exists() or (name and name not in names(path)):
            gone.append(f"{file}::{name}")
    assert gone == []


def test_the_pages_that_are_compared_elsewhere_are_there() -> None:
    assert [name for name in ELSEWHERE if not (ROOT / "docs" / name).exists()] == []
