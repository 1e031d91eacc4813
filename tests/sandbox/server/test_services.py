"""The services as plain HTTP shows them: shapes, refusals, paging, the admin door."""

import json
from collections.abc import Iterator
from decimal import Decimal
from time import time

import httpx
import msgspec
import pytest

from cluster.sandbox.auth import Account, sign_request
from cluster.sandbox.model import (
    MICRO,
    OrderState,
    Outcome,
    VenueMode,
)
from cluster.sandbox.server.clob_account import PAGE_ROWS
from tests.sandbox.server.running import Running, running
from tests.sandbox.server.still_exchange import DOWN, MARKET, OPEN_MS, UP, StillExchange, trade_of
from tests.sandbox.server.test_signing import signed, unsigned

pytestmark = pytest.mark.exchange

CLIENT = httpx.Client()
"""One for all: each new one would read the system's certificates."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(StillExchange(), tmp_path_factory.mktemp("state")) as it:
        yield it


@pytest.fixture
def exchange(server: Running) -> StillExchange:
    it = server.world.exchange
    it.__init__()
    return it


@pytest.fixture
def account(server: Running, exchange: StillExchange) -> Account:
    accounts = server.world.accounts
    address = signed_address()
    found = accounts.find(address, 0) or accounts.create(address, 0)
    assert isinstance(found, Account)
    return found


def signed_address() -> str:
    return unsigned().maker.lower()


def get(server: Running, path: str, **query: object) -> httpx.Response:
    return CLIENT.get(f"http://127.0.0.1:{server.port}{path}", params=query)


def call(
    server: Running, account: Account, method: str, path: str, body: object = None, query: str = ""
) -> httpx.Response:
    content = b"" if body is None else json.dumps(body).encode()
    stamp = str(int(time()))
    message = f"{stamp}{method}{path}".encode() + content
    headers = {
        "POLY_ADDRESS": account.address,
        "POLY_API_KEY": account.api_key,
        "POLY_PASSPHRASE": account.passphrase,
        "POLY_TIMESTAMP": stamp,
        "POLY_SIGNATURE": sign_request(account.secret, message),
    }
    url = f"http://127.0.0.1:{server.port}/clob{path}{query}"
    return CLIENT.request(method, url, content=content, headers=headers)


def order_body(account: Account, **changes: object) -> dict[str, object]:
    order = signed(unsigned(token_id=UP, **changes))
    return {
        "order": msgspec.to_builtins(order),
        "owner": account.api_key,
        "orderType": "GTC",
        "deferExec": False,
    }


# ---- discovery --------------------------------------------------------------------------------


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


# ---- the CLOB's public side -------------------------------------------------------------------


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
    assert abs(get(server, "/clob/time").json() - time()) < 5
    assert get(server, "/relayer/deployed", address="0x0", type="WALLET").json()["deployed"]


# ---- the CLOB's private side ------------------------------------------------------------------


def test_private_routes_are_closed_without_a_key(server: Running) -> None:
    for method, path in [
        ("GET", "/data/orders"),
        ("GET", "/data/trades"),
        ("GET", "/balance-allowance?asset_type=COLLATERAL"),
        ("POST", "/order"),
        ("DELETE", "/cancel-all"),
        ("POST", "/v1/heartbeats"),
    ]:
        answer = CLIENT.request(method, f"{server.urls.clob_url}{path}")
        assert answer.status_code == 401, path
        assert "error" in answer.json()


def test_an_order_of_another_key_is_refused_and_ledgered(
    server: Running, exchange: StillExchange, account: Account
) -> None:
    other = server.world.accounts.create("0x" + "77" * 20, 0)
    assert isinstance(other, Account)
    answer = call(server, other, "POST", "/order", order_body(other))
    assert answer.status_code == 400
    assert "signer address" in answer.json()["error"]
    answer = call(server, account, "POST", "/order", order_body(other))
    assert "owner" in answer.json()["error"]
    assert len(exchange.refused) == 2
    assert call(server, account, "POST", "/order", order_body(account)).json()["success"]


@pytest.mark.parametrize(
    "body", [{}, [], {"order": 1}, {"order": {}, "owner": "x", "orderType": "GTC"}]
)
def test_a_body_that_is_no_order_is_refused(
    server: Running, account: Account, body: object
) -> None:
    answer = call(server, account, "POST", "/order", body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Invalid order payload")


def test_orders_are_paged_to_the_end_cursor(
    server: Running, exchange: StillExchange, account: Account
) -> None:
    for salt in range(PAGE_ROWS + 3):
        body = order_body(account, salt=salt)
        assert call(server, account, "POST", "/order", body).status_code == 200
    first = call(server, account, "GET", "/data/orders").json()
    assert (first["count"], first["limit"]) == (PAGE_ROWS, PAGE_ROWS)
    query = f"?next_cursor={first['next_cursor']}"
    second = call(server, account, "GET", "/data/orders", query=query).json()
    assert (second["count"], second["next_cursor"]) == (3, "LTE=")
    ids = {order["id"] for order in first["data"] + second["data"]}
    assert ids == set(exchange.orders)
    assert call(server, account, "GET", "/data/orders", query="?next_cursor=!").status_code == 400


def test_a_delayed_order_is_found_by_id_and_a_filled_one_is_not(
    server: Running, exchange: StillExchange, account: Account
) -> None:
    placed = call(server, account, "POST", "/order", order_body(account)).json()["orderID"]
    for state, status in [(OrderState.DELAYED, 200), (OrderState.MATCHED, 404)]:
        exchange.orders[placed] = msgspec.structs.replace(exchange.orders[placed], state=state)
        assert call(server, account, "GET", f"/data/order/{placed}").status_code == status


def test_trades_show_the_takers_side_and_the_makers_own_leg(
    server: Running, exchange: StillExchange, account: Account
) -> None:
    exchange.past_trades = [
        trade_of(2, account.api_key, maker=True),
        trade_of(1, account.api_key),
    ]
    made, taken = call(server, account, "GET", "/data/trades").json()["data"]
    assert (made["trader_side"], taken["trader_side"]) == ("MAKER", "TAKER")
    assert made["maker_address"] == "0xmine"
    assert made["maker_orders"][0]["order_id"] == "0xmaker2"
    assert made["maker_orders"][0]["outcome"] == "Down"
    assert taken["status"] == "TRADE_STATUS_CONFIRMED"
    assert Decimal(taken["price"]) * Decimal(taken["size"]) == Decimal("2.7")
    later = call(server, account, "GET", "/data/trades", query="?after=1002").json()["data"]
    assert [trade["id"] for trade in later] == ["trade-2"]


def test_only_known_kinds_of_balance_are_answered(server: Running, account: Account) -> None:
    path = "/balance-allowance"
    cash = call(server, account, "GET", path, query="?asset_type=COLLATERAL").json()
    assert cash["balance"] == str(10_000 * MICRO)
    assert len(cash["allowances"]) == 3
    token = call(server, account, "GET", path, query=f"?asset_type=CONDITIONAL&token_id={UP}")
    assert token.json()["balance"] == str(5 * MICRO)
    assert call(server, account, "GET", path, query="?asset_type=CONDITIONAL").status_code == 400


# ---- futures data -----------------------------------------------------------------------------


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


# ---- the admin door ---------------------------------------------------------------------------


def test_the_admin_door_shows_clock_accounts_orders_and_queue_places(
    server: Running, exchange: StillExchange, account: Account
) -> None:
    call(server, account, "POST", "/order", order_body(account))
    state = get(server, "/admin/state").json()
    assert state["clock"]["speed"] == 30
    assert state["mode"] == "open"
    mine = next(one for one in state["accounts"] if one["api_key"] == account.api_key)
    assert mine["open_orders"][0]["queue_ahead_micro_shares"] == 40 * MICRO
    assert mine["open_orders"][0]["queue_ahead_at_placement_micro_shares"] == 100 * MICRO
    clock = get(server, "/admin/clock").json()
    moved_ms = (clock["wire_ms"] - clock["anchor_wire_ms"]) * clock["speed"]
    assert clock["market_ms"] == clock["anchor_market_ms"] + moved_ms


def test_faults_are_listed_counted_and_cleared(server: Running) -> None:
    number = server.fault(kind="status", route="GET /clob/time", status=502, count=1)
    assert get(server, "/clob/time").status_code == 502
    assert get(server, "/clob/time").status_code == 200
    faults = get(server, "/admin/faults").json()
    assert [(fault["id"], fault["hits"], fault["left"]) for fault in faults] == [(number, 1, 0)]
    url = f"{server.urls.admin_url}/faults/{number}"
    assert CLIENT.delete(url).json() == {"cleared": 1}
    assert get(server, "/admin/faults").json() == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "earthquake"},
        {"kind": "delay", "delay_ms": -5},
        {"kind": "status", "colour": "red"},
        {"kind": "mode", "mode": "sideways"},
    ],
)
def test_a_fault_that_does_not_exist_is_refused(server: Running, fault: dict[str, object]) -> None:
    answer = CLIENT.post(f"{server.urls.admin_url}/faults", json=fault)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_ghost_fills_and_venue_modes_reach_the_exchange(
    server: Running, exchange: StillExchange, account: Account
) -> None:
    server.fault(kind="ghost_fill", count=3)
    assert exchange.failing == 3
    server.fault(kind="mode", mode="restarting")
    assert exchange.mode is VenueMode.RESTARTING
    answer = call(server, account, "POST", "/order", order_body(account))
    assert answer.status_code == 425
    CLIENT.delete(f"{server.urls.admin_url}/faults")
    assert exchange.mode is VenueMode.OPEN


def test_a_skewed_clock_is_told_and_used_to_judge_stamps(server: Running, account: Account) -> None:
    server.fault(kind="clock_skew", delay_ms=400_000)
    assert get(server, "/clob/time").json() - time() > 390
    answer = call(server, account, "GET", "/data/orders")
    assert answer.status_code == 401
    CLIENT.delete(f"{server.urls.admin_url}/faults")
    assert call(server, account, "GET", "/data/orders").status_code == 200


def test_requests_can_be_delayed_dropped_or_answered_with_rubbish(
    server: Running, exchange: StillExchange, account: Account
) -> None:
    route = "POST /clob/order"
    server.fault(kind="drop_request", route=route, count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        call(server, account, "POST", "/order", order_body(account))
    assert not exchange.placed
    server.fault(kind="status_after", route=route, status=502, count=1)
    assert call(server, account, "POST", "/order", order_body(account)).status_code == 502
    assert len(exchange.placed) == 1
    server.fault(kind="malformed", route="GET /gamma/*", count=1)
    answer = get(server, f"/gamma/events/slug/{MARKET.slug}")
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    server.fault(kind="malformed", route="GET /binance/*", body='{"status":"ERROR"}', count=1)
    assert get(server, "/binance/fapi/v1/time").json() == {"status": "ERROR"}
    server.fault(kind="delay", route="GET /clob/ok", delay_ms=300, count=1)
    assert get(server, "/clob/ok").elapsed.total_seconds() >= 0.3
    assert get(server, "/clob/ok").elapsed.total_seconds() < 0.3
    CLIENT.delete(f"{server.urls.admin_url}/faults")
