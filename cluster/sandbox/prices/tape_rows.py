"""Which rows of a tape can be of this world; the others are left out, as if they were not there.

`midstride tape check` names them. Pure.
"""

from collections.abc import Mapping, Sequence
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
    """Leave out candles of no known interval, beside their grid, or with impossible values."""
    table = _with(table, {"interval": text(table, "interval")})
    table = table.filter(pc.is_in(table["interval"], pa.array(list(INTERVALS_MS))))
    opened_ms = _milliseconds(table, "open_time_ms")
    lengths = np.array(
        [INTERVALS_MS[name] for name in table["interval"].to_pylist()], dtype=np.int64
    )
    values = {name: numbers(table, name) for name in (*PRICES, "volume", "taker_buy_base")}
    opened, high, low, closed, volume, taker = values.values()
    good = _in_time(opened_ms) & ((opened_ms - MONDAY_MS) % np.maximum(lengths, 1) == 0)
    for price in (opened, high, low, closed):
        good &= np.isfinite(price) & (price > 0)
    good &= (low <= np.minimum(opened, closed)) & (np.maximum(opened, closed) <= high)
    good &= np.isfinite(volume) & (volume >= 0)
    good &= np.isnan(taker) | ((taker >= 0) & (taker <= volume))
    return _kept(table, {"open_time_ms": opened_ms, **values}, good)


def rate_rows(table: pa.Table) -> pa.Table:
    charged_ms, rates = _milliseconds(table, "funding_time_ms"), numbers(table, "rate")
    good = _in_time(charged_ms) & np.isfinite(rates) & (np.abs(rates) <= RATE_MAX)
    return _kept(table, {"funding_time_ms": charged_ms, "rate": rates}, good)


def interest_rows(table: pa.Table) -> pa.Table:
    seen_ms, units = _milliseconds(table, "time_ms"), numbers(table, "open_interest_base")
    good = _in_time(seen_ms) & np.isfinite(units) & (units > 0)
    return _kept(table, {"time_ms": seen_ms, "open_interest_base": units}, good)


def _kept(table: pa.Table, columns: Mapping[str, Any], good: Bools) -> pa.Table:
    read = {"asset": text(table, "asset")} | {name: pa.array(c) for name, c in columns.items()}
    return _with(table, read).filter(pa.array(good))


def _with(table: pa.Table, columns: Mapping[str, Any]) -> pa.Table:
    for name, column in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


def _in_time(times: Any) -> Bools:
    found: Bools = (times >= FROM_MS) & (times < UNTIL_MS)
    return found


def _milliseconds(table: pa.Table, name: str) -> Any:
    found = times(table, name)
    if len(found) and 0 < int(found.max()) < SECONDS_BELOW:
        raise TapeError(f"the tape's column {name!r} is in seconds: milliseconds are needed")
    return found


# ---- columns; each raises `TapeError` where one is missing or has another form


def text(table: pa.Table, name: str) -> Any:
    return _cast(table, name, pa.string(), "words")


def times(table: pa.Table, name: str) -> Any:
    """Return times, a missing one as 0."""
    return pc.fill_null(_cast(table, name, pa.int64(), "times"), 0).to_numpy()


def numbers(table: pa.Table, name: str) -> Any:
    """Return numbers, a missing one as NaN."""
    return pc.fill_null(_cast(table, name, pa.float64(), "numbers"), float("nan")).to_numpy()


def _cast(table: pa.Table, name: str, form: Any, called: str) -> Any:
    names: Sequence[str] = table.schema.names
    if name not in names:
        raise TapeError(f"the tape lacks the column {name!r}; it has {list(names)}")
    try:
        return pc.cast(table[name], form)
    except pa.ArrowException as error:
        raise TapeError(f"the tape's column {name!r} holds no {called}: {error}") from error
