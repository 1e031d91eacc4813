"""The admin door: state, faults, and what they do to requests."""

import json
from time import time

import httpx
import pytest

from cluster.sandbox.auth import Account
from cluster.sandbox.model import MICRO, VenueMode
from tests.cluster.sandbox.server.asking import CLIENT, call, get, order_body
from tests.cluster.sandbox.server.examples import MARKET
from tests.cluster.sandbox.server.running import Running
from tests.cluster.sandbox.server.still_exchange import StillExchange

pytestmark = pytest.mark.exchange


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
    with pytest.raises(httpx.TransportError):  # closed or reset, as the kernel has it
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
    server.fault(kind="delay", route="GET /clob/ok", delay_ms=2_000, count=1)
    assert get(server, "/clob/ok").elapsed.total_seconds() >= 2
    assert [one["left"] for one in get(server, "/admin/faults").json()][-1] == 0, "no other is"
    CLIENT.delete(f"{server.urls.admin_url}/faults")


def test_a_stale_service_repeats_its_first_answer_to_each_question(server: Running) -> None:
    server.fault(kind="stale", route="GET /binance/*")
    path = "/binance/fapi/v1/premiumIndex"
    first = get(server, path, symbol="BTCUSDT").json()
    clock = get(server, "/admin/clock").json()["market_ms"]
    while get(server, "/admin/clock").json()["market_ms"] == clock:
        pass
    assert get(server, path, symbol="BTCUSDT").json() == first
    assert get(server, path, symbol="ETHUSDT").json()["symbol"] == "ETHUSDT"
    CLIENT.delete(f"{server.urls.admin_url}/faults")
    assert get(server, path, symbol="BTCUSDT").json()["time"] > first["time"]
