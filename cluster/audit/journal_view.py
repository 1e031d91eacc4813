"""The whole journal as SQL: closed days as Parquet, open days as Arrow, void rows left out.

DuckDB reads only the columns that a query names, so a year of decisions is a matter of seconds and
memory stays bounded. Damaged files are named and left out; the rest is read.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import duckdb
import pyarrow as pa

from checkpoints.arrow_file import damage_in, open_table
from checkpoints.errors import Damage, MissingFileError, StorageError
from checkpoints.journal import (
    JOURNAL,
    JOURNAL_SCHEMA,
    FlushName,
    flush_name,
    own_columns,
    parse_flush_name,
)
from checkpoints.journal_days import Covered, closed_days, damaged_flushes, day_damage
from checkpoints.storage import LocalStorage
from cluster.audit.journal_part import ALL, Within
from cluster.audit.kept_flushes import KeptFlushes, Read
from cluster.audit.problem import Problem
from cluster.audit.sequences import broken_sequences
from signals.market import Slot, day_of

__all__ = ["ALL", "JournalView", "Within", "problem_of", "read_journal"]
MEMORY_LIMIT: Final = "1GB"
"""What DuckDB may hold at once; a year's `audit releases` needs about a third of it."""
NAMED_MAX: Final = 5
"""Damaged files in a sentence; the report has all."""
OPEN_TRIES: Final = 3
"""A day is closed once; more than that in one reading is another fault."""
_ENDS: Final = "select slot, fence, min(sequence), max(sequence) from rows group by all"
_VALID: Final = "create view valid as select * from rows"
_NOT_VOID: Final = """ where not exists (select 1 from void
  where void.slot = rows.slot and void.fence = rows.fence and rows.sequence > void.last)"""


class JournalView:
    """A DuckDB connection with the views `rows` (all) and `valid` (those that count)."""

    def __init__(
        self,
        storage: Path,
        *,
        verify: bool = False,
        within: Within = ALL,
        kept: KeptFlushes | None = None,
    ) -> None:
        """Open; raise `StorageError` if there is no journal.

        `verify`: the payloads of closed days too, however large they are; `read_journal` asks for
        it where a query fails, and a replay always. `kept`: of a reader that comes again and again.
        """
        self.storage = LocalStorage(storage)
        self._verify = verify
        self._within = within
        self._kept = kept or KeptFlushes()
        if not (storage / JOURNAL).is_dir():
            raise StorageError(_no_journal(storage))
        self.damaged: list[Damage] = []
        self.misnamed: list[Problem] = []
        self._registered: set[str] = set()
        self.sql = self._open()

    def fetch(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self.sql.execute(query, list(values)).fetchall()
        return found

    def run(self, statement: str) -> None:
        self.sql.execute(statement)

    def register(self, name: str, table: Any) -> None:
        """Let queries use a `pyarrow.Table` under a name."""
        self.sql.register(name, table)
        self._registered.add(name)

    def has(self, name: str) -> bool:
        return name in self._registered

    def arrow(self, query: str, *values: object) -> Any:
        """Return a `pyarrow.Table`."""
        return self.sql.sql(query, params=list(values)).to_arrow_table()

    def days_damaged(self, days: Iterable[str]) -> Iterator[Problem]:
        """Verify the payloads of closed days that an answer rests on, in a journal of any size."""
        known = {damage.name for damage in self.damaged}
        for day in days:
            damage = day_damage(self.storage.root, day)
            if damage is not None and damage.name not in known:
                yield problem_of(damage)

    @property
    def lost(self) -> str:
        """Say which files could not be read, where something was not found; begins with ``;``."""
        names = [damage.name for damage in self.damaged]
        more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
        return f"; damaged: {', '.join(names[:NAMED_MAX])}{more}" if names else ""

    def problems(self) -> tuple[Problem, ...]:
        """Name damaged files, rows that are missing, and clocks that went backwards."""
        return (*map(problem_of, self.damaged), *self.misnamed, *broken_sequences(self))

    def _open(self) -> duckdb.DuckDBPyConnection:
        """Connect; a day that is closed while its flushes are read is read again, as Parquet."""
        for left in reversed(range(OPEN_TRIES)):
            self.damaged, self.misnamed = list(damaged_flushes(self.storage)), []
            try:
                return self._connect()
            except MissingFileError:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def _connect(self) -> duckdb.DuckDBPyConnection:
        closed = closed_days(self.storage.root, deep=self._verify, wanted=self._within.has_day)
        self.damaged += closed.damaged
        flushes = self._open_rows(closed.intact)
        connection = duckdb.connect(config={"memory_limit": MEMORY_LIMIT})
        names = ", ".join(f'"{name}"' for name in JOURNAL_SCHEMA.names)
        connection.register("flushes", flushes)
        parts = [f"select {names} from flushes"]  # noqa: S608 own names
        if closed.intact:
            empty = JOURNAL_SCHEMA.empty_table()
            connection.register("no_rows", empty)
            files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in closed.intact)
            parts.append(
                f"select {names} from (from no_rows union all by name "  # noqa: S608 own names
                f"from read_parquet([{files}], union_by_name = true))"
            )
        connection.execute(f"create view whole as {' union all '.join(parts)}")
        connection.execute(f"create view rows as from whole{self._slot_clause()}")
        self._leave_out_void_rows(connection)
        return connection

    def _slot_clause(self) -> str:
        """Views take no bound values: a slot's name has no quote in it."""
        slot = self._within.slot
        return "" if slot is None else f" where slot = '{Slot.parse(slot)}'"

    def _leave_out_void_rows(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Define `valid`; a join only where there are void rows at all, for there mostly are none.

        A damaged flush still tells by its name from where on an older fence's rows are void.
        """
        ends = [Ownership(*row) for row in connection.execute(_ENDS).fetchall()]
        lost = [name for damage in self.damaged if (name := _flush_of(damage))]
        ends += [Ownership(name.slot, name.fence, name.first, name.first) for name in lost]
        void = [(one.slot, one.fence, last) for one, last in _overrun(ends)]
        slots, fences, lasts = zip(*void, strict=True) if void else ((), (), ())
        columns = {
            "slot": pa.array(slots, pa.string()),
            "fence": pa.array(fences, pa.int64()),
            "last": pa.array(lasts, pa.int64()),
        }
        connection.register("void", pa.table(columns))
        connection.execute(_VALID + (_NOT_VOID if void else ""))

    def _open_rows(self, days: dict[Path, Covered]) -> Any:
        """Read the flushes that no closed day has taken in."""
        covered = {path.stem: held for path, held in days.items()}
        wanted = []
        for name in self._flush_names():
            flush = parse_flush_name(name)
            if flush is None or not self._within.has(flush):
                continue
            taken = covered.get(flush.day, {}).get(flush.slot, {}).get(str(flush.fence), 0)
            if flush.first > taken:
                wanted.append(flush)
        tables = self._kept.tables(self.storage.root, wanted, self._flush)
        return pa.concat_tables([JOURNAL_SCHEMA.empty_table(), *tables]).combine_chunks()

    def _flush_names(self) -> Iterator[str]:
        """Yield what may be wanted: folders of other days and slots are not even listed."""
        slot = "" if self._within.slot is None else f"{self._within.slot}/"
        for day in self.storage.folders(JOURNAL):
            if self._within.has_day(day):
                yield from self.storage.names(f"{JOURNAL}/{day}/{slot}")

    def _flush(self, flush: FlushName) -> Read:
        data = self.storage.read(flush.name)
        wrong = damage_in(data)
        if wrong is None:
            try:
                table = own_columns(open_table(data))
            except (pa.ArrowException, ValueError) as error:
                wrong = str(error)
            else:
                misnamed = list(_misnamed(flush, table))
                self.misnamed += misnamed
                return Read(table=table, keep=not misnamed)
        self.damaged.append(Damage(name=flush.name, kind="DamagedJournalError", reason=wrong))
        return Read(table=None, keep=False)


def _misnamed(flush: FlushName, table: Any) -> Iterator[Problem]:
    """Yield a flush that its name is wrong about: a slot that comes back finds rows by names."""
    if not table.num_rows:
        return
    row = {name: table.column(name)[0].as_py() for name in ("slot", "sequence", "fence")}
    day = day_of(table.column("market_ms")[0].as_py())
    own = flush_name(day, row["slot"], row["sequence"], row["fence"])
    if own != flush.name:
        yield Problem(kind="altered", subject=flush.name, reason=f"its rows are those of {own}")


def _no_journal(storage: Path) -> str:
    known = [name for name in ("checkpoints", "gateway") if (storage / name).is_dir()]
    if known:
        return (
            f"the journal of {storage} is gone, and {' and '.join(known)} tell of a fleet that "
            "traded: restore the folder `journal` from a copy"
        )
    return f"{storage} holds no journal: nothing was ever decided there"


class Ownership(NamedTuple):
    """The rows of one fence of a slot, by their first and last sequence."""

    slot: str
    fence: int
    first: int
    last: int


def _overrun(ends: list[Ownership]) -> Iterator[tuple[Ownership, int]]:
    """Yield the ownerships that have rows beyond where a later one began, and where that was."""
    by_slot: dict[str, list[Ownership]] = {}
    for one in ends:
        by_slot.setdefault(one.slot, []).append(one)
    for owned in by_slot.values():
        for one in owned:
            later = [other.first - 1 for other in owned if other.fence > one.fence]
            if later and one.last > min(later):
                yield one, min(later)


_T = TypeVar("_T")


def read_journal(
    storage: Path,
    read: Callable[[JournalView], _T],
    *,
    verify: bool = False,
    within: Within = ALL,
    kept: KeptFlushes | None = None,
) -> _T:
    """Read; where a damaged page stops it, find the damaged days first and read the rest."""
    try:
        return read(JournalView(storage, verify=verify, within=within, kept=kept))
    except duckdb.Error:
        return read(JournalView(storage, verify=True, within=within, kept=kept))


def problem_of(damage: Damage) -> Problem:
    return Problem(kind="damaged", subject=damage.name, reason=damage.reason)


def _flush_of(damage: Damage) -> FlushName | None:
    return parse_flush_name(damage.name.removeprefix("damaged/"))
