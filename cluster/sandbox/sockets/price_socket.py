"""The price socket: settlement averages and spot prices by channel, after its key was checked."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from starlette.websockets import WebSocket

from cluster.sandbox.auth import Accounts
from cluster.sandbox.events import Ticked
from cluster.sandbox.faults import FaultBoard
from cluster.sandbox.model import ASSETS, PriceTick
from cluster.sandbox.server.wire import scaled_text, to_json
from cluster.sandbox.sockets.line import Line
from cluster.sandbox.sockets.user_socket import SocketAuth, identify

ROUTE: Final = "ws/prices"
SUBSCRIPTIONS_MAX: Final = 64
FRAME_BYTES_MAX: Final = 65_536
AUTH_ATTEMPTS_MAX: Final = 3
CLOSE_AUTH: Final = 4_001
CLOSE_POLICY: Final = 4_008
TWAP_CHANNEL: Final = "price.crypto.twap"
SPOT_CHANNEL: Final = "price.crypto"
E18_DIGITS: Final = 18


class PriceFilter(msgspec.Struct, frozen=True, kw_only=True):
    symbol: str = ""
    window_seconds: int | None = None
    provider: str | None = None


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    channel: str
    filter: PriceFilter = PriceFilter()


class PriceRequest(msgspec.Struct, frozen=True, kw_only=True):
    op: str
    rid: str | None = None
    auth: SocketAuth | None = None
    subscriptions: tuple[Subscription, ...] = ()


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    op: str
    rid: str | None = None
    channel: str | None = None
    code: str | None = None
    message: str | None = None


class PricePoint(msgspec.Struct, frozen=True, kw_only=True):
    timestamp: int
    """Market time of the observation."""
    value: float
    full_accuracy_value: str


class PricePayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    symbol: str
    source: str
    window_seconds: int | None = None
    timestamp: int | None = None
    value: float | None = None
    full_accuracy_value: str | None = None
    data: tuple[PricePoint, ...] | None = None


class PriceFrame(msgspec.Struct, frozen=True, kw_only=True):
    v: int = 1
    channel: str
    seq: int
    ts: int
    """Wire time of sending."""
    snapshot: bool = False
    payload: PricePayload


class Feed(msgspec.Struct, frozen=True):
    """What a client can subscribe to: one channel of one asset."""

    channel: str
    asset: str

    @property
    def key(self) -> str:
        return f"{self.channel}/{self.asset}usd"

    @property
    def source(self) -> str:
        return "chainlink" if self.channel == TWAP_CHANNEL else "pyth"

    def point(self, tick: PriceTick) -> PricePoint:
        scaled = tick.twap_e18 if self.channel == TWAP_CHANNEL else tick.spot_e18
        text = scaled_text(scaled, E18_DIGITS)
        return PricePoint(
            timestamp=tick.observed_market_ms, value=float(text), full_accuracy_value=text
        )

    def window_seconds(self, tick_window_seconds: int) -> int | None:
        return tick_window_seconds if self.channel == TWAP_CHANNEL else None


class PriceLine(Line):
    silence_s = None  # the server pings; clients owe no frames

    def __init__(self, websocket: WebSocket, faults: FaultBoard) -> None:
        super().__init__(websocket, ROUTE, faults)
        self.authorized = False
        self.attempts = 0
        self.feeds: set[Feed] = set()


class PriceFeed:
    """Who listens to which channel and asset; numbers the frames of each."""

    def __init__(
        self,
        accounts: Accounts,
        ticks_of: Callable[[str], tuple[PriceTick, ...]],
        assets: Sequence[str] = ASSETS,
    ) -> None:
        self._assets = {f"{asset}usd": asset for asset in assets}
        self._accounts = accounts
        self._ticks_of = ticks_of
        self._by_feed: dict[Feed, set[PriceLine]] = {}
        self._sequence: dict[Feed, int] = {}
        self._window_seconds = 60
        self._wire_ms = 0

    def add(self, line: PriceLine) -> None:
        """Nothing is sent before the client is authorized and has subscribed."""

    def remove(self, line: PriceLine) -> None:
        for feed in line.feeds:
            self._by_feed[feed].discard(line)

    def receive(self, line: PriceLine, text: str | bytes) -> None:
        try:
            request = msgspec.json.decode(text, type=PriceRequest)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            line.reply(_text(Reply(op="error", code="bad_op")))
            return
        if len(text) > FRAME_BYTES_MAX:
            line.cut(CLOSE_POLICY)
        elif request.op == "ping":
            line.reply(_text(Reply(op="pong", rid=request.rid)))
        elif request.op == "auth":
            self._login(line, request)
        elif not line.authorized:
            line.reply(_text(Reply(op="error", rid=request.rid, code="auth_required")))
        elif request.op in ("subscribe", "unsubscribe"):
            for subscription in request.subscriptions:
                self._change(line, request, subscription)
        else:
            line.reply(_text(Reply(op="error", rid=request.rid, code="bad_op")))

    def _login(self, line: PriceLine, request: PriceRequest) -> None:
        account = None if request.auth is None else identify(self._accounts, request.auth)
        if account is None:
            line.attempts += 1
            if line.attempts >= AUTH_ATTEMPTS_MAX:
                line.cut(CLOSE_AUTH)
            else:
                line.reply(_text(Reply(op="error", rid=request.rid, code="auth_invalid")))
            return
        line.authorized = True
        line.reply(_text(Reply(op="authed", rid=request.rid)))

    def _change(self, line: PriceLine, request: PriceRequest, subscription: Subscription) -> None:
        asset = self._assets.get(subscription.filter.symbol.lower())
        known = subscription.channel in (TWAP_CHANNEL, SPOT_CHANNEL)
        full = request.op == "subscribe" and len(line.feeds) >= SUBSCRIPTIONS_MAX
        if asset is None or not known or full:
            code = "sub_limit" if full else "bad_filter" if known else "bad_channel"
            refusal = Reply(op="error", rid=request.rid, channel=subscription.channel, code=code)
            line.reply(_text(refusal))
            return
        feed = Feed(subscription.channel, asset)
        done = Reply(op=f"{request.op}d", rid=request.rid, channel=subscription.channel)
        line.reply(_text(done))
        if request.op == "unsubscribe":
            line.feeds.discard(feed)
            self._by_feed.get(feed, set()).discard(line)
        elif feed not in line.feeds:
            line.feeds.add(feed)
            self._by_feed.setdefault(feed, set()).add(line)
            line.offer(self._snapshot(feed), feed.key)

    def _snapshot(self, feed: Feed) -> str:
        ticks = self._ticks_of(feed.asset)
        payload = PricePayload(
            symbol=f"{feed.asset}usd",
            source=feed.source,
            window_seconds=feed.window_seconds(self._window_seconds),
            data=tuple(feed.point(tick) for tick in ticks),
        )
        return self._frame(feed, payload, snapshot=True)

    def _frame(self, feed: Feed, payload: PricePayload, *, snapshot: bool) -> str:
        frame = PriceFrame(
            channel=feed.channel,
            seq=self._sequence.get(feed, 0),
            ts=self._wire_ms,
            snapshot=snapshot,
            payload=payload,
        )
        return _text(frame)

    def publish(self, event: Ticked) -> None:
        self._wire_ms = event.wire_ms
        for channel in (TWAP_CHANNEL, SPOT_CHANNEL):
            feed = Feed(channel, event.tick.asset)
            self._sequence[feed] = self._sequence.get(feed, 0) + 1
            lines = self._by_feed.get(feed)
            if lines:
                point = feed.point(event.tick)
                payload = PricePayload(
                    symbol=f"{feed.asset}usd",
                    source=feed.source,
                    window_seconds=feed.window_seconds(event.tick.window_seconds),
                    timestamp=point.timestamp,
                    value=point.value,
                    full_accuracy_value=point.full_accuracy_value,
                )
                text = self._frame(feed, payload, snapshot=False)
                for line in lines:
                    line.offer(text, feed.key)


def _text(value: msgspec.Struct) -> str:
    return to_json(value).decode()
