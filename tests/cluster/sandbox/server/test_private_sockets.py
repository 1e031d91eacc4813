"""The user and the price socket frame by frame: who hears what."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from cluster.sandbox.auth import Account
from cluster.sandbox.events import (
    OrderChange,
    OrderChanged,
    Ticked,
    TradeChanged,
)
from tests.cluster.sandbox.server.examples import MARKET, OPEN_MS, resting_order, tick, trade_of
from tests.cluster.sandbox.server.running import Running, running
from tests.cluster.sandbox.server.still_exchange import StillExchange
from tests.cluster.sandbox.server.talking import WAIT_S, apply, ask, auth_of, settle

pytestmark = pytest.mark.exchange

OWNER = "0x" + "44" * 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(StillExchange(), tmp_path) as it:
        yield it


@pytest.fixture
def account(server: Running) -> Account:
    account = server.world.accounts.create(OWNER, 0)
    assert isinstance(account, Account)
    return account


def test_a_user_hears_only_its_own_account_and_markets(server: Running, account: Account) -> None:
    theirs = TradeChanged(api_key="another", trade=trade_of(1, "another"), wire_ms=11, market_ms=22)
    mine = TradeChanged(
        api_key=account.api_key, trade=trade_of(2, account.api_key), wire_ms=11, market_ms=22
    )
    with (
        connect(server.urls.user_ws_url, open_timeout=WAIT_S) as all_markets,
        connect(server.urls.user_ws_url, open_timeout=WAIT_S) as one,
    ):
        ask(all_markets, type="user", auth=auth_of(account))
        ask(one, type="user", auth=auth_of(account), markets=["0x" + "99" * 32])
        settle(all_markets)
        settle(one)
        server.publish(theirs, mine)
        frame = apply(all_markets)
        assert (frame["id"], frame["status"], frame["trader_side"]) == (
            "trade-2",
            "CONFIRMED",
            "TAKER",
        )
        ask(one, operation="subscribe", markets=[MARKET.condition_id.upper().replace("X", "x")])
        settle(one)
        server.publish(theirs, mine)
        assert apply(one)["id"] == "trade-2"


def test_a_user_with_a_wrong_secret_is_sent_away(server: Running, account: Account) -> None:
    with connect(server.urls.user_ws_url, open_timeout=WAIT_S) as socket:
        ask(socket, type="user", auth=auth_of(account) | {"secret": "guess"})
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=WAIT_S)
        assert caught.value.rcvd.code == 1008


def test_an_order_event_says_what_changed(server: Running, account: Account) -> None:
    with connect(server.urls.user_ws_url, open_timeout=WAIT_S) as socket:
        ask(socket, type="user", auth=auth_of(account))
        settle(socket)
        order = resting_order(account.api_key)
        server.publish(
            OrderChanged(
                api_key=account.api_key,
                change=OrderChange.PLACEMENT,
                order=order,
                reason=None,
                wire_ms=11,
                market_ms=22,
            )
        )
        frame = apply(socket)
        assert (frame["type"], frame["status"], frame["price"]) == ("PLACEMENT", "LIVE", "0.54")
        assert frame["owner"] == account.api_key


def subscribed(server: Running, account: Account, *symbols: str) -> ClientConnection:
    socket = connect(server.urls.prices_ws_url, open_timeout=WAIT_S)
    ask(socket, op="auth", rid="1", auth=auth_of(account))
    assert apply(socket) == {"op": "authed", "rid": "1"}
    wanted = [
        {"channel": "price.crypto.twap", "filter": {"symbol": symbol, "window_seconds": 60}}
        for symbol in symbols
    ]
    ask(socket, op="subscribe", rid="2", subscriptions=wanted)
    return socket


def test_prices_start_with_a_snapshot_and_are_numbered(server: Running, account: Account) -> None:
    with subscribed(server, account, "btcusd") as socket:
        assert apply(socket) == {"op": "subscribed", "rid": "2", "channel": "price.crypto.twap"}
        snapshot = apply(socket)
        assert snapshot["snapshot"] is True
        assert [point["timestamp"] for point in snapshot["payload"]["data"]] == [
            OPEN_MS - 2_000,
            OPEN_MS - 1_000,
        ]
        server.publish(
            Ticked(tick=tick(OPEN_MS, "eth"), wire_ms=5), Ticked(tick=tick(OPEN_MS), wire_ms=5)
        )
        server.publish(Ticked(tick=tick(OPEN_MS + 1_000, usd=96_000), wire_ms=6))
        first, second = apply(socket), apply(socket)
        assert (first["seq"], second["seq"], second["ts"]) == (1, 2, 6)
        assert first["payload"] == {
            "symbol": "btcusd",
            "source": "chainlink",
            "window_seconds": 60,
            "timestamp": OPEN_MS,
            "value": 95001.5,
            "full_accuracy_value": "95001.5",
        }
        ask(socket, op="ping")
        assert apply(socket) == {"op": "pong"}


@pytest.mark.parametrize(
    ("channel", "symbol", "code"),
    [("price.gold", "btcusd", "bad_channel"), ("price.crypto.twap", "maticusd", "bad_filter")],
)
def test_an_unknown_price_is_refused_by_code(
    server: Running, account: Account, channel: str, symbol: str, code: str
) -> None:
    with subscribed(server, account) as socket:
        wanted = {"channel": channel, "filter": {"symbol": symbol, "window_seconds": 60}}
        ask(socket, op="subscribe", rid="3", subscriptions=[wanted])
        answer = apply(socket)
        assert (answer["op"], answer["rid"], answer["code"]) == ("error", "3", code)


def test_prices_need_a_key(server: Running, account: Account) -> None:
    with connect(server.urls.prices_ws_url, open_timeout=WAIT_S) as socket:
        ask(socket, op="subscribe", rid="1", subscriptions=[])
        assert apply(socket)["code"] == "auth_required"
        for _ in range(2):
            ask(socket, op="auth", rid="2", auth=auth_of(account) | {"passphrase": "x"})
            assert apply(socket)["code"] == "auth_invalid"
        ask(socket, op="auth", rid="2", auth=auth_of(account) | {"passphrase": "x"})
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=WAIT_S)
        assert caught.value.rcvd.code == 4001


def test_one_assets_feed_can_fall_silent_or_stale_alone(server: Running, account: Account) -> None:
    with subscribed(server, account, "btcusd", "ethusd") as socket:
        for _ in range(4):
            apply(socket)
        server.publish(*[Ticked(tick=tick(OPEN_MS, asset), wire_ms=5) for asset in ("btc", "eth")])
        assert [apply(socket)["payload"]["timestamp"] for _ in range(2)] == [OPEN_MS] * 2
        server.fault(kind="silent", route="ws/prices", match="*/btcusd")
        server.fault(kind="stale", route="ws/prices", match="*/ethusd")
        for number in (1, 2):
            later = OPEN_MS + number * 1_000
            server.publish(
                *[Ticked(tick=tick(later, asset), wire_ms=5) for asset in ("btc", "eth")]
            )
        frames = [apply(socket)["payload"] for _ in range(2)]
        assert [(one["symbol"], one["timestamp"]) for one in frames] == [("ethusd", OPEN_MS)] * 2
