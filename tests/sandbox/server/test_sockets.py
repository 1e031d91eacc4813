"""The three sockets frame by frame: who hears what, and the faults that befall frames."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from cluster.sandbox.auth import Account
from cluster.sandbox.events import (
    BestChanged,
    BestPrices,
    BookReplaced,
    LastTrade,
    MarketResolved,
    OrderChange,
    OrderChanged,
    PriceChange,
    PricesChanged,
    Ticked,
    TickSizeChanged,
    TradeChanged,
)
from cluster.sandbox.model import MICRO, Outcome, Side
from tests.sandbox.server.running import Running, running
from tests.sandbox.server.still_exchange import (
    DOWN,
    MARKET,
    OPEN_MS,
    UP,
    StillExchange,
    resting_order,
    tick,
    trade_of,
)

pytestmark = pytest.mark.exchange

WAIT_S = 10
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


def hear(socket: ClientConnection) -> dict:
    frame = json.loads(socket.recv(timeout=WAIT_S))
    return frame[0] if isinstance(frame, list) else frame


def ask(socket: ClientConnection, **frame: object) -> None:
    socket.send(json.dumps(frame))


def settle(socket: ClientConnection) -> None:
    """Return once the server has acted on all that was sent before."""
    socket.send("PING")
    assert socket.recv(timeout=WAIT_S) == "PONG"


def listen(server: Running, *tokens: str, custom: bool = False) -> ClientConnection:
    socket = connect(server.urls.market_ws_url)
    ask(socket, type="market", assets_ids=list(tokens), custom_feature_enabled=custom)
    for token in tokens:
        assert hear(socket)["asset_id"] == token
    return socket


def sold(token: str = UP, price: int = 550_000) -> LastTrade:
    return LastTrade(
        condition_id=MARKET.condition_id,
        token_id=token,
        side=Side.SELL,
        price=price,
        shares=7_250_000,
        wire_ms=11,
        market_ms=22,
    )


def auth_of(account: Account) -> dict[str, str]:
    return {
        "apiKey": account.api_key,
        "secret": account.secret,
        "passphrase": account.passphrase,
    }


# ---- market -----------------------------------------------------------------------------------


def test_a_listener_hears_the_tokens_it_asked_for_and_no_others(server: Running) -> None:
    with listen(server, UP) as socket:
        server.publish(sold(DOWN), sold(UP))
        frame = hear(socket)
        assert (frame["event_type"], frame["asset_id"]) == ("last_trade_price", UP)
        assert (frame["price"], frame["size"], frame["side"]) == ("0.55", "7.25", "SELL")
        ask(socket, operation="subscribe", assets_ids=[DOWN])
        assert hear(socket)["asset_id"] == DOWN
        ask(socket, operation="unsubscribe", assets_ids=[UP])
        settle(socket)
        server.publish(sold(UP), sold(DOWN))
        assert hear(socket)["asset_id"] == DOWN


def test_price_changes_of_both_tokens_come_in_one_frame_once(server: Running) -> None:
    event = PricesChanged(
        condition_id=MARKET.condition_id,
        changes=(
            PriceChange(token_id=UP, side=Side.BUY, price=540_000, shares=0),
            PriceChange(token_id=DOWN, side=Side.SELL, price=460_000, shares=3 * MICRO),
        ),
        best=(
            BestPrices(token_id=UP, best_bid=530_000, best_ask=None),
            BestPrices(token_id=DOWN, best_bid=None, best_ask=460_000),
        ),
        wire_ms=11,
        market_ms=22,
    )
    with listen(server, UP, DOWN) as socket:
        server.publish(event, sold())
        frame = hear(socket)
        assert frame["event_type"] == "price_change"
        assert [
            (c["side"], c["price"], c["size"], c["best_bid"], c["best_ask"])
            for c in frame["price_changes"]
        ] == [("BUY", "0.54", "0", "0.53", "1"), ("SELL", "0.46", "3", "0", "0.46")]
        assert hear(socket)["event_type"] == "last_trade_price"


def test_ticks_sizes_resolutions_and_best_prices_reach_those_who_enabled_them(
    server: Running,
) -> None:
    best = BestChanged(
        condition_id=MARKET.condition_id,
        best=BestPrices(token_id=UP, best_bid=530_000, best_ask=560_000),
        wire_ms=11,
        market_ms=22,
    )
    finer = TickSizeChanged(
        market=MARKET,
        old_tick_micro_usd=10_000,
        new_tick_micro_usd=1_000,
        wire_ms=11,
        market_ms=22,
    )
    won = msgspec.structs.replace(MARKET, winner=Outcome.DOWN, closed=True)
    resolved = MarketResolved(market=won, wire_ms=12, market_ms=23)
    book = BookReplaced(book=server.world.exchange.book(UP, server.world.now()))
    with listen(server, UP, custom=True) as enabled, listen(server, UP) as plain:
        server.publish(best, finer, resolved, book)
        frames = [hear(enabled) for _ in range(4)]
        assert [frame["event_type"] for frame in frames] == [
            "best_bid_ask",
            "tick_size_change",
            "market_resolved",
            "book",
        ]
        assert frames[0]["spread"] == "0.03"
        assert frames[1]["new_tick_size"] == "0.001"
        assert frames[2]["winning_asset_id"] == DOWN
        assert frames[2]["winning_outcome"] == "Down"
        assert [hear(plain)["event_type"] for _ in range(2)] == ["tick_size_change", "book"]


def test_a_frame_that_is_no_request_is_answered_and_harms_nothing(server: Running) -> None:
    with listen(server, UP) as socket:
        socket.send("{")
        assert socket.recv(timeout=WAIT_S) == "INVALID OPERATION"
        ask(socket, operation="dance")
        assert socket.recv(timeout=WAIT_S) == "INVALID OPERATION"
        server.publish(sold())
        assert hear(socket)["event_type"] == "last_trade_price"


def prices_heard(server: Running, socket: ClientConnection, *events: LastTrade) -> list[str]:
    """Publish one by one, then ask for a PONG: return the prices that came before it."""
    for event in events:
        server.publish(event)
    socket.send("PING")
    heard = []
    while (text := socket.recv(timeout=WAIT_S)) != "PONG":
        heard.append(json.loads(text)["price"])
    return heard


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "duplicate", "count": 1}, ["0.52", "0.52", "0.53", "0.54"]),
        ({"kind": "reorder", "count": 1}, ["0.53", "0.52", "0.54"]),
        ({"kind": "silent"}, []),
        ({"kind": "stale"}, ["0.51", "0.51", "0.51"]),
        ({"kind": "silent", "match": "another-token"}, ["0.52", "0.53", "0.54"]),
        ({"kind": "silent", "route": "ws/user"}, ["0.52", "0.53", "0.54"]),
    ],
)
def test_frames_are_doubled_swapped_withheld_or_frozen_as_the_fault_says(
    server: Running, fault: dict[str, object], expected: list[str]
) -> None:
    with listen(server, UP) as socket:
        assert prices_heard(server, socket, sold(price=510_000)) == ["0.51"]
        server.fault(**({"route": "ws/market"} | fault))
        trades = [sold(price=price) for price in (520_000, 530_000, 540_000)]
        assert prices_heard(server, socket, *trades) == expected


def test_a_disconnect_fault_closes_the_socket(server: Running) -> None:
    with listen(server, UP) as socket:
        server.fault(kind="disconnect", route="ws/market", count=1)
        server.publish(sold())
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=WAIT_S)
        assert caught.value.rcvd.code == 1012
    with listen(server, UP) as again:
        server.publish(sold())
        assert hear(again)["event_type"] == "last_trade_price"


# ---- user -------------------------------------------------------------------------------------


def test_a_user_hears_only_its_own_account_and_markets(server: Running, account: Account) -> None:
    theirs = TradeChanged(api_key="another", trade=trade_of(1, "another"), wire_ms=11, market_ms=22)
    mine = TradeChanged(
        api_key=account.api_key, trade=trade_of(2, account.api_key), wire_ms=11, market_ms=22
    )
    with connect(server.urls.user_ws_url) as all_markets, connect(server.urls.user_ws_url) as one:
        ask(all_markets, type="user", auth=auth_of(account))
        ask(one, type="user", auth=auth_of(account), markets=["0x" + "99" * 32])
        settle(all_markets)
        settle(one)
        server.publish(theirs, mine)
        frame = hear(all_markets)
        assert (frame["id"], frame["status"], frame["trader_side"]) == (
            "trade-2",
            "CONFIRMED",
            "TAKER",
        )
        ask(one, operation="subscribe", markets=[MARKET.condition_id.upper().replace("X", "x")])
        settle(one)
        server.publish(theirs, mine)
        assert hear(one)["id"] == "trade-2"


def test_a_user_with_a_wrong_secret_is_sent_away(server: Running, account: Account) -> None:
    with connect(server.urls.user_ws_url) as socket:
        ask(socket, type="user", auth=auth_of(account) | {"secret": "guess"})
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=WAIT_S)
        assert caught.value.rcvd.code == 1008


def test_an_order_event_says_what_changed(server: Running, account: Account) -> None:
    with connect(server.urls.user_ws_url) as socket:
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
        frame = hear(socket)
        assert (frame["type"], frame["status"], frame["price"]) == ("PLACEMENT", "LIVE", "0.54")
        assert frame["owner"] == account.api_key


# ---- prices -----------------------------------------------------------------------------------


def subscribed(server: Running, account: Account, *symbols: str) -> ClientConnection:
    socket = connect(server.urls.prices_ws_url)
    ask(socket, op="auth", rid="1", auth=auth_of(account))
    assert hear(socket) == {"op": "authed", "rid": "1"}
    wanted = [
        {"channel": "price.crypto.twap", "filter": {"symbol": symbol, "window_seconds": 60}}
        for symbol in symbols
    ]
    ask(socket, op="subscribe", rid="2", subscriptions=wanted)
    return socket


def test_prices_start_with_a_snapshot_and_are_numbered(server: Running, account: Account) -> None:
    with subscribed(server, account, "btcusd") as socket:
        assert hear(socket) == {"op": "subscribed", "rid": "2", "channel": "price.crypto.twap"}
        snapshot = hear(socket)
        assert snapshot["snapshot"] is True
        assert [point["timestamp"] for point in snapshot["payload"]["data"]] == [
            OPEN_MS - 2_000,
            OPEN_MS - 1_000,
        ]
        server.publish(
            Ticked(tick=tick(OPEN_MS, "eth"), wire_ms=5), Ticked(tick=tick(OPEN_MS), wire_ms=5)
        )
        server.publish(Ticked(tick=tick(OPEN_MS + 1_000, usd=96_000), wire_ms=6))
        first, second = hear(socket), hear(socket)
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
        assert hear(socket) == {"op": "pong"}


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
        answer = hear(socket)
        assert (answer["op"], answer["rid"], answer["code"]) == ("error", "3", code)


def test_prices_need_a_key(server: Running, account: Account) -> None:
    with connect(server.urls.prices_ws_url) as socket:
        ask(socket, op="subscribe", rid="1", subscriptions=[])
        assert hear(socket)["code"] == "auth_required"
        for _ in range(2):
            ask(socket, op="auth", rid="2", auth=auth_of(account) | {"passphrase": "x"})
            assert hear(socket)["code"] == "auth_invalid"
        ask(socket, op="auth", rid="2", auth=auth_of(account) | {"passphrase": "x"})
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=WAIT_S)
        assert caught.value.rcvd.code == 4001


def test_one_assets_feed_can_fall_silent_or_stale_alone(server: Running, account: Account) -> None:
    with subscribed(server, account, "btcusd", "ethusd") as socket:
        for _ in range(4):
            hear(socket)
        server.publish(*[Ticked(tick=tick(OPEN_MS, asset), wire_ms=5) for asset in ("btc", "eth")])
        assert [hear(socket)["payload"]["timestamp"] for _ in range(2)] == [OPEN_MS] * 2
        server.fault(kind="silent", route="ws/prices", match="*/btcusd")
        server.fault(kind="stale", route="ws/prices", match="*/ethusd")
        for number in (1, 2):
            later = OPEN_MS + number * 1_000
            server.publish(
                *[Ticked(tick=tick(later, asset), wire_ms=5) for asset in ("btc", "eth")]
            )
        frames = [hear(socket)["payload"] for _ in range(2)]
        assert [(one["symbol"], one["timestamp"]) for one in frames] == [("ethusd", OPEN_MS)] * 2
