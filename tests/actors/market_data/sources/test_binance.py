"""Binance's candles, funding, open interest and frames, in the snapshot's units."""

import json
from typing import Any

import pytest

from actors.market_data.sources.binance import BinanceSpot
from actors.market_data.sources.binance_usdm import BinanceUsdm
from actors.market_data.sources.port import (
    Candle,
    Cause,
    Funding,
    FundingAsk,
    InterestAsk,
    Mark,
    NextFunding,
    OpenInterest,
    Trade,
)
from actors.market_data.sources.reading import SourceFault, Unreadable
from signals.market import Asset
from signals.snapshot import Interval
from tests.actors.market_data.sources.cases import (
    BTC_HOURS,
    HOUR_MS,
    OPEN_MS,
    answered,
    candles_of,
)

BTC = Asset("btc")
USDM = BinanceUsdm()


def row(open_ms: int, **other: Any) -> list[Any]:
    found = {
        "open": "100.0",
        "high": "110.0",
        "low": "90.0",
        "close": "105.0",
        "volume": "10.0",
        "quote": "1000.0",
        "taker": "4.0",
    } | other
    columns = [found[name] for name in ("open", "high", "low", "close", "volume")]
    return [
        open_ms,
        *columns,
        open_ms + HOUR_MS - 1,
        found["quote"],
        77,
        found["taker"],
        "400.0",
        "0",
    ]


def test_a_candle_counts_as_closed_by_the_exchanges_clock_alone() -> None:
    """Our own clock may be fast: it would take a candle that still forms."""
    body = json.dumps([row(OPEN_MS), row(OPEN_MS + HOUR_MS)]).encode()
    end_ms = OPEN_MS + 2 * HOUR_MS
    early = USDM.read(BTC_HOURS, answered(body, clock_ms=end_ms - 1))
    assert [one.closed for one in candles_of(early)] == [True, False]
    late = USDM.read(BTC_HOURS, answered(body, clock_ms=end_ms))
    assert [one.closed for one in candles_of(late)] == [True, True]


def test_candles_come_oldest_first_with_their_source_and_taker_volume() -> None:
    body = json.dumps([row(OPEN_MS + HOUR_MS), row(OPEN_MS, taker=None)]).encode()
    first, second = candles_of(USDM.read(BTC_HOURS, answered(body)))
    assert first.open_time_ms < second.open_time_ms
    assert (first.source, first.asset, first.interval) == ("binance_usdm", BTC, Interval.H1)
    assert (first.taker_buy, second.taker_buy) == (None, 4.0), "not known is never 0"


@pytest.mark.parametrize(
    "bad",
    [
        row(OPEN_MS // 1_000),
        row(OPEN_MS + 1),
        row(OPEN_MS, high="80.0"),
        row(OPEN_MS, close="-1"),
        row(OPEN_MS, close="NaN"),
        row(OPEN_MS, close="1e400"),
        row(OPEN_MS, volume="-1"),
        row(OPEN_MS, taker="11"),
        row(OPEN_MS, quote="1"),
        row(OPEN_MS)[:5],
        [None] * 12,
        {},
        [],
    ],
)
def test_a_row_that_cannot_be_is_not_read(bad: Any) -> None:
    with pytest.raises(Unreadable):
        USDM.read(BTC_HOURS, answered(json.dumps([bad]).encode()))


def test_two_rows_of_one_instant_are_not_read_and_a_repeated_one_is_read_once() -> None:
    twice = json.dumps([row(OPEN_MS), row(OPEN_MS)]).encode()
    assert len(USDM.read(BTC_HOURS, answered(twice))) == 1
    with pytest.raises(Unreadable):
        USDM.read(
            BTC_HOURS,
            answered(json.dumps([row(OPEN_MS), row(OPEN_MS, close="99")]).encode()),
        )


def test_an_error_object_is_an_error_whatever_the_http_status() -> None:
    absent = USDM.refusal(b'{"code":-1121,"msg":"Invalid symbol."}')
    assert absent is not None
    assert absent.cause is Cause.ABSENT
    limited = USDM.refusal(b'{"code":-1003,"msg":"Too many requests"}')
    assert limited is not None
    assert limited.cause is Cause.LIMITED
    envelope = USDM.refusal(b'{"status":"ERROR","code":"99099990","errorData":"illegal"}')
    assert envelope is not None
    assert envelope.cause is Cause.REFUSED
    assert USDM.refusal(b"[]") is None
    assert USDM.refusal(b'{"openInterest":"5","time":1}') is None


def test_funding_names_its_interval_and_the_next_rate() -> None:
    rates = [{"symbol": "BTCUSDT", "fundingTime": OPEN_MS + 5, "fundingRate": "0.0001"}]
    premium = {"symbol": "BTCUSDT", "lastFundingRate": "0.0002", "nextFundingTime": OPEN_MS}
    for listed, hours in (([], 8), ([{"symbol": "BTCUSDT", "fundingIntervalHours": 4}], 4)):
        bodies = [json.dumps(part).encode() for part in (rates, premium, listed)]
        charged, coming = USDM.read(FundingAsk(asset=BTC, count=5), answered(*bodies))
        assert isinstance(charged, Funding)
        assert (charged.rate, charged.interval_ms) == (0.0001, hours * HOUR_MS)
        assert isinstance(coming, NextFunding)
        assert (coming.rate, coming.due_ms) == (0.0002, OPEN_MS)


def test_open_interest_is_in_base_units_with_usd_beside_it() -> None:
    now = {"symbol": "BTCUSDT", "openInterest": "500.5", "time": OPEN_MS}
    rows = [
        {
            "symbol": "BTCUSDT",
            "sumOpenInterest": "499.0",
            "sumOpenInterestValue": "49900",
            "timestamp": OPEN_MS - 300_000,
        }
    ]
    bodies = [json.dumps(part).encode() for part in (now, rows)]
    before, present = USDM.read(InterestAsk(asset=BTC, history=1), answered(*bodies))
    assert isinstance(before, OpenInterest)
    assert isinstance(present, OpenInterest)
    assert (before.base_units, before.usd, present.base_units) == (499.0, 49_900.0, 500.5)


def test_another_symbols_answer_is_not_read() -> None:
    now = {"symbol": "ETHUSDT", "openInterest": "500.5", "time": OPEN_MS}
    with pytest.raises(Unreadable):
        USDM.read(InterestAsk(asset=BTC, history=0), answered(json.dumps(now).encode()))


def _frame(**data: Any) -> bytes:
    return json.dumps({"stream": "any", "data": {"s": "BTCUSDT", **data}}).encode()


def test_a_kline_frame_carries_the_exchanges_closed_flag() -> None:
    kline = {"t": OPEN_MS, "T": OPEN_MS + 299_999, "s": "BTCUSDT", "i": "5m"}
    kline |= {"o": "1", "c": "2", "h": "3", "l": "1", "v": "10", "q": "20", "V": "4", "x": True}
    stamp_ms = OPEN_MS + 300_100
    candle, mark = USDM.read_frame(_frame(e="kline", E=stamp_ms, k=kline))
    assert isinstance(candle, Candle)
    assert (candle.closed, candle.taker_buy) == (True, 4.0)
    assert mark == Mark(source=USDM.name, asset=BTC, time_ms=stamp_ms, price=2.0)


def test_a_trade_whose_buyer_made_the_price_was_sold_by_its_taker() -> None:
    (trade,) = USDM.read_frame(_frame(e="aggTrade", T=OPEN_MS, p="5", q="2", m=True))
    assert isinstance(trade, Trade)
    assert not trade.taker_buys


@pytest.mark.parametrize("frame", [b"", b"[]", b"<html>", b"\xff", b'{"data":5}'])
def test_a_frame_in_another_format_is_not_read(frame: bytes) -> None:
    with pytest.raises(Unreadable):
        USDM.read_frame(frame)


def test_a_subscription_that_is_refused_says_so() -> None:
    with pytest.raises(SourceFault):
        USDM.read_frame(b'{"error":{"code":2,"msg":"Invalid request"},"id":1}')


def test_the_futures_socket_of_candles_is_the_market_one() -> None:
    path = USDM.subscription((BTC,)).path
    assert path == "/market/stream?streams=btcusdt@kline_5m/btcusdt@markPrice@1s"


def test_what_is_not_traded_is_a_named_absence() -> None:
    listed = {"symbols": [{"symbol": "BTCUSDT", "status": "TRADING"}]}
    listed["symbols"].append({"symbol": "ETHUSDT", "status": "BREAK"})
    found = BinanceSpot().instruments(
        [json.dumps(listed).encode()], (BTC, Asset("eth"), Asset("hype"))
    )
    assert [one.symbol for one in found.found] == ["BTCUSDT"]
    assert [one.asset for one in found.absent] == ["eth", "hype"]
    assert found.absent[1].reason == "binance_spot trades no HYPEUSDT"


def test_spot_has_no_funding_and_says_so() -> None:
    with pytest.raises(SourceFault) as said:
        BinanceSpot().requests(FundingAsk(asset=BTC, count=1), 0)
    assert said.value.cause is Cause.ABSENT
