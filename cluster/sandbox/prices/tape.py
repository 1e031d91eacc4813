"""Read a folder of recorded market data: klines, funding, open interest (see its README).

Columns: klines.parquet has asset, venue, interval, open_time_ms, open, high, low, close, volume,
taker_buy_base; funding.parquet has asset, funding_time_ms, rate; open_interest.parquet has asset,
time_ms, open_interest_base. Only gap-free 5-minute candles of one perpetual are used: of a tape
that the recorder wrote, the longest run of each asset without a gap, from whatever source served,
and its longer candles, which reach back further.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cluster.sandbox.model import ASSETS
from cluster.sandbox.prices.recorded import (
    TAPE_FILES,
    RecordedCandles,
    RecordedSeries,
    Tape,
    TapeError,
)
from cluster.sandbox.prices.shapes import CANDLE_MS, INTERVALS_MS, candle_index
from cluster.sandbox.prices.tape_files import is_own, tape_files
from cluster.sandbox.prices.tape_rows import candle_rows, interest_rows, rate_rows, text

__all__ = ["TapeError", "load_tape"]

VENUE: Final = "binance_um_perp"
Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


def load_tape(folder: Path, assets: Sequence[str] = ASSETS) -> Tape:
    """Read the three files; raise `TapeError` where the folder is not a tape.

    A day that the recorder wrote may have no funding or open interest: then both are made.
    """
    klines, *others = TAPE_FILES
    own = is_own(folder)
    tables = [
        _read(folder, name) if tape_files(folder, name) or not own else None for name in others
    ]
    names = (("funding_time_ms", "rate"), ("time_ms", "open_interest_base"))
    funding, open_interest = (
        {} if table is None else _series(usable(table), *columns, assets)
        for table, usable, columns in zip(tables, (rate_rows, interest_rows), names, strict=True)
    )
    table = candle_rows(_read(folder, klines))
    return Tape(
        candles=_candles(table, assets, own=own),
        longer=_longer(table, assets) if own else {},
        funding=funding,
        open_interest=open_interest,
    )


def _read(folder: Path, name: str) -> pa.Table:
    paths = tape_files(folder, name)
    if not paths:
        raise TapeError(f"{folder / name} is missing: the tape folder needs it")
    found = [_read_file(path) for path in paths]
    try:
        return pa.concat_tables(found, promote_options="permissive")
    except pa.ArrowException as error:
        raise TapeError(f"the files {name} of {folder} differ in form: {error}") from error


def _read_file(path: Path) -> pa.Table:
    try:
        return pq.read_table(path, partitioning=None, page_checksum_verification=True)
    except (pa.ArrowInvalid, OSError) as error:
        raise TapeError(f"{path} cannot be read as Parquet: {error}") from error


def _candles(table: pa.Table, assets: Sequence[str], *, own: bool) -> dict[str, RecordedCandles]:
    chosen = table.filter(pc.equal(table["interval"], "5m"))
    if not own:  # the recorder writes each candle once, from the source that served
        chosen = chosen.filter(pc.equal(text(chosen, "venue"), VENUE))
    found: dict[str, RecordedCandles] = {}
    for asset in assets:
        rows = chosen.filter(pc.equal(chosen["asset"], asset.upper())).sort_by("open_time_ms")
        if rows.num_rows:
            found[asset] = _one_asset(asset, _longest_run(rows) if own else rows)
    if not found:
        raise TapeError(f"klines.parquet has no 5m candles{'' if own else f' of venue {VENUE}'}")
    return found


def _longer(table: pa.Table, assets: Sequence[str]) -> dict[str, dict[int, dict[int, Any]]]:
    """Read the candles of the other intervals."""
    found: dict[str, dict[int, dict[int, Any]]] = {asset: {} for asset in assets}
    for interval, length_ms in INTERVALS_MS.items():
        rows = table.filter(pc.equal(table["interval"], interval))
        if length_ms == CANDLE_MS:
            continue
        names = [str(name).lower() for name in rows.column("asset").to_pylist()]
        times = rows["open_time_ms"].to_numpy()
        values = _values(rows)
        for asset, time_ms, row in zip(names, times.tolist(), values, strict=True):
            if asset in found:
                found[asset].setdefault(length_ms, {})[time_ms] = row
    return found


def _longest_run(rows: pa.Table) -> pa.Table:
    """Leave out what is there twice, and keep the longest part without a gap."""
    times = rows["open_time_ms"].to_numpy()
    rows = rows.take(pa.array(np.unique(times, return_index=True)[1]))
    times = np.unique(times)
    breaks = np.flatnonzero(np.diff(times) != CANDLE_MS) + 1
    edges = [0, *breaks.tolist(), len(times)]
    start, end = max(pairwise(edges), key=lambda edge: edge[1] - edge[0])
    return rows.slice(start, end - start)


def _one_asset(asset: str, rows: pa.Table) -> RecordedCandles:
    times = rows["open_time_ms"].to_numpy()
    if len(times) > 1 and set(np.diff(times).tolist()) != {CANDLE_MS}:
        raise TapeError(
            f"the 5m candles of {asset} have gaps or repetitions: `midstride tape check` says where"
        )
    return RecordedCandles(first_index=candle_index(int(times[0])), rows=_values(rows))


def _values(rows: pa.Table) -> Floats:
    names = ("open", "high", "low", "close", "volume", "taker_buy_base")
    return np.column_stack([rows[name].to_numpy() for name in names])


def _series(
    table: pa.Table, time_name: str, value_name: str, assets: Sequence[str]
) -> dict[str, RecordedSeries]:
    names = table["asset"].to_numpy()
    times = table[time_name].to_numpy()
    values = table[value_name].to_numpy()
    found: dict[str, RecordedSeries] = {}
    for asset in assets:
        mine = names == asset.upper()
        if mine.any():
            order = np.argsort(times[mine], kind="stable")
            found[asset] = RecordedSeries(market_ms=times[mine][order], values=values[mine][order])
    return found
