"""A tape with rows that cannot be is replayed without them, or refused; check names them."""

import contextlib
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.market_data.tape.files import write_rows
from actors.market_data.tape.rows import Marks, new_rows
from cluster.sandbox.prices.klines import Klines
from cluster.sandbox.prices.source import Prices
from cluster.sandbox.prices.tape import TapeError, load_tape
from cluster.tape.check import check_tape
from tests.actors.market_data.tape.test_replayed_tape import full_state

TIMES = {"klines": "open_time_ms", "funding": "funding_time_ms", "open_interest": "time_ms"}
VALUES = {"klines": "open", "funding": "rate", "open_interest": "open_interest_base"}
Change = Callable[[Any], Any]
DAY_MS = 86_400_000


def values(make: Callable[[int], float | None]) -> Callable[[str], tuple[str, Change]]:
    return lambda kind: (
        VALUES[kind],
        lambda found: pa.array([make(place) for place in range(len(found))], pa.float64()),
    )


def times(change: Change) -> Callable[[str], tuple[str, Change]]:
    return lambda kind: (TIMES[kind], change)


ODD: dict[str, Callable[[str], tuple[str, Change]]] = {
    "seconds": times(lambda found: pa.array(found.to_numpy() // 1_000)),
    "no times": times(lambda found: pa.nulls(len(found), pa.int64())),
    "words for times": times(lambda found: pa.array(["noon"] * len(found))),
    "times of another age": times(lambda found: pa.array([2**62] * len(found))),
    "times before time": times(lambda found: pa.array(-found.to_numpy())),
    "nothing for values": values(lambda _: None),
    "values that are no numbers": values(lambda _: math.nan),
    "endless values": values(lambda _: math.inf),
}
ONLY_POSITIVE: dict[str, Callable[[str], tuple[str, Change]]] = {
    "zero": values(lambda _: 0.0),
    "negative": values(lambda _: -90_000.0),
}
OF_CANDLES: dict[str, tuple[str, Change]] = {
    "a high below the low": ("high", lambda found: pa.array(found.to_numpy() / 2)),
    "a low above the high": ("low", lambda found: pa.array(found.to_numpy() * 2)),
    "a volume below nothing": ("volume", lambda found: pa.array(-1 - found.to_numpy())),
    "beside the grid": ("open_time_ms", lambda found: pa.array(found.to_numpy() + 1_234)),
    "an interval nobody has": ("interval", lambda found: pa.array(["7m"] * len(found))),
    "no interval": ("interval", lambda found: pa.nulls(len(found), pa.string())),
    "an interval of no type": ("interval", lambda found: pa.nulls(len(found))),
    "an interval that is a number": ("interval", lambda found: pa.array([5] * len(found))),
    "an interval in a list": ("interval", lambda found: pa.array([["5m"]] * len(found))),
    "takers who bought more than all": (
        "taker_buy_base",
        lambda found: pa.array(found.to_numpy() + 1e9),
    ),
    "takers who bought less than nothing": (
        "taker_buy_base",
        lambda found: pa.array(-1 - found.to_numpy()),
    ),
    "takers in a list": ("taker_buy_base", lambda found: pa.array([[1.0]] * len(found))),
}
CASES = [
    *((kind, name, case(kind)) for kind in TIMES for name, case in ODD.items()),
    *(
        (kind, name, case(kind))
        for kind in ("klines", "open_interest")
        for name, case in ONLY_POSITIVE.items()
    ),
    *(("klines", name, case) for name, case in OF_CANDLES.items()),
    *(
        (kind, "an asset in a list", ("asset", lambda found: pa.array([["BTC"]] * len(found))))
        for kind in TIMES
    ),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tape")
    write_rows(folder, new_rows(full_state(), Marks()))
    return folder


def spoil(whole: Path, folder: Path, kind: str, column: str, change: Change) -> Path:
    shutil.copytree(whole, folder)
    for file in folder.rglob(f"{kind}.parquet"):
        table = pq.read_table(file, partitioning=None)
        place = table.schema.get_field_index(column)
        pq.write_table(table.set_column(place, column, change(table[column])), file)
    return folder


def is_sound(prices: Prices) -> bool:
    """Ask for what market data asks at the start of a replay; nothing impossible may come."""
    start_ms = prices.start_market_ms
    klines = Klines(prices)
    rows = [
        row
        for interval in ("5m", "1h", "1w")
        for row in klines.between("btc", interval, start_ms, start_ms=None, end_ms=None, limit=30)
    ]
    rates = prices.funding["btc"].rates(start_ms - DAY_MS, start_ms)
    interest = prices.open_interest["btc"].at(start_ms).base_units
    prices.tick("btc", start_ms + 1_000)
    return (
        all(0 < row.low <= min(row.open, row.close) for row in rows)
        and all(max(row.open, row.close) <= row.high < math.inf for row in rows)
        and all(0 <= row.volume < math.inf for row in rows)
        and all(row.taker_buy is None or 0 <= row.taker_buy <= row.volume for row in rows)
        and all(abs(one.rate) < 1 for one in rates)
        and 0 < interest < math.inf
    )


@pytest.mark.parametrize(("kind", "name", "case"), CASES, ids=[f"{k}: {n}" for k, n, _ in CASES])
def test_no_impossible_row_reaches_a_replay_and_check_names_it(
    whole: Path, tmp_path: Path, kind: str, name: str, case: tuple[str, Change]
) -> None:
    folder = spoil(whole, tmp_path / "spoilt", kind, *case)
    with contextlib.suppress(TapeError):
        assert is_sound(Prices(1, load_tape(folder))), name
    named = [one for one in check_tape(folder).lacks if one.series == kind]
    assert any(one.asset in {"all", "btc"} for one in named), name


@pytest.mark.parametrize("kind", list(TIMES))
def test_a_column_that_is_missing_is_named(whole: Path, tmp_path: Path, kind: str) -> None:
    for column in (TIMES[kind], VALUES[kind], "asset"):
        folder = tmp_path / column
        shutil.copytree(whole, folder)
        for file in folder.rglob(f"{kind}.parquet"):
            pq.write_table(pq.read_table(file, partitioning=None).drop_columns([column]), file)
        with pytest.raises(TapeError, match=column):
            load_tape(folder)
        assert any(column in one.what for one in check_tape(folder).lacks)


def test_rows_in_any_order_and_twice_replay_as_they_were(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(whole, folder)
    random = np.random.default_rng(1)
    for kind in TIMES:
        for file in folder.rglob(f"{kind}.parquet"):
            table = pq.read_table(file, partitioning=None)
            twice = pa.concat_tables([table, table])
            pq.write_table(twice.take(pa.array(random.permutation(twice.num_rows))), file)
    one, other = Prices(1, load_tape(whole)), Prices(1, load_tape(folder))
    start_ms = one.start_market_ms
    assert other.start_market_ms == start_ms
    for interval in ("5m", "15m", "1h", "1d", "1w"):
        asked = {"start_ms": None, "end_ms": None, "limit": 20}
        known, found = (
            Klines(prices).between("btc", interval, start_ms, **asked) for prices in (one, other)
        )
        assert known == found
    assert one.funding["btc"].rates(start_ms - DAY_MS, start_ms) == other.funding["btc"].rates(
        start_ms - DAY_MS, start_ms
    )


def test_files_of_two_forms_are_refused_in_words(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "two forms"
    shutil.copytree(whole, folder)
    file = min(folder.rglob("funding.parquet"))
    table = pq.read_table(file, partitioning=None)
    place = table.schema.get_field_index("rate")
    pq.write_table(table.set_column(place, "rate", pa.array([["x"]] * table.num_rows)), file)
    with pytest.raises(TapeError, match="differ in form"):
        load_tape(folder)
    assert any("differ in form" in one.what for one in check_tape(folder).lacks)
