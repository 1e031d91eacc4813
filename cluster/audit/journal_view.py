"""The whole journal as SQL: closed days as Parquet, open days as Arrow, void rows left out.

DuckDB reads only the columns that a query names, so a year of decisions is a matter of seconds and
memory stays bounded. Damaged files are named and left out; the rest is read.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from checkpoints.arrow_file import damage_in, open_table
from checkpoints.errors import Damage, MissingFileError, StorageError
from checkpoints.journal import JOURNAL, JOURNAL_SCHEMA, FlushName, parse_flush_name
from checkpoints.journal_days import COVERED_KEY, Covered, damaged_flushes
from checkpoints.storage import LocalStorage

VERIFIED_BYTES: Final = 256 * 1024**2
"""Closed days up to this size together are read page by page before anything is told of them; a
longer journal only where a query fails, for it would take longer than the query."""
MEMORY_LIMIT: Final = "1GB"
"""What DuckDB may hold at once; a year's `audit releases` needs about a third of it."""
OPEN_TRIES: Final = 3
"""A day is closed once; more than that in one reading is another fault."""
PROBLEMS_MAX: Final = 200
"""Of one kind, named one by one; beyond it the count says enough."""
_VALID: Final = """
create table bounds as select slot, fence, min(sequence) - 1 as last from rows group by all;
insert into bounds select slot, fence, first - 1 from damaged_flush;
create table limits as
  select a.slot, a.fence, coalesce(min(b.last), 9223372036854775807) as last
  from (select distinct slot, fence from bounds) a
  left join bounds b on a.slot = b.slot and b.fence > a.fence group by all;
create view valid as
  select rows.* from rows join limits using (slot, fence) where sequence <= limits.last;
"""
_BROKEN: Final = """
select slot, sequence, market_ms - before_ms, wire_ms - before_wire, sequence - before - 1 from (
  select slot, sequence, market_ms, wire_ms,
    lag(market_ms) over w as before_ms, lag(wire_ms) over w as before_wire,
    lag(sequence) over w as before
  from valid window w as (partition by slot order by sequence))
where market_ms < before_ms or wire_ms < before_wire or sequence > before + 1
order by all limit {limit}
"""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the record that cannot be trusted; what depends on it is left out."""

    kind: str
    """``damaged``, ``missing_rows``, ``clock_backwards``, ``missing`` or ``altered``."""
    subject: str
    reason: str


class JournalView:
    """A DuckDB connection with the views `rows` (all) and `valid` (those that count)."""

    def __init__(self, storage: Path, *, verify: bool = False) -> None:
        """Open; raise `StorageError` if there is no journal.

        `verify`: read every page of every closed day first, whatever it takes; `read_journal` asks
        for it where a query fails.
        """
        self.storage = LocalStorage(storage)
        self._verify = verify
        if not (storage / JOURNAL).is_dir():
            raise StorageError(f"{storage} holds no journal: nothing was ever decided there")
        self.damaged: list[Damage] = []
        self.sql = self._open()

    def fetch(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self.sql.execute(query, list(values)).fetchall()
        return found

    def run(self, statement: str) -> None:
        self.sql.execute(statement)

    def arrow(self, query: str, *values: object) -> Any:
        """Return a `pyarrow.Table`."""
        return self.sql.sql(query, params=list(values)).to_arrow_table()

    def problems(self) -> tuple[Problem, ...]:
        """Name damaged files, rows that are missing, and clocks that went backwards."""
        return (*map(problem_of, self.damaged), *self._broken_sequences())

    def _broken_sequences(self) -> Iterator[Problem]:
        for slot, sequence, market, wire, gap in self.fetch(_BROKEN.format(limit=PROBLEMS_MAX)):
            subject = f"{slot} row {sequence}"
            for clock, change_ms in (("market", market), ("wire", wire)):
                if change_ms < 0:
                    said = f"{clock} time is {-change_ms} ms before that of the row before it"
                    yield Problem(kind="clock_backwards", subject=subject, reason=said)
            if gap > 0:
                yield Problem(kind="missing_rows", subject=subject, reason=f"{gap} rows before it")

    def _open(self) -> duckdb.DuckDBPyConnection:
        """Connect; a day that is closed while its flushes are read is read again, as Parquet."""
        for left in reversed(range(OPEN_TRIES)):
            self.damaged = list(damaged_flushes(self.storage))
            try:
                return self._connect()
            except MissingFileError:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def _connect(self) -> duckdb.DuckDBPyConnection:
        days = self._intact_days()
        flushes = self._open_rows(days)
        connection = duckdb.connect(config={"memory_limit": MEMORY_LIMIT})
        names = ", ".join(f'"{name}"' for name in JOURNAL_SCHEMA.names)
        connection.register("flushes", flushes)
        parts = [f"select {names} from flushes"]  # noqa: S608 own names
        if days:
            empty = JOURNAL_SCHEMA.empty_table()
            connection.register("no_rows", empty)
            files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in days)
            parts.append(
                f"select {names} from (from no_rows union all by name "  # noqa: S608 own names
                f"from read_parquet([{files}], union_by_name = true))"
            )
        connection.execute(f"create view rows as {' union all '.join(parts)}")
        lost = [name for damage in self.damaged if (name := _flush_of(damage))]
        columns = {
            "slot": pa.array([name.slot for name in lost], pa.string()),
            "fence": pa.array([name.fence for name in lost], pa.int64()),
            "first": pa.array([name.first for name in lost], pa.int64()),
        }
        connection.register("damaged_flush", pa.table(columns))
        connection.execute(_VALID)
        return connection

    def _intact_days(self) -> dict[Path, Covered]:
        """Return the closed days that can be read, and what each has taken in."""
        days: dict[Path, Covered] = {}
        paths = sorted((self.storage.root / JOURNAL).glob("*.parquet"))
        verify = self._verify or sum(path.stat().st_size for path in paths) <= VERIFIED_BYTES
        for path in paths:
            found = _read_day(path, verify=verify)
            if isinstance(found, str):
                name = f"{JOURNAL}/{path.name}"
                self.damaged.append(Damage(name=name, kind="DamagedJournalError", reason=found))
            else:
                days[path] = found
        return days

    def _open_rows(self, days: dict[Path, Covered]) -> Any:
        """Read the flushes that no closed day has taken in."""
        covered = {path.stem: held for path, held in days.items()}
        tables = [JOURNAL_SCHEMA.empty_table()]
        for name in self.storage.names(f"{JOURNAL}/"):
            flush = parse_flush_name(name)
            if flush is None:
                continue
            taken = covered.get(flush.day, {}).get(flush.slot, {}).get(str(flush.fence), 0)
            if flush.first > taken:
                table = self._flush(name)
                tables += [] if table is None else [table]
        whole = pa.concat_tables(tables, promote_options="default")
        return whole.select(JOURNAL_SCHEMA.names).cast(JOURNAL_SCHEMA).combine_chunks()

    def _flush(self, name: str) -> Any:
        data = self.storage.read(name)
        wrong = damage_in(data)
        if wrong is None:
            try:
                return _own_columns(open_table(data).replace_schema_metadata(None))
            except (pa.ArrowException, ValueError) as error:
                wrong = str(error)
        self.damaged.append(Damage(name=name, kind="DamagedJournalError", reason=wrong))
        return None


_T = TypeVar("_T")


def read_journal(storage: Path, read: Callable[[JournalView], _T]) -> _T:
    """Read; where a damaged page stops it, find the damaged days first and read the rest."""
    try:
        return read(JournalView(storage))
    except duckdb.Error:
        return read(JournalView(storage, verify=True))


def _own_columns(table: Any) -> Any:
    """Leave out columns of newer code."""
    present = set(table.column_names)
    if table.schema.equals(JOURNAL_SCHEMA):
        return table
    return table.select([name for name in JOURNAL_SCHEMA.names if name in present])


def problem_of(damage: Damage) -> Problem:
    return Problem(kind="damaged", subject=damage.name, reason=damage.reason)


def _flush_of(damage: Damage) -> FlushName | None:
    return parse_flush_name(damage.name.removeprefix("damaged/"))


def _read_day(path: Path, *, verify: bool) -> Covered | str:
    """Return what a closed day has taken in, or what is wrong with it.

    Its footer is read always, each page if asked to.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            schema = file.schema_arrow
            missing = {"slot", "sequence", "fence", "kind"} - set(schema.names)
            if missing:
                return f"not a journal: no column {min(missing)}"
            for _ in file.iter_batches() if verify else ():
                pass
            text = (schema.metadata or {}).get(COVERED_KEY, b"{}")
            return msgspec.json.decode(text, type=Covered)
    except (pa.ArrowException, OSError, msgspec.DecodeError) as error:
        return f"unreadable: {error}"
