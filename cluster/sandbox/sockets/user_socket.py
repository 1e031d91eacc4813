"""The private user socket: orders and trades of one account, after its key was checked."""

from typing import Final

import msgspec
from starlette.websockets import WebSocket

from cluster.sandbox.auth import Account, Accounts
from cluster.sandbox.events import OrderChanged, TradeChanged
from cluster.sandbox.faults import FaultBoard
from cluster.sandbox.server.wire import to_json
from cluster.sandbox.sockets.line import Line
from cluster.sandbox.sockets.user_frames import order_frame, trade_frame

ROUTE: Final = "ws/user"
CLOSE_UNAUTHORIZED: Final = 1_008
"""Policy violation."""


class SocketAuth(msgspec.Struct, frozen=True, kw_only=True):
    apiKey: str  # noqa: N815 the venue's field name
    secret: str
    passphrase: str


def identify(accounts: Accounts, auth: SocketAuth) -> Account | None:
    return accounts.authorize_socket(auth.apiKey, auth.secret, auth.passphrase)


class UserRequest(msgspec.Struct, frozen=True, kw_only=True):
    """First frame (`type`, `auth`, and markets or none for all) or a later change."""

    type: str | None = None
    auth: SocketAuth | None = None
    operation: str | None = None
    markets: tuple[str, ...] | None = None


class UserLine(Line):
    def __init__(self, websocket: WebSocket, faults: FaultBoard) -> None:
        super().__init__(websocket, ROUTE, faults)
        self.api_key: str | None = None
        self.markets: set[str] | None = None
        """Condition ids in lower case; None: all."""

    @property
    def subscribed(self) -> bool:
        return self.api_key is not None

    def wants(self, condition_id: str) -> bool:
        return self.markets is None or condition_id.lower() in self.markets


class UserFeed:
    """Who listens to which account."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._by_key: dict[str, set[UserLine]] = {}

    def add(self, line: UserLine) -> None:
        """Nothing is sent before the first frame has proved who listens."""

    def remove(self, line: UserLine) -> None:
        if line.api_key is not None:
            self._by_key[line.api_key].discard(line)

    def receive(self, line: UserLine, text: str | bytes) -> None:
        try:
            request = msgspec.json.decode(text, type=UserRequest)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            line.reply("INVALID OPERATION")
            return
        if line.api_key is None:
            self._login(line, request)
            return
        markets = {market.lower() for market in request.markets or ()}
        if request.operation == "subscribe":
            line.markets = (line.markets or set()) | markets
        elif request.operation == "unsubscribe" and line.markets is not None:
            # Without any market left the venue sends all again: the client asked for no filter.
            line.markets = (line.markets - markets) or None

    def _login(self, line: UserLine, request: UserRequest) -> None:
        account = None if request.auth is None else identify(self._accounts, request.auth)
        if account is None:
            line.cut(CLOSE_UNAUTHORIZED)
            return
        line.api_key = account.api_key
        if request.markets is not None:
            line.markets = {market.lower() for market in request.markets}
        self._by_key.setdefault(account.api_key, set()).add(line)

    def publish(self, event: OrderChanged | TradeChanged) -> None:
        lines = self._by_key.get(event.api_key)
        if not lines:
            return
        if isinstance(event, OrderChanged):
            condition_id, text = event.order.condition_id, to_json(order_frame(event)).decode()
        else:
            condition_id, text = event.trade.condition_id, to_json(trade_frame(event)).decode()
        for line in lines:
            if line.wants(condition_id):
                line.offer(text, condition_id)
