"""Recorded market data as a tape."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.sandbox.assemble import open_sandbox
from cluster.sandbox.exchange import ExchangeConfig
from cluster.sandbox.ledger import read_entries
from cluster.sandbox.prices.klines import Klines
from cluster.sandbox.prices.path import PRICE_SCALE
from cluster.sandbox.prices.provenance import provenance, tape_end_ms
from cluster.sandbox.prices.shapes import candle_index
from cluster.sandbox.prices.source import Prices
from cluster.sandbox.prices.tape import TapeError, load_tape
from cluster.sandbox.records import TapeEnded
from tests.recorded import absent

MINUTE_MS = 60_000
RECORDED_MS = 1_766_880_000_000
HOUR_MS = 3_600_000


def tape_folder() -> Path:
    found = Path(os.environ.get("MIDSTRIDE_DATA", Path(__file__).parents[5] / "shared" / "data"))
    if not (found / "klines.parquet").is_file():
        absent(f"no recorded market data in {found}: set MIDSTRIDE_DATA")
    return found


def write_tape(folder: Path, *, candles: int = 600, gap: bool = False) -> Path:
    """Write a small tape of btc: candles, funding every 8 h, open interest every minute."""
    opens = [RECORDED_MS + n * 300_000 for n in range(candles)]
    if gap:
        opens.pop(10)
    closes = [50_000.0 + n % 7 for n in range(len(opens))]
    columns = {
        "asset": ["BTC"] * len(opens),
        "venue": ["binance_um_perp"] * len(opens),
        "interval": ["5m"] * len(opens),
        "open_time_ms": opens,
        "open": closes,
        "high": [c + 20 for c in closes],
        "low": [c - 20 for c in closes],
        "close": [c + 1 for c in closes],
        "volume": [100.0] * len(opens),
        "taker_buy_base": pa.array([None] * len(opens), pa.float64()),
    }
    pq.write_table(pa.table(columns), folder / "klines.parquet")
    hours = range(0, candles // 12, 8)
    funding = {
        "asset": ["BTC"] * len(hours),
        "funding_time_ms": [RECORDED_MS + h * HOUR_MS for h in hours],
        "rate": [0.0001 * h for h in hours],
    }
    pq.write_table(pa.table(funding), folder / "funding.parquet")
    minutes = [n for n in range(candles * 5) if not 100 <= n < 160]
    interest = {
        "asset": ["BTC"] * len(minutes),
        "time_ms": [RECORDED_MS + n * MINUTE_MS + 300 for n in minutes],
        "open_interest_base": [1_000.0 + n for n in minutes],
    }
    pq.write_table(pa.table(interest), folder / "open_interest.parquet")
    return folder


def test_recorded_candles_are_served_as_recorded(tmp_path: Path) -> None:
    prices = Prices(1, load_tape(write_tape(tmp_path)))
    found = Klines(prices).between(
        "btc", "5m", RECORDED_MS + 10**9, start_ms=RECORDED_MS, end_ms=None, limit=3
    )
    assert [(k.open, k.high, k.low, k.close) for k in found] == [
        (50_000.0 + n, 50_020.0 + n, 49_980.0 + n, 50_001.0 + n) for n in range(3)
    ]
    assert [k.taker_buy for k in found] == [None] * 3, "not recorded is not zero"


def test_the_settlement_path_runs_through_the_recorded_candle(tmp_path: Path) -> None:
    prices = Prices(1, load_tape(write_tape(tmp_path)))
    spots = prices.spots("btc", candle_index(RECORDED_MS)) / PRICE_SCALE
    assert (spots[0], spots[-1], spots.max(), spots.min()) == pytest.approx(
        (50_000, 50_001, 50_020, 49_980)
    )


def test_before_and_after_the_tape_the_generator_goes_on_from_its_prices(tmp_path: Path) -> None:
    prices = Prices(1, load_tape(write_tape(tmp_path)))
    first = candle_index(RECORDED_MS)
    rows = prices.rows("btc", first - 2, first + 602)
    assert rows[1, 3] == pytest.approx(50_000, abs=0.1)
    assert rows[602, 0] == pytest.approx(rows[601, 3], abs=0.1)
    assert np.isnan(rows[2:602, 5]).all()
    assert not np.isnan(rows[[0, 1, 602, 603], 5]).any()
    assert tape_end_ms(prices) == RECORDED_MS + 600 * 300_000


def test_a_long_candle_with_any_unrecorded_share_says_that_it_has_none(tmp_path: Path) -> None:
    prices = Prices(1, load_tape(write_tape(tmp_path)))
    day = Klines(prices).between(
        "btc", "1w", RECORDED_MS + 600 * 300_000, start_ms=None, end_ms=None, limit=1
    )[0]
    assert day.taker_buy is None


def test_funding_and_open_interest_are_recorded_where_they_are(tmp_path: Path) -> None:
    prices = Prices(1, load_tape(write_tape(tmp_path)))
    assert [
        r.rate for r in prices.funding["btc"].rates(RECORDED_MS, RECORDED_MS + 8 * HOUR_MS)
    ] == [
        0.0,
        0.0001 * 8,
    ]
    series = prices.open_interest["btc"]
    point = series.at(RECORDED_MS + 50 * MINUTE_MS + 30_000)
    assert (point.market_ms, point.base_units) == (RECORDED_MS + 50 * MINUTE_MS + 300, 1_050.0)


def test_a_gap_in_open_interest_is_bridged_and_said(tmp_path: Path) -> None:
    prices = Prices(1, load_tape(write_tape(tmp_path)))
    at = RECORDED_MS + 130 * MINUTE_MS
    point = prices.open_interest["btc"].at(at)
    assert point.market_ms == at
    assert 1_000 < point.base_units < 1_260
    notes = [p.note for p in provenance(prices) if p.asset == "btc" and p.source == "tape"]
    assert "1 gaps of more than ten minutes are bridged" in notes


def test_provenance_names_what_the_tape_lacks(tmp_path: Path) -> None:
    found = provenance(Prices(1, load_tape(write_tape(tmp_path))))
    zec = [(p.series, p.source) for p in found if p.asset == "zec"]
    assert {source for _, source in zec} == {"generated"}
    assert ("taker_buy", "missing") in [(p.series, p.source) for p in found if p.asset == "btc"]


@pytest.mark.parametrize("name", ["klines.parquet", "funding.parquet", "open_interest.parquet"])
def test_a_folder_without_one_of_the_files_is_no_tape(tmp_path: Path, name: str) -> None:
    (write_tape(tmp_path) / name).unlink()
    with pytest.raises(TapeError, match=f"{name} is missing"):
        load_tape(tmp_path)


def test_candles_with_a_gap_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="gaps"):
        load_tape(write_tape(tmp_path, gap=True))


def test_a_file_that_is_not_parquet_is_named(tmp_path: Path) -> None:
    (write_tape(tmp_path) / "klines.parquet").write_text("asset,venue")
    with pytest.raises(TapeError, match="cannot be read as Parquet"):
        load_tape(tmp_path)


def test_the_end_of_the_tape_is_said_once_and_prices_go_on(tmp_path: Path) -> None:
    tape, state, wire_ms = write_tape(tmp_path), tmp_path / "state", 1_700_000_000_000
    sandbox = open_sandbox(state, ExchangeConfig(), tape=tape, wire_ms=wire_ms)
    exchange = sandbox.exchange
    exchange.advance(sandbox.clock.keep(wire_ms))
    assert not exchange.tape_ended
    for _ in range(2):
        wire_ms += 6_000_000
        now = sandbox.clock.keep(wire_ms)
        exchange.advance(now)
    assert now.market_ms > RECORDED_MS + 600 * 300_000
    assert exchange.tape_ended
    assert exchange.ticks("btc", now, since_market_ms=now.market_ms - 30_000)
    sandbox.ledger.close()
    ended = [e for e in read_entries(state) if isinstance(e.record, TapeEnded)]
    assert len(ended) == 1


@pytest.mark.data
def test_the_recorded_folder_starts_where_all_series_overlap() -> None:
    prices = Prices(1, load_tape(tape_folder()))
    start = prices.start_market_ms
    assert 1_768_092_660_000 <= start <= 1_768_398_120_000, "inside the open interest's range"
    for asset in ("btc", "eth", "sol", "xrp", "doge", "bnb"):
        for minute in range(0, 360, 7):
            point = prices.open_interest[asset].at(start + minute * MINUTE_MS)
            assert start + minute * MINUTE_MS - point.market_ms < 10 * MINUTE_MS
            assert point.market_ms % MINUTE_MS, "a recorded point, not a generated one"


@pytest.mark.data
def test_every_recorded_candle_is_touched_by_its_seconds() -> None:
    tape = load_tape(tape_folder())
    prices = Prices(1, tape)
    for asset, recorded in tape.candles.items():
        for row in range(0, len(recorded.rows), 97):
            spots = prices.spots(asset, recorded.first_index + row) / PRICE_SCALE
            opened, high, low, closed = recorded.rows[row][:4]
            assert (spots[0], spots.max(), spots.min(), spots[-1]) == pytest.approx(
                (opened, high, low, closed), rel=1e-9
            )
