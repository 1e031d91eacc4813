"""docs/journal.md: its queries run as printed, and its table names every column."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from checkpoints.journal import JOURNAL_SCHEMA, Journal
from checkpoints.journal_rows import RowKind
from checkpoints.storage import LocalStorage
from tests.checkpoints.builders import RELEASE, row

PAGE = Path(__file__).resolve().parents[2] / "docs" / "journal.md"
FILL = "trade-1/0xabc"


def queries() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("place", range(4))
def test_each_printed_query_names_the_release(tmp_path: Path, place: int) -> None:
    journal = Journal(LocalStorage(tmp_path), "btc-5m")
    journal.append([row(1, release="cd" * 32), row(2)])
    journal.append([row(3, kind=RowKind.ORDER_EVENT, event="filled", fill_id=FILL)])
    scope: dict[str, Any] = {"STORAGE": str(tmp_path), "FILL": FILL}
    exec("import pyarrow.dataset as ds\n" + queries()[place], scope)
    answer = scope["answer"]
    answer = answer.read_all() if isinstance(answer, pa.RecordBatchReader) else answer
    records = answer.to_pylist() if isinstance(answer, pa.Table) else answer.to_dict("records")
    assert [found["release"] for found in records] == [RELEASE]


def test_the_three_queries_are_three_lines_each() -> None:
    assert [len(query.splitlines()) for query in queries()[:3]] == [3, 3, 3]


def test_the_table_names_every_column_with_its_type() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE)
    assert rows == [
        (field.name, {"string": "text", "double": "float64"}.get(str(field.type), str(field.type)))
        for field in JOURNAL_SCHEMA
    ]
