"""Which rows of a tape can be of this world; the others are left out, as if they were not there.

`midstride tape check` names them. Pure.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cluster.sandbox.prices.recorded import TapeError
from cluster.sandbox.prices.shapes import INTERVALS_MS, MONDAY_MS

SECONDS_BELOW: Final = 10**11
"""A time below this is in seconds: in milliseconds it would be of 1973."""
FROM_MS: Final = 1_230_768_000_000
UNTIL_MS: Final = 4_102_444_800_000
"""2009 to 2100."""
PRICES: Final = ("open", "high", "low", "close")
RATE_MAX: Final = 0.1
"""Of one funding interval: exchanges cap it at some percent."""
Bools = NDArray[np.bool_]


def candle_rows(table: pa.Table) -> pa.Table:
    """Leave out candles of no known interval, beside their grid, or with impossible prices."""
    intervals = _required(table, "interval")
    table = table.filter(pc.is_in(intervals, pa.array(list(INTERVALS_MS))))
    times = _times(table, "open_time_ms")
    lengths = np.array(
        [INTERVALS_MS[str(name)] for name in table["interval"].to_pylist()], dtype=np.int64
    )
    opened, high, low, closed = (_floats(table, name) for name in PRICES)
    volume = _floats(table, "volume")
    top, bottom = np.maximum(opened, closed), np.minimum(opened, closed)
    good = _in_time(times) & ((times - MONDAY_MS) % np.maximum(lengths, 1) == 0)
    for price in (opened, high, low, closed):
        good &= np.isfinite(price) & (price > 0)
    good &= (low <= bottom) & (top <= high) & np.isfinite(volume) & (volume >= 0)
    return _kept(table, "open_time_ms", times, good)


def rate_rows(table: pa.Table) -> pa.Table:
    times, rates = _times(table, "funding_time_ms"), _floats(table, "rate")
    good = np.isfinite(rates) & (np.abs(rates) <= RATE_MAX)
    return _kept(table, "funding_time_ms", times, _in_time(times) & good)


def interest_rows(table: pa.Table) -> pa.Table:
    times, units = _times(table, "time_ms"), _floats(table, "open_interest_base")
    return _kept(table, "time_ms", times, _in_time(times) & np.isfinite(units) & (units > 0))


def _kept(table: pa.Table, time_name: str, times: Any, good: Bools) -> pa.Table:
    _required(table, "asset")
    place = table.schema.get_field_index(time_name)
    return table.set_column(place, time_name, pa.array(times)).filter(pa.array(good))


def _in_time(times: Any) -> Bools:
    found: Bools = (times >= FROM_MS) & (times < UNTIL_MS)
    return found


def _required(table: pa.Table, name: str) -> Any:
    names: Sequence[str] = table.schema.names
    if name not in names:
        raise TapeError(f"the tape lacks the column {name!r}; it has {list(names)}")
    return table[name]


def _times(table: pa.Table, name: str) -> Any:
    """Return times, a missing one as 0; raise `TapeError` for another form."""
    try:
        found = pc.fill_null(pc.cast(_required(table, name), pa.int64()), 0).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise TapeError(f"the tape's column {name!r} holds no times: {error}") from error
    if len(found) and 0 < int(found.max()) < SECONDS_BELOW:
        raise TapeError(f"the tape's column {name!r} is in seconds: milliseconds are needed")
    return found


def _floats(table: pa.Table, name: str) -> Any:
    """Return numbers, a missing one as NaN; raise `TapeError` for another form."""
    try:
        found = pc.cast(_required(table, name), pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise TapeError(f"the tape's column {name!r} holds no numbers: {error}") from error
    return pc.fill_null(found, float("nan")).to_numpy()
