"""Write rows of a tape to its files, each replaced in one step; delete the days that are over."""

import os
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from actors.market_data.tape.rows import TABLES, Place, Row, Rows, Table
from actors.runtime import log_event

if TYPE_CHECKING:
    import pyarrow as pa

DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def write_rows(folder: Path, rows: Rows) -> int:
    """Add rows to their files and return how many were taken. Raises `OSError`.

    A row whose key is there already replaces it, so what is written twice is there once.
    """
    for place, fresh in sorted(rows.items()):
        _add(folder / place.path, TABLES[place.table], fresh)
    return sum(map(len, rows.values()))


def _add(path: Path, table: Table, fresh: list[Row]) -> None:
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    added = _arrow(table, fresh)
    known = _known(path, added.schema)
    joined = _one_each(added if known is None else _joined(known, added), table.key)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        # without a checksum a flipped bit is read as another price
        pq.write_table(joined, beside, compression="zstd", write_page_checksum=True)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _known(path: Path, schema: "pa.Schema") -> "pa.Table | None":
    """Read what is on the tape; a damaged file is kept aside under another name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        return None
    try:
        known = pq.read_table(path, partitioning=None, page_checksum_verification=True)
        return known.select(schema.names).cast(schema)
    except (pa.ArrowException, KeyError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault: the file may be whole
        log_event("tape_file_damaged", file=str(path), reason=str(error)[:200])
        path.replace(path.with_name(f"{path.name}.damaged"))
        return None


def _arrow(table: Table, rows: list[Row]) -> "pa.Table":
    import pyarrow as pa

    schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in table.columns])
    columns: list[Any] = [list(column) for column in zip(*rows, strict=True)]
    return pa.table(columns, schema=schema)


def _joined(known: "pa.Table", added: "pa.Table") -> "pa.Table":
    import pyarrow as pa

    return pa.concat_tables([known, added])


def _one_each(table: "pa.Table", key: tuple[str, ...]) -> "pa.Table":
    """Sort by key and keep the newest row of each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = table.sort_by([(name, "ascending") for name in key])
    if table.num_rows < 2:  # noqa: PLR2004 one row is the only one of its key
        return table
    differs = pa.array([False] * (table.num_rows - 1))
    for name in key:
        column = table.column(name).combine_chunks()
        differs = pc.or_(differs, pc.not_equal(column[1:], column[:-1]))
    return table.filter(pa.concat_arrays([pc.fill_null(differs, fill_value=True), _true()]))


def _true() -> Any:
    import pyarrow as pa

    return pa.array([True])


def delete_old(folder: Path, today: str, keep_days: int) -> list[str]:
    """Delete the folders of days that are over for longer; return their names."""
    try:
        last = datetime.strptime(today, "%Y-%m-%d").replace(tzinfo=UTC) - timedelta(days=keep_days)
        names = sorted(
            path.name
            for path in folder.iterdir()
            if DAY.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
        )
    except (FileNotFoundError, ValueError):
        return []
    old = [name for name in names if name <= last.strftime("%Y-%m-%d")]
    for name in old:
        shutil.rmtree(folder / name)
    return old


__all__ = ["Place", "delete_old", "write_rows"]
