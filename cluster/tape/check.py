"""Look through a tape: what of it is missing, twice, out of order or not of this world."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cluster.sandbox.prices.recorded import TapeError
from cluster.sandbox.prices.tape_files import tape_files
from cluster.sandbox.prices.tape_rows import (
    SECONDS_BELOW,
    candle_rows,
    interest_rows,
    numbers,
    rate_rows,
    times,
)
from cluster.tape.errors import TapeFolderError
from cluster.terminal.counting import counted
from signals.market import Asset

CANDLE_MS: Final = 300_000
ALL: Final = "all"


class Series(NamedTuple):
    name: str
    time: str
    key: tuple[str, ...]
    gap_ms: int
    """Two rows further apart have a gap between them."""
    positive: tuple[str, ...]
    usable: Callable[[pa.Table], pa.Table] | None
    """Leaves out what no replay can use; None: nothing replays it."""
    needed: bool
    """Without it nothing can be replayed."""


SERIES: Final = (
    Series(
        "klines",
        "open_time_ms",
        ("interval", "open_time_ms"),
        CANDLE_MS,
        ("open", "high", "low", "close"),
        candle_rows,
        needed=True,
    ),
    Series(
        "funding",
        "funding_time_ms",
        ("funding_time_ms",),
        8 * 3_600_000 + 60_000,
        (),
        rate_rows,
        needed=True,
    ),
    Series(
        "open_interest",
        "time_ms",
        ("time_ms",),
        600_000,
        ("open_interest_base",),
        interest_rows,
        needed=True,
    ),
    Series("ticks", "observed_ms", ("observed_ms",), 5_000, ("twap",), None, needed=False),
)


class Lack(msgspec.Struct, frozen=True, kw_only=True):
    asset: str
    series: str
    what: str


class Held(msgspec.Struct, frozen=True, kw_only=True):
    asset: str
    series: str
    rows: int
    from_ms: int
    until_ms: int


class TapeReport(msgspec.Struct, frozen=True, kw_only=True):
    folder: str
    held: tuple[Held, ...]
    lacks: tuple[Lack, ...]


def check_tape(folder: Path) -> TapeReport:
    """Say what a tape holds and what it lacks. Raises `TapeFolderError`."""
    if not folder.is_dir():
        raise TapeFolderError(f"{folder} is no folder: name the one that holds the tape")
    held: list[Held] = []
    lacks: list[Lack] = []
    for series in SERIES:
        tables = _tables(folder, series, lacks)
        for found in _series(tables, series):
            if isinstance(found, Held):
                held.append(found)
            else:
                lacks.append(found)
    if not held:
        raise TapeFolderError(f"{folder} holds no tape: klines.parquet is looked for in it")
    return TapeReport(folder=str(folder), held=tuple(held), lacks=tuple(lacks))


def _tables(folder: Path, series: Series, lacks: list[Lack]) -> list[pa.Table]:
    """Read the files of a series; one that cannot be read is lacking and hides no other."""
    tables: list[pa.Table] = []
    paths = tape_files(folder, f"{series.name}.parquet") or _hourly(folder, series.name)
    for path in paths:
        try:
            table = pq.read_table(path, partitioning=None, page_checksum_verification=True)
        except (pa.ArrowException, OSError) as error:
            why = f"cannot be read: {str(error).splitlines()[0][:120]}"
        else:
            absent = [n for n in ("asset", *series.key) if n not in table.schema.names]
            if not absent:
                tables.append(table)
                continue
            why = f"has no column {', '.join(absent)}"
        lacks.append(Lack(asset=ALL, series=series.name, what=f"{path} {why}"))
    if series.needed and not paths:
        lacks.append(Lack(asset=ALL, series=series.name, what="no file of it"))
    return tables


def _series(tables: list[pa.Table], series: Series) -> Iterator[Held | Lack]:
    if not tables:
        return
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        yield Lack(asset=ALL, series=series.name, what=f"files that differ in form: {error}"[:200])
        return
    yield from _unusable(table, series)
    if not table.num_rows:
        yield Lack(asset=ALL, series=series.name, what="no rows")
    names = [str(name) for name in table.column("asset").to_pylist()]
    for asset in sorted(set(names)):
        chosen = table.filter(pa.array([name == asset for name in names]))
        yield from _asset(asset.lower(), series, chosen)
    known = {name.lower() for name in names}
    for one in Asset:
        if series.name == "klines" and str(one) not in known:
            yield Lack(asset=str(one), series=series.name, what="no rows: its prices are made")


def _unusable(table: pa.Table, series: Series) -> Iterator[Lack]:
    """Count what a replay leaves out, over all assets and intervals."""
    if series.usable is None:
        return
    try:
        left = table.num_rows - series.usable(table).num_rows
    except TapeError as error:
        yield Lack(asset=ALL, series=series.name, what=str(error))
        return
    if left:
        what = f"{left} rows that no replay uses: their time, interval or values cannot be"
        yield Lack(asset=ALL, series=series.name, what=what)


def _hourly(folder: Path, name: str) -> list[Path]:
    pattern = f"{name}-[0-9][0-9].parquet"
    return sorted(folder.glob(f"*/{pattern}")) + sorted(folder.glob(f"*/*/{pattern}"))


def _asset(asset: str, series: Series, table: pa.Table) -> Iterator[Held | Lack]:
    if series.name == "klines":
        table = table.filter(pa.array([row == "5m" for row in table["interval"].to_pylist()]))
    try:
        stamps = times(table, series.time)
    except TapeError as error:
        yield Lack(asset=asset, series=series.name, what=str(error))
        return
    if not len(stamps):
        yield Lack(asset=asset, series=series.name, what="no rows")
        return
    yield Held(
        asset=asset,
        series=series.name,
        rows=len(stamps),
        from_ms=int(stamps.min()),
        until_ms=int(stamps.max()),
    )
    for what in (
        *_order(stamps),
        *_stamps(stamps, series),
        *_twice(table, stamps),
        *_gaps(stamps, series),
        *_values(table, series),
    ):
        yield Lack(asset=asset, series=series.name, what=what)


def _order(times: Any) -> Iterator[str]:
    back = np.flatnonzero(np.diff(times) < 0)
    if len(back):
        first = time_text(times[back[0] + 1])
        yield f"{counted(len(back), 'row')} out of order, the first at {first}"


def _stamps(times: Any, series: Series) -> Iterator[str]:
    if 0 < int(times.max()) < SECONDS_BELOW:
        yield "times are in seconds, milliseconds are needed"
    elif series.name == "klines" and (times % CANDLE_MS).any():
        off = times[np.flatnonzero(times % CANDLE_MS)]
        yield f"{len(off)} candles begin beside the five minutes, the first at {time_text(off[0])}"


def _twice(table: pa.Table, times: Any) -> Iterator[str]:
    unique, counts = np.unique(times, return_counts=True)
    double = unique[counts > 1]
    if not len(double):
        return
    rows = table.filter(pa.array(np.isin(times, double))).to_pylist()
    different = len({tuple(row.values()) for row in rows}) - len(double)
    said = f", {different} of them with other values" if different else ""
    yield f"{len(double)} times there twice{said}, the first {time_text(double[0])}"


def _gaps(times: Any, series: Series) -> Iterator[str]:
    ordered = np.unique(times)
    steps = np.diff(ordered)
    wide = np.flatnonzero(steps > series.gap_ms)
    if not len(wide):
        return
    longest = wide[np.argmax(steps[wide])]
    minutes = int(steps[longest]) / 60_000
    yield (
        f"{len(wide)} gaps, the longest of {minutes:.1f} minutes from {time_text(ordered[longest])}"
    )


def _values(table: pa.Table, series: Series) -> Iterator[str]:
    for name in series.positive:
        try:
            values = numbers(table, name)
        except TapeError as error:
            yield str(error)
            continue
        odd = int((~(np.isfinite(values) & (values > 0))).sum())
        if odd:
            yield f"{odd} values of {name} are missing, not finite or not above zero"


def time_text(time_ms: int) -> str:
    """Write a time for people; one that is none as it stands."""
    try:
        return datetime.fromtimestamp(int(time_ms) / 1_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return str(time_ms)
