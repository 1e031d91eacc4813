"""What anybody may ask: discovery, books, terms of markets, futures data."""

import json
from time import time

import msgspec
import pytest

from cluster.sandbox.model import Outcome
from tests.cluster.sandbox.server.asking import CLIENT, get
from tests.cluster.sandbox.server.examples import DOWN, MARKET, OPEN_MS, UP
from tests.cluster.sandbox.server.running import Running
from tests.cluster.sandbox.server.still_exchange import StillExchange

pytestmark = pytest.mark.exchange


def test_discovery_by_slug_carries_lists_as_json_text_and_the_settlement_rule(
    server: Running, exchange: StillExchange
) -> None:
    event = get(server, f"/gamma/events/slug/{MARKET.slug}").json()
    market = event["markets"][0]
    assert json.loads(market["clobTokenIds"]) == [UP, DOWN]
    assert json.loads(market["outcomes"]) == ["Up", "Down"]
    assert json.loads(market["outcomePrices"]) == ["0.5", "0.5"]
    assert market["cryptoMarketConfig"]["twapLookbackSeconds"] == 60
    assert market["eventStartTime"] == "2026-01-12T00:00:00Z"
    assert market["endDate"] == "2026-01-12T00:05:00Z"
    assert market["feeSchedule"]["rate"] == 0.07
    assert event["eventMetadata"]["priceToBeat"] == 95012.5
    assert get(server, f"/gamma/markets/slug/{MARKET.slug}").json() == market
    assert get(server, "/gamma/markets", slug=MARKET.slug).json() == [market]


def test_an_unknown_slug_is_not_found(server: Running) -> None:
    answer = get(server, "/gamma/events/slug/btc-updown-5m-1")
    assert answer.status_code == 404
    assert get(server, "/gamma/events", slug="btc-updown-5m-1").json() == []


def test_a_settled_market_shows_its_winner_and_hides_from_lists_of_open_ones(
    server: Running, exchange: StillExchange
) -> None:
    exchange.market_now = msgspec.structs.replace(
        MARKET, closed=True, accepting_orders=False, winner=Outcome.DOWN, final_price="95000"
    )
    market = get(server, f"/gamma/markets/slug/{MARKET.slug}").json()
    assert json.loads(market["outcomePrices"]) == ["0", "1"]
    assert get(server, "/gamma/markets", slug=MARKET.slug).json() == []
    assert len(get(server, "/gamma/markets", slug=MARKET.slug, closed="true").json()) == 1
    tokens = get(server, f"/clob/markets/{MARKET.condition_id}").json()["tokens"]
    assert [(token["outcome"], token["winner"]) for token in tokens] == [
        ("Up", False),
        ("Down", True),
    ]


def test_a_price_to_beat_can_be_missing_and_a_market_can_be_late(
    server: Running, exchange: StillExchange
) -> None:
    path = f"/gamma/events/slug/{MARKET.slug}"
    server.fault(kind="null_price", match="btc-*")
    assert get(server, path).json()["eventMetadata"] is None
    server.fault(kind="late_market", match="btc-*", delay_ms=600_000)
    assert get(server, path).status_code == 404
    assert get(server, f"/clob/markets-by-token/{UP}").status_code == 404
    CLIENT.delete(f"{server.urls.admin_url}/faults")
    assert get(server, path).json()["eventMetadata"]["priceToBeat"] == 95012.5


def test_books_have_the_best_level_last(server: Running) -> None:
    book = get(server, "/clob/book", token_id=UP).json()
    assert [level["price"] for level in book["bids"]] == ["0.53", "0.54"]
    assert book["asks"] == [{"price": "0.56", "size": "70.5"}]
    assert (book["tick_size"], book["min_order_size"], book["neg_risk"]) == ("0.01", "5", False)
    url = f"{server.urls.clob_url}/books"
    asked = [{"token_id": DOWN}, {"token_id": "1"}, {"token_id": UP}]
    assert [one["asset_id"] for one in CLIENT.post(url, json=asked).json()] == [DOWN, UP]
    assert get(server, "/clob/book", token_id="1").status_code == 404


def test_terms_of_a_market_are_read_by_token_and_by_condition(server: Running) -> None:
    assert get(server, f"/clob/markets-by-token/{DOWN}").json() == {
        "condition_id": MARKET.condition_id,
        "primary_token_id": UP,
        "secondary_token_id": DOWN,
    }
    terms = get(server, f"/clob/clob-markets/{MARKET.condition_id}").json()
    assert terms["t"] == [{"t": UP, "o": "Up"}, {"t": DOWN, "o": "Down"}]
    assert (terms["mts"], terms["mos"], terms["nr"], terms["itode"]) == (0.01, 5, False, True)
    assert terms["fd"] == {"r": 0.07, "e": 1, "to": True}
    assert get(server, "/clob/tick-size", token_id=UP).json() == {"minimum_tick_size": 0.01}
    assert get(server, "/clob/neg-risk", token_id=UP).json() == {"neg_risk": False}
    assert get(server, "/clob/fee-rate", token_id=UP).json() == {"base_fee": 1000}
    assert get(server, "/clob/version").json() == {"version": 2}
    asked_s = int(time())
    assert asked_s <= get(server, "/clob/time").json() <= time()
    assert get(server, "/relayer/deployed", address="0x0", type="WALLET").json()["deployed"]


def test_candles_are_rows_of_twelve_and_unknown_taker_volume_is_null(server: Running) -> None:
    path = "/binance/fapi/v1/klines"
    rows = get(server, path, symbol="BTCUSDT", interval="5m", limit=10).json()
    assert {len(row) for row in rows} == {12}
    assert rows[0][:2] == [OPEN_MS, "95000.00000000"]
    assert rows[0][9] is None
    assert rows[1][9] == "6.25000000"
    assert rows[0][6] == OPEN_MS + 299_999


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"symbol": "NOPE", "interval": "5m"}, -1121),
        ({"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ({"symbol": "BTCUSDT", "interval": "5m", "limit": 9999}, -1130),
        ({"symbol": "BTCUSDT", "interval": "5m", "startTime": "x"}, -1130),
    ],
)
def test_a_wrong_question_gets_the_services_own_error(
    server: Running, query: dict[str, object], code: int
) -> None:
    answer = get(server, "/binance/fapi/v1/klines", **query)
    assert answer.status_code == 400
    assert answer.json()["code"] == code


def test_funding_premium_and_open_interest_carry_market_time(server: Running) -> None:
    rates = get(server, "/binance/fapi/v1/fundingRate", symbol="BTCUSDT").json()
    assert [rate["fundingRate"] for rate in rates] == ["0.00010000", "-0.00002500"]
    premium = get(server, "/binance/fapi/v1/premiumIndex", symbol="BTCUSDT").json()
    assert premium["nextFundingTime"] == OPEN_MS + 28_800_000
    interest = get(server, "/binance/fapi/v1/openInterest", symbol="BTCUSDT").json()
    assert interest["openInterest"] == "109026.205"
    assert interest["time"] >= OPEN_MS
    query = {"symbol": "BTCUSDT", "period": "5m"}
    history = get(server, "/binance/futures/data/openInterestHist", **query).json()
    assert [row["timestamp"] for row in history] == [OPEN_MS, OPEN_MS + 300_000]
