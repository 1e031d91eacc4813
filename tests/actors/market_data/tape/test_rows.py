"""What market data believed becomes rows: each once, named by its source and its day."""

import io
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from actors.market_data.state import MarketDataState
from actors.market_data.tape.files import write_rows
from actors.market_data.tape.rows import TABLES, Marks, Place, Rows, book_rows, new_rows
from cluster.sandbox.prices.tape import load_tape
from cluster.tape.check import check_tape
from signals.market import Asset
from tests.actors.market_data.builders import T0
from tests.actors.market_data.journeys import warm_state
from tests.actors.market_data.tape.builders import BTC, DAY, rows_of, ticked


def test_only_what_is_new_is_written_and_a_new_life_writes_nothing_twice(tmp_path: Path) -> None:
    state, marks = warm_state(), Marks()
    first = new_rows(state, marks)
    assert {place.table for place in first} == set(TABLES) - {"books"}
    write_rows(tmp_path, first)
    assert new_rows(state, marks) == {}
    state = ticked(state, (2_000, 100.5))
    more = new_rows(state, marks)
    assert [row[1:] for rows in more.values() for row in rows] == [(T0 + 2_000, 100.5)]
    write_rows(tmp_path, more)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.parquet")}
    write_rows(tmp_path, new_rows(state, Marks()))  # another life knows nothing of it
    for path, data in before.items():
        after = pq.read_table(path, partitioning=None)
        assert after.num_rows == pq.read_table(io.BytesIO(data)).num_rows, path.name


def test_books_are_kept_once_a_change_with_their_best_levels(tmp_path: Path) -> None:
    state, marks = warm_state(), Marks()
    write_rows(tmp_path, book_rows(state, marks, T0 + 1_000))
    assert book_rows(state, marks, T0 + 2_000) == {}
    found = rows_of(tmp_path, f"{BTC}/books-00.parquet")
    tokens = {row["asset_id"] for row in found}
    assert tokens == {"up5m0", "down5m0", "up15m0", "down15m0"}
    book = state.books["up5m0"]
    [row] = [row for row in found if row["asset_id"] == "up5m0"]
    assert row["bid_p0"] == max(book.bids) / 1e6
    assert row["ask_p0"] == min(book.asks) / 1e6
    assert row["outcome"] == "Up"
    doubted = msgspec.structs.replace(book, contradicted="x", stamp_wire_ms=book.stamp_wire_ms + 1)
    state = msgspec.structs.replace(state, books={"up5m0": doubted})
    assert book_rows(state, marks, T0 + 3_000) == {}, "what is in doubt is on no tape"


def test_the_strike_of_a_window_is_written_when_it_becomes_known(tmp_path: Path) -> None:
    state, marks = warm_state(), Marks()
    write_rows(tmp_path, new_rows(state, marks))
    state = ticked(state, (0, 100.2), (1_000, 100.3))
    write_rows(tmp_path, new_rows(state, marks))
    found = {row["slug"]: row for row in rows_of(tmp_path, f"{BTC}/windows.parquet")}
    assert len(found) == 2
    assert all(row["price_to_beat"] is not None for row in found.values())


def test_an_own_day_is_a_tape_that_the_exchange_reads(tmp_path: Path) -> None:
    write_rows(tmp_path, new_rows(warm_state(), Marks()))
    days = sorted(path for path in tmp_path.iterdir())
    whole = load_tape(tmp_path)
    assert whole.candles["btc"].rows.shape[0] == 60
    assert whole.funding["btc"].market_ms.size
    for day in days:
        if list(day.glob("*/klines.parquet")) and list(day.glob("*/funding.parquet")):
            assert load_tape(day).candles["btc"].rows.shape[0]
    report = check_tape(tmp_path)
    assert not [lack for lack in report.lacks if lack.asset == "btc" and lack.series == "klines"]


def served_by(source: str) -> MarketDataState:
    state = warm_state()
    feeds = msgspec.structs.replace(state.feeds[Asset.BTC], source=source)
    return msgspec.structs.replace(state, feeds=state.feeds | {Asset.BTC: feeds})


@pytest.mark.parametrize(
    ("source", "venue"),
    [("", "binance_um_perp"), ("binance_usdm", "binance_um_perp"), ("okx", "okx")],
)
def test_a_candle_on_the_tape_names_the_source_that_served_it(
    tmp_path: Path, source: str, venue: str
) -> None:
    write_rows(tmp_path, new_rows(served_by(source), Marks()))
    days = tmp_path.glob("*/btc/klines.parquet")
    venues = {row["venue"] for day in days for row in rows_of(tmp_path, str(day))}
    assert venues == {venue}


def _five_minutes(source: str) -> Rows:
    """Return the tape's 5-minute candles as this source serves them."""
    found = new_rows(served_by(source), Marks())
    return {
        place: [row for row in rows if row[2] == "5m"]
        for place, rows in found.items()
        if place.table == "klines"
    }


def test_a_tape_of_two_sources_is_replayed_as_a_whole(tmp_path: Path) -> None:
    early, late = _five_minutes("binance_usdm"), _five_minutes("okx")
    write_rows(tmp_path, {place: rows[:-10] for place, rows in early.items()})
    write_rows(tmp_path, {place: rows[-10:] for place, rows in late.items()})
    assert load_tape(tmp_path).candles["btc"].rows.shape[0] == 60


def test_a_place_names_its_day_and_hour() -> None:
    assert Place(day=DAY, asset="btc", table="books", hour=7).path == f"{BTC}/books-07.parquet"
    assert Place(day=DAY, asset="btc", table="funding").path == f"{BTC}/funding.parquet"
