"""Sentences of README and docs that promise: what docs/promises.md must have a row for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "promises.md"
PROMISES: Final = re.compile(
    r"(?<![\w`/-])(never|always|exact|exactly|only|twice|nowhere|p50|p99)(?![\w`-])", re.IGNORECASE
)
ELSEWHERE: Final = {
    "promises.md": "the list itself",
    "messages.md": "made from the code, by tests.messages_page",
    "json.md": "made from the code, by tests.json_page",
    "states.md": "made from the tables that run the machines, by tests.states_page",
    "performance.md": "each figure beside the bench that prints it",
}
"""Pages of docs/ whose sentences are compared in another way."""
NOT_TEXT: Final = re.compile(r"```.*?```|<!-- \w+: made by .*?<!-- end -->", re.DOTALL)
ROW: Final = re.compile(
    r"^\| (?P<page>[\w.-]+\.md) \| (?P<words>.+?) \| (?P<shown>.+) \|$", re.MULTILINE
)
TEST: Final = re.compile(r"(tests/[\w/]+\.py)(?:::(\w+))?")


class Row(NamedTuple):
    page: str
    words: str
    """As they stand on the page, white space folded."""
    shown: str
    """Tests, or ``no promise:`` and why."""


def pages() -> dict[str, str]:
    """Return the text of each page that is compared, white space folded."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    texts = {file.name: file.read_text(encoding="utf-8") for file in files}
    return {
        name: folded(NOT_TEXT.sub(" ", text))
        for name, text in texts.items()
        if name not in ELSEWHERE
    }


def folded(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def rows() -> tuple[Row, ...]:
    found = ROW.finditer(PAGE.read_text(encoding="utf-8"))
    return tuple(Row(row["page"], row["words"].replace("\\|", "|"), row["shown"]) for row in found)


def without_row(name: str, text: str, known: tuple[Row, ...]) -> Iterator[str]:
    """Yield the words of a page around each promise that no row has."""
    spans = [
        match.span()
        for row in known
        if row.page == name
        for match in re.finditer(re.escape(row.words), text)
    ]
    for word in PROMISES.finditer(text):
        if not any(start <= word.start() and word.end() <= end for start, end in spans):
            yield text[max(0, word.start() - 70) : word.end() + 70]
