"""Websocket clients for tests: plain frames, no SDK."""

import json

from websockets.sync.client import ClientConnection, connect

from cluster.sandbox.auth import Account
from cluster.sandbox.events import (
    LastTrade,
)
from cluster.sandbox.model import Side
from tests.cluster.sandbox.server.examples import MARKET, UP
from tests.cluster.sandbox.server.running import Running

WAIT_S = 90


def apply(socket: ClientConnection) -> dict:
    frame = json.loads(socket.recv(timeout=WAIT_S))
    return frame[0] if isinstance(frame, list) else frame


def ask(socket: ClientConnection, **frame: object) -> None:
    socket.send(json.dumps(frame))


def settle(socket: ClientConnection) -> None:
    """Return once the server has acted on all that was sent before."""
    socket.send("PING")
    assert socket.recv(timeout=WAIT_S) == "PONG"


def listen(server: Running, *tokens: str, custom: bool = False) -> ClientConnection:
    socket = connect(server.urls.market_ws_url, open_timeout=WAIT_S)
    ask(socket, type="market", assets_ids=list(tokens), custom_feature_enabled=custom)
    for token in tokens:
        assert apply(socket)["asset_id"] == token
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
