"""`tape check` names what a tape lacks."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from cluster.commands.tape import check
from cluster.sandbox.prices.tape import TapeError, load_tape
from cluster.tape.check import check_tape
from cluster.tape.errors import TapeFolderError
from tests.cluster.sandbox.core.test_tape import RECORDED_MS, write_tape


def lacks(folder: Path, series: str = "klines", asset: str = "btc") -> str:
    found = check_tape(folder).lacks
    return "; ".join(one.what for one in found if (one.asset, one.series) == (asset, series))


def changed(folder: Path, change: Any, name: str = "klines") -> Path:
    path = folder / f"{name}.parquet"
    rows = pq.read_table(path).to_pylist()
    schema = pq.read_schema(path)
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return folder


def test_a_whole_tape_of_one_asset_lacks_only_the_others(tmp_path: Path) -> None:
    found = check_tape(write_tape(tmp_path))
    assert lacks(tmp_path) == ""
    missing = {one.asset for one in found.lacks if "no rows" in one.what}
    assert missing == {"eth", "sol", "xrp", "doge", "bnb", "hype", "zec"}
    [row] = [one for one in found.held if one.series == "klines"]
    assert (row.rows, row.from_ms) == (600, RECORDED_MS)


def swap(rows: list[Any]) -> None:
    rows[4], rows[9] = rows[9], rows[4]


def repeat(rows: list[Any]) -> None:
    rows.insert(7, dict(rows[7]))


def contradict(rows: list[Any]) -> None:
    rows.insert(7, rows[7] | {"close": 1.0})


def seconds(rows: list[Any]) -> None:
    for row in rows:
        row["open_time_ms"] //= 1_000


def beside(rows: list[Any]) -> None:
    rows[3]["open_time_ms"] += 1


def odd(rows: list[Any]) -> None:
    rows[3]["close"] = float("nan")
    rows[4]["close"] = -1.0
    rows[5]["close"] = None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.pop(10), "1 gaps, the longest of 10.0 minutes"),
        (lambda rows: rows.__delitem__(slice(10, 200)), "the longest of 955.0 minutes"),
        (swap, "2 rows out of order"),
        (lambda rows: rows.reverse(), "599 rows out of order"),
        (repeat, "1 times there twice, the first"),
        (contradict, "1 of them with other values"),
        (seconds, "in seconds"),
        (beside, "1 candles begin beside"),
        (odd, "3 values of close"),
        (lambda rows: rows.clear(), ""),
    ],
)
def test_each_lack_of_candles_is_named(tmp_path: Path, change: Any, said: str) -> None:
    folder = changed(write_tape(tmp_path), change)
    assert said in lacks(folder)
    assert not said or len(lacks(folder)) < 400


def test_lacks_of_other_series_are_named(tmp_path: Path) -> None:
    write_tape(tmp_path)
    assert "1 gaps" in lacks(tmp_path, "open_interest"), "an hour is missing in it"
    changed(tmp_path, lambda rows: rows.pop(2), "funding")
    assert "1 gaps" in lacks(tmp_path, "funding")
    (tmp_path / "funding.parquet").write_bytes(b"PAR1")
    assert "cannot be read" in lacks(tmp_path, "funding", "all")
    (tmp_path / "funding.parquet").unlink()
    assert lacks(tmp_path, "funding", "all") == "no file of it"


def test_a_folder_without_a_tape_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(TapeFolderError, match="holds no tape"):
        check_tape(tmp_path)
    with pytest.raises(TapeFolderError, match="is no folder"):
        check_tape(tmp_path / "none")


def test_the_exit_code_says_whether_something_is_lacking(tmp_path: Path) -> None:
    write_tape(tmp_path)
    done = CliRunner().invoke(check, [str(tmp_path)], standalone_mode=False)
    assert done.return_value == 1
    assert "LACKS  zec klines" in done.output


def days(folder: Path, change: Any) -> Path:
    """Write a tape by day and asset, as the recorder does."""
    source = folder / "flat"
    source.mkdir()
    write_tape(source)
    for name, time in (
        ("klines", "open_time_ms"),
        ("funding", "funding_time_ms"),
        ("open_interest", "time_ms"),
    ):
        table = pq.read_table(source / f"{name}.parquet")
        rows = table.to_pylist()
        if name == "klines":
            change(rows)
        for day in (0, 1, 2):
            low = RECORDED_MS + day * 86_400_000
            mine = [row for row in rows if low <= row[time] < low + 86_400_000]
            if mine:
                at = folder / "tape" / f"2025-12-{28 + day}" / "btc"
                at.mkdir(parents=True, exist_ok=True)
                fit = pa.Table.from_pylist(mine, schema=table.schema)
                pq.write_table(fit, at / f"{name}.parquet")
    return folder / "tape"


def test_a_tape_of_days_is_read_whole_or_one_day_of_it(tmp_path: Path) -> None:
    tape = days(tmp_path, lambda _: None)
    assert load_tape(tape).candles["btc"].rows.shape[0] == 600
    assert load_tape(tape / "2025-12-29").candles["btc"].rows.shape[0] == 288


@pytest.mark.parametrize("change", [swap, repeat, contradict, lambda rows: rows.reverse()])
def test_an_own_tape_with_rows_twice_or_out_of_order_is_replayed(
    tmp_path: Path, change: Any
) -> None:
    assert load_tape(days(tmp_path, change)).candles["btc"].rows.shape[0] == 600


def test_of_an_own_tape_with_a_gap_the_longest_run_is_replayed(tmp_path: Path) -> None:
    tape = load_tape(days(tmp_path, lambda rows: rows.__delitem__(slice(200, 300))))
    assert tape.candles["btc"].rows.shape[0] == 300


def test_a_tape_in_one_folder_with_a_gap_is_refused_with_the_way_to_look(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="midstride tape check"):
        load_tape(write_tape(tmp_path, gap=True))
