"""Every recorded body through its decoder: what it says is read, and nothing else of it."""

from itertools import pairwise
from typing import Any

import pytest

from actors.market_data.sources.port import Candle, CandlesAsk, OpenInterest
from signals.snapshot import Interval
from tests.actors.market_data.recordings import FIXTURES
from tests.actors.market_data.sources.every_reader import BTC, EXCHANGES, read_all
from tests.actors.market_data.sources.recorded_bodies import bodies_of

READ = {
    "binance_usdm": {
        "klines_1h": 2,
        "open_interest_hist": 0,
        "ws_aggTrade_0": 1,
        "ws_markPriceUpdate_9": 2,
    },
    "bybit": {
        "klines_1h": 2,
        "klines_spot_1d": 1,
        "open_interest": 2,
        "open_interest_5min_seconds_row": 3,
        "ws_tickers_snapshot": 2,
        "ws_tickers_delta": 1,
    },
    "okx": {
        "candles_1h": 2,
        "candles_15m_2023": 5,
        "open_interest_trimmed": 0,
        "index_candles_6_columns": 0,
        "error_no_instrument": 0,
        "ws_funding_rate": 2,
    },
    "hyperliquid": {
        "candles_1h_forming_last": 2,
        "metaAndAssetCtxs_cut": 1,
        "predictedFundings_cut": 3,
        "predictedFundings_hl_time_in_past": 2,
        "error_422": 0,
    },
    "coinbase": {"exchange_candles": 1, "ws_match_0": 0, "ws_ticker_7": 1},
}
"""Case -> how many values the one reader that fits makes of it; 0: none fits, and it is refused."""


def _most(found: dict[str, Any]) -> int:
    counts = [
        len(got) for name, got in found.items() if name not in ("clock", "instruments", "refusal")
    ]
    return max(counts, default=0)


@pytest.mark.parametrize("exchange", list(EXCHANGES))
def test_no_recorded_body_stops_a_reader_or_gives_an_impossible_value(exchange: str) -> None:
    for case in bodies_of(exchange):
        found = read_all(EXCHANGES[exchange], case.raw.encode())
        wanted = READ.get(exchange, {}).get(case.case)
        if wanted is not None:
            assert _most(found) == wanted, f"{case.case}: {found}"


def test_the_closes_of_one_hour_agree_across_exchanges_within_five_basis_points() -> None:
    closes = {}
    ask = CandlesAsk(asset=BTC, interval=Interval.H1, count=3)
    for exchange, name in (
        ("binance_usdm", "klines_1h"),
        ("bybit", "klines_1h"),
        ("okx", "candles_1h"),
    ):
        (case,) = [one for one in bodies_of(exchange) if one.case == name]
        found = read_all(EXCHANGES[exchange], case.raw.encode())[f"{ask} body 0"]
        closes[exchange] = {one.open_time_ms: one.close for one in found}
    hours = set.intersection(*(set(of) for of in closes.values()))
    hour = min(hours)
    values = [of[hour] for of in closes.values()]
    assert (min(values), max(values)) == (63_026.3, 63_028.0)
    assert max(values) / min(values) - 1 < 5e-4


def test_the_oldest_open_interest_row_in_seconds_is_in_order_with_the_others() -> None:
    (case,) = [one for one in bodies_of("bybit") if one.case == "open_interest_5min_seconds_row"]
    found = read_all(EXCHANGES["bybit"], case.raw.encode())
    points = next(got for got in found.values() if got and isinstance(got[0], OpenInterest))
    times = [point.time_ms for point in points]
    assert [later - earlier for earlier, later in pairwise(times)] == [
        300_000,
        300_000,
    ]


def test_volumes_are_base_units_and_taker_volume_is_binances_alone() -> None:
    """The same hour: OKX counts contracts of 0.01 BTC, and its base column is what is read."""
    for exchange, name, volume in (
        ("binance_usdm", "klines_1h", 1_116.068),
        ("bybit", "klines_1h", 385.721),
        ("okx", "candles_1h", 321.0118),
    ):
        (case,) = [one for one in bodies_of(exchange) if one.case == name]
        for got in read_all(EXCHANGES[exchange], case.raw.encode()).values():
            for one in got if isinstance(got, tuple) else ():
                if isinstance(one, Candle) and one.open_time_ms == 1_786_816_800_000:
                    assert one.volume == volume
                    assert (one.taker_buy is not None) == (exchange == "binance_usdm")


def test_the_recorded_bodies_are_all_there() -> None:
    assert sum(len(bodies_of(exchange)) for exchange in EXCHANGES) > 100, FIXTURES
