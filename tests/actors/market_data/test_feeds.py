"""Parsing of what public services really send, and of what they must not."""

import asyncio
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.feeds.binance import (
    parse_funding,
    parse_klines,
    parse_next_funding_ms,
    parse_open_interest,
    parse_open_interest_history,
)
from actors.feeds.books import parse_books
from actors.feeds.gamma import parse_event
from actors.feeds.http import BODY_BYTES_MAX, Malformed, Missing, Unreachable, feed_client, fetch
from actors.market_data.state import KnownMarket
from signals.market import Asset, Timeframe, Window
from signals.snapshot import FundingPoint, Interval
from tests.actors.market_data.recordings import NOW_MS, WINDOW, fixture
from tests.actors.venue.gamma_events import config, event_body, stream
from tests.actors.venue.loopback import Answer, loopback

# ---- candles, funding, open interest ----------------------------------------------------------


def row(open_ms: int, **changes: object) -> list[object]:
    fields: dict[str, object] = {
        "open_ms": open_ms,
        "open": "100.1",
        "high": "101.0",
        "low": "99.5",
        "close": "100.7",
        "volume": "12.5",
        "close_ms": open_ms + 299_999,
        "quote": "1250",
        "trades": 10,
        "taker": "6.5",
        "taker_quote": "650",
        "ignore": "0",
    }
    return list((fields | changes).values())


def klines(*rows: list[object]) -> bytes:
    return json.dumps(rows).encode()


def test_closed_candles_are_read_and_the_open_one_is_left_out() -> None:
    found = parse_klines(klines(row(0), row(300_000)), Interval.M5, 400_000)
    assert found.open_time_ms == (0,)
    assert (found.open, found.high, found.low, found.close) == (
        (100.1,),
        (101.0,),
        (99.5,),
        (100.7,),
    )
    assert (found.volume, found.taker_buy) == ((12.5,), (6.5,))


def test_taker_volume_that_the_source_does_not_say_is_none() -> None:
    found = parse_klines(klines(row(0, taker=None)), Interval.M5, 400_000)
    assert found.taker_buy == (None,)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":"ERROR","type":"GENERAL","code":"99099990","data":null}',
        b'{"code":-1121,"msg":"Invalid symbol."}',
        b"<html>",
        b"",
        b"[[1,2]]",
        klines(row(0, close="nan")),
        klines(row(0, close="inf")),
        klines(row(0, close="-1")),
        klines(row(0, close="abc")),
        klines(row(0, volume="-2")),
        klines(row(0, high="98")),
        klines(row(300_000), row(0)),
        klines(row(0), row(0)),
    ],
)
def test_a_body_that_is_no_candles_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_klines(body, Interval.M5, 10**15)


@given(st.binary(max_size=200))
def test_no_bytes_make_a_parser_raise_anything_else(body: bytes) -> None:
    for parse in (
        lambda: parse_klines(body, Interval.M5, 10**15),
        lambda: parse_funding(body),
        lambda: parse_next_funding_ms(body),
        lambda: parse_open_interest(body),
        lambda: parse_open_interest_history(body),
        lambda: parse_books(body),
        lambda: parse_event(body, Asset.BTC, WINDOW, NOW_MS),
    ):
        try:
            parse()
        except Malformed:
            continue


@pytest.mark.data
def test_recorded_futures_bodies_are_read() -> None:
    bodies = json.loads(fixture("binance_fapi_responses_2026-08-02.json").read_text())
    text = {key: body.encode() for key, body in bodies.items()}
    rates = parse_funding(text["GET /fapi/v1/fundingRate"])
    assert rates[0] == FundingPoint(time_ms=1_785_628_800_000, rate=0.0000453)
    premium = text["GET /fapi/v1/premiumIndex?symbol=BTCUSDT"]
    assert parse_next_funding_ms(premium) == 1_785_686_400_000
    history = parse_open_interest_history(text["GET /futures/data/openInterestHist?period=1h"])
    assert history[0].base_units == 109026.205


@pytest.mark.data
def test_the_recorded_error_with_status_200_is_malformed_everywhere() -> None:
    bodies = json.loads(fixture("binance_fapi_responses_2026-08-02.json").read_text())
    [error] = [body.encode() for key, body in bodies.items() if key.startswith("HTTP200")]
    for parse in (parse_funding, parse_open_interest, parse_open_interest_history):
        with pytest.raises(Malformed):
            parse(error)
    with pytest.raises(Malformed):
        parse_klines(error, Interval.M5, 10**15)


# ---- markets ----------------------------------------------------------------------------------


def event(metadata: object = None, **changes: object) -> bytes:
    return event_body(Asset.BTC, WINDOW, {"eventMetadata": metadata}, **changes)


def read(body: bytes) -> KnownMarket:
    return parse_event(body, Asset.BTC, WINDOW, NOW_MS)


def test_a_market_is_read_with_its_ids_by_name() -> None:
    found = read(event())
    assert (found.up_token_id, found.down_token_id) == ("111", "222")
    assert (found.fee_rate, found.min_order_shares, found.tick_micro_usd) == (
        "0.07",
        5_000_000,
        10_000,
    )
    assert found.checked_ms == NOW_MS
    turned = read(event(outcomes='["Down", "Up"]'))
    assert (turned.up_token_id, turned.down_token_id) == ("222", "111")


def test_version_2_markets_use_their_position_ids_even_when_both_are_there() -> None:
    found = read(event(version="v2", positionIds=["333", "444"]))
    assert (found.up_token_id, found.down_token_id, found.version) == ("333", "444", "v2")
    first = read(event(version="v1", positionIds=["333", "444"]))
    assert first.up_token_id == "111"


@pytest.mark.parametrize("metadata", [None, {}, {"priceToBeat": None}, {"priceToBeat": 0}])
def test_a_price_to_beat_that_is_not_there_is_none(metadata: object) -> None:
    assert read(event(metadata)).price_to_beat is None


def test_a_price_to_beat_is_read() -> None:
    assert read(event({"priceToBeat": 91_234.5})).price_to_beat == 91_234.5


def test_fees_that_are_off_are_zero() -> None:
    assert read(event(feesEnabled=False, feeSchedule=None)).fee_rate == "0"


def test_a_closed_market_accepts_no_orders() -> None:
    assert not read(event(closed=True)).accepting_orders


@pytest.mark.parametrize(
    "changes",
    [
        {"cryptoMarketConfig": None},
        {"outcomes": '["Yes", "No"]'},
        {"outcomes": '["Up"]'},
        {"outcomes": "Up, Down"},
        {"clobTokenIds": None},
        {"clobTokenIds": '["111"]'},
        {"clobTokenIds": '["111", "0xzz"]'},
        {"eventStartTime": "2026-01-01T00:05:00Z"},
        {"eventStartTime": "soon"},
        {"version": "v2", "positionIds": None},
    ],
)
def test_a_market_that_cannot_be_traded_safely_is_malformed(changes: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        read(event(**changes))


@pytest.mark.data
def test_recorded_markets_of_the_spot_era_are_refused_for_want_of_a_look_back() -> None:
    raw = json.loads(fixture("gamma_market_btc5m_resolved_down_2026-07-24.json").read_text())
    window = Window(1_784_851_200_000, Timeframe.M5)
    with pytest.raises(Malformed, match="average"):
        parse_event(json.dumps({"markets": [raw]}).encode(), Asset.BTC, window, NOW_MS)
    raw |= {"cryptoMarketConfig": config(Asset.BTC, window), "description": ""}
    raw["resolutionSource"] = stream("btc")
    found = parse_event(json.dumps({"markets": [raw]}).encode(), Asset.BTC, window, NOW_MS)
    assert found.up_token_id.startswith("11328")
    assert not found.accepting_orders
    assert found.tick_micro_usd == 1_000


# ---- transport --------------------------------------------------------------------------------


def test_every_way_to_fail_is_a_value() -> None:
    async def poll() -> list[object]:
        with loopback() as served:
            served.answer("GET", "/bad", Answer({}, 503))
            served.answer("GET", "/gone", Answer({}, hang_up=True))
            served.answer("GET", "/huge", Answer("x" * (BODY_BYTES_MAX + 1)))
            served.answer("POST", "/ok", Answer({"a": 1}))
            async with feed_client(served.url) as client:
                found: list[object] = [
                    await fetch(client, path) for path in ("/none", "/bad", "/gone", "/huge")
                ]
                found.append(await fetch(client, "/ok", body=[1]))
        async with feed_client(served.url) as client:
            found.append(await fetch(client, "/none"))
        return found

    none, *failures, good, refused = asyncio.run(poll())
    assert none == Missing()
    assert all(isinstance(failure, Unreachable) for failure in [*failures, refused])
    assert msgspec.json.decode(good) == {"a": 1}  # type: ignore[arg-type]
