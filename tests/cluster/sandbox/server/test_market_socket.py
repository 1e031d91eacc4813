"""The public market socket frame by frame, and the faults that befall frames."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from cluster.sandbox.events import (
    BestChanged,
    BestPrices,
    BookReplaced,
    LastTrade,
    MarketResolved,
    PriceChange,
    PricesChanged,
    TickSizeChanged,
)
from cluster.sandbox.faults import FaultBoard
from cluster.sandbox.model import MICRO, Outcome, Side
from cluster.sandbox.sockets.line import REMEMBERED_MAX, Line
from tests.cluster.sandbox.server.examples import DOWN, MARKET, UP
from tests.cluster.sandbox.server.running import Running, running
from tests.cluster.sandbox.server.still_exchange import StillExchange
from tests.cluster.sandbox.server.talking import WAIT_S, apply, ask, listen, settle, sold

pytestmark = pytest.mark.exchange


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(StillExchange(), tmp_path) as it:
        yield it


def test_a_listener_hears_the_tokens_it_asked_for_and_no_others(server: Running) -> None:
    with listen(server, UP) as socket:
        server.publish(sold(DOWN), sold(UP))
        frame = apply(socket)
        assert (frame["event_type"], frame["asset_id"]) == ("last_trade_price", UP)
        assert (frame["price"], frame["size"], frame["side"]) == ("0.55", "7.25", "SELL")
        ask(socket, operation="subscribe", assets_ids=[DOWN])
        assert apply(socket)["asset_id"] == DOWN
        ask(socket, operation="unsubscribe", assets_ids=[UP])
        settle(socket)
        server.publish(sold(UP), sold(DOWN))
        assert apply(socket)["asset_id"] == DOWN


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
        frame = apply(socket)
        assert frame["event_type"] == "price_change"
        assert [
            (c["side"], c["price"], c["size"], c["best_bid"], c["best_ask"])
            for c in frame["price_changes"]
        ] == [("BUY", "0.54", "0", "0.53", "1"), ("SELL", "0.46", "3", "0", "0.46")]
        assert apply(socket)["event_type"] == "last_trade_price"


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
        frames = [apply(enabled) for _ in range(4)]
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
        assert [apply(plain)["event_type"] for _ in range(2)] == ["tick_size_change", "book"]


def test_a_frame_that_is_no_request_is_answered_and_harms_nothing(server: Running) -> None:
    with listen(server, UP) as socket:
        socket.send("{")
        assert socket.recv(timeout=WAIT_S) == "INVALID OPERATION"
        ask(socket, operation="dance")
        assert socket.recv(timeout=WAIT_S) == "INVALID OPERATION"
        server.publish(sold())
        assert apply(socket)["event_type"] == "last_trade_price"


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
        assert apply(again)["event_type"] == "last_trade_price"


def test_a_socket_can_be_refused_when_it_opens(server: Running) -> None:
    server.fault(kind="drop_request", route="ws/market", count=1)
    with pytest.raises(InvalidStatus):
        connect(server.urls.market_ws_url, open_timeout=WAIT_S)
    with listen(server, UP):
        pass


def test_only_the_last_frames_of_recent_keys_are_remembered() -> None:
    async def remembered() -> int:
        line = Line(None, "ws/market", FaultBoard(seed=1))
        for number in range(REMEMBERED_MAX + 5):
            line.offer("frame", f"key-{number}")
        return len(line._last)

    assert asyncio.run(remembered()) == REMEMBERED_MAX
