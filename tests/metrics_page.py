"""The tables of docs/metrics.md, made from the metrics' own: `python -m tests.metrics_page`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from actors.metrics.table import SECTIONS

PAGE: Final = Path(__file__).parents[1] / "docs" / "metrics.md"
MARK: Final = re.compile(r"(<!-- metrics[^>]*-->\n\n).*(\n<!-- end -->)", re.DOTALL)


def page(text: str) -> str:
    """Return the page with the tables made anew."""
    made, count = MARK.subn(lambda found: found[1] + "\n".join(_tables()) + found[2], text)
    assert count == 1, "the place of the tables"
    return made


def _tables() -> Iterator[str]:
    for name, rows in SECTIONS.items():
        yield f"### {name}\n"
        yield "| metric | unit | labels | meaning |"
        yield "|---|---|---|---|"
        for row in rows:
            labels = ", ".join(f"`{label}`" for label in row.labels) or "-"
            yield f"| `{row.exported}` | {row.unit} | {labels} | {row.meaning} |"
        yield ""


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
