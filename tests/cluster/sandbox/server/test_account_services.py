"""What an account may ask and do: keys, orders, paging, trades, balances."""

from decimal import Decimal

import msgspec
import pytest

from cluster.sandbox.auth import Account
from cluster.sandbox.limits import Kind, Limits, Spent, Tier
from cluster.sandbox.model import MICRO, OrderState
from cluster.sandbox.server.clob_account import PAGE_ROWS
from tests.cluster.sandbox.server.asking import CLIENT, call, order_body
from tests.cluster.sandbox.server.examples import UP, trade_of
from tests.cluster.sandbox.server.running import Running
from tests.cluster.sandbox.server.still_exchange import StillExchange

pytestmark = pytest.mark.exchange


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


class LimitsInNoTime(Limits):
    """All is asked in one instant, however slow the machine is: nothing comes back meanwhile."""

    def spend(self, address: str, kind: Kind, cost: int, wire_ms: int) -> Spent | None:
        del wire_ms
        return super().spend(address, kind, cost, 1_795_357_000_000)


def test_a_signer_over_its_tier_is_told_when_to_come_back(
    server: Running, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.world, "limits", LimitsInNoTime(Tier.STANDARD))
    batch = [order_body(account, salt=salt) for salt in range(15)]
    first = call(server, account, "POST", "/orders", batch)
    assert first.status_code == 200
    assert first.headers["poly-ratelimit-remaining"] == "45"
    answer = call(server, account, "POST", "/orders", batch)
    while answer.status_code == 200:
        answer = call(server, account, "POST", "/orders", batch)
    assert answer.status_code == 429
    assert answer.headers["poly-ratelimit-tier"] == "standard"
    assert int(answer.headers["retry-after"]) >= 1
    assert call(server, account, "DELETE", "/cancel-all").status_code == 200
    assert call(server, account, "GET", "/data/orders").status_code == 200
