"""The settlement price: 60-second averages of all assets, from the venue's price socket."""

import asyncio
import socket
from enum import IntEnum
from typing import Final

import msgspec
from polymarket.errors import RequestRejectedError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from actors.config import Venue
from actors.feeds.http import Malformed
from actors.feeds.kept_stream import (
    AGENT,
    CLOSE_TIMEOUT_S,
    FRAME_BYTES_MAX,
    OPEN_TIMEOUT_S,
    Ended,
    KeptStream,
    first_to_end,
    keep_nothing,
)
from actors.feeds.pace import ReconnectPace
from actors.feeds.price_credential import Credential, CredentialError, PriceLogin
from actors.feeds.price_frames import (
    Answer,
    Averages,
    Sequences,
    read_price_frame,
    subscriptions,
)
from actors.market_data.events import StreamFault, StreamTrouble
from actors.market_data.venue_feed import Deliver, Keep
from actors.runtime import log_event
from signals.market import Asset

REFUSED: Final = frozenset({400, 401, 403})
"""Answers to a log-in that the same question would get again."""
PING_S: Final = 25.0
PONG_S: Final = 20.0
ANSWER_S: Final = 10.0
"""Wire, for the answer to the log-in."""
POLL_S: Final = 5.0
ASSET_SILENT_S: Final = 30.0
"""Wire. An asset whose observations do not advance for so long is asked for again."""
RETRY_AFTER_S_MAX: Final = 600.0
DRAIN_S_MAX: Final = 10.0
"""Wire: after a drain clients come back spread over so long, by chance."""
UNREADABLE_MAX: Final = 50
"""Frames in a row: then the socket speaks another format, and a new connection may not."""

_sleep = asyncio.sleep


class PriceClose(IntEnum):
    """Codes with which the venue closes the socket."""

    AUTH = 4_001
    SLOW = 4_002
    """Or no pong: a new connection is all that it needs."""
    DRAIN = 4_003
    POLICY = 4_008


class _Auth(msgspec.Struct, rename="camel"):
    api_key: str
    secret: str
    passphrase: str


class _Login(msgspec.Struct):
    auth: _Auth
    op: str = "auth"
    rid: str = "a1"


class PriceStream(KeptStream):
    """Averages of all assets; every frame is checked by its number, every asset by its stamps."""

    name = "prices"

    def __init__(
        self, venue: Venue, deliver: Deliver, login: PriceLogin, keep: Keep = keep_nothing
    ) -> None:
        super().__init__(venue, deliver, keep)
        self._assets: tuple[Asset, ...] = ()
        self._login = login
        self._pace = ReconnectPace(self._chance)
        self._newest: dict[Asset, tuple[int, float]] = {}
        """The newest observation of each asset, and when it came."""
        self._again: set[Asset] = set()
        """Assets to ask for again: something of them is missing."""

    def follow(self, assets: tuple[Asset, ...]) -> None:
        """Subscribe, or do it again on a new connection: less and less often where that is no use.

        A connection that is silent is kept meanwhile: it may begin to speak.
        """
        now_s = asyncio.get_running_loop().time()
        if assets == self._assets and self._task is not None and not self._pace.may_start(now_s):
            return
        self._assets = assets
        self._pace.begin(now_s)
        self._restart()

    async def _connection(self) -> None:
        try:
            credential = await self._login.credential(self._venue)
            await self._connected(credential)
        except CredentialError as error:
            await self._refused(str(error))
        except RequestRejectedError as error:
            if error.status in REFUSED:
                await self._refused(f"the log-in was refused: HTTP {error.status} {error}")
            raise
        except InvalidStatus as error:
            await self._no_socket(error)
            raise
        except ConnectionClosed as error:
            await self._closed_by_venue(error)
            raise

    async def _connected(self, credential: Credential) -> None:
        async with connect(
            self._venue.prices_ws_url,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=PING_S,
            ping_timeout=PONG_S,
            max_size=FRAME_BYTES_MAX,
            compression=None,
            user_agent_header=AGENT,
            family=socket.AF_INET,
        ) as line:
            code = await self._log_in(line, credential)
            if code is not None:
                await self._login.renew(self._venue)
                await self._refused(f"the price socket refused the log-in: {code}")
                return
            now_s = asyncio.get_running_loop().time()
            self._newest = dict.fromkeys(self._assets, (0, now_s))
            self._again = set()
            await line.send(subscriptions(self._assets))
            await first_to_end(
                asyncio.create_task(self._read(line)), asyncio.create_task(self._watch(line))
            )

    async def _log_in(self, line: ClientConnection, credential: Credential) -> str | None:
        """Return the code of a refusal; None: logged in."""
        auth = _Auth(credential.api_key, credential.secret, credential.passphrase)
        await line.send(msgspec.json.encode(_Login(auth)).decode())
        async with asyncio.timeout(ANSWER_S):
            while True:
                said = read_price_frame(await line.recv(decode=False))
                if not isinstance(said, Answer):
                    continue
                if said.op == "authed":
                    return None
                if said.op == "error":
                    return said.code

    async def _read(self, line: ClientConnection) -> None:
        sequences, unreadable = Sequences(), 0
        while True:
            frame = await line.recv(decode=False)
            self._keep_frame(self.name, frame)
            try:
                said = read_price_frame(frame)
                unreadable = 0
            except Malformed as error:
                unreadable += 1
                self._deliver(StreamFault(stream=self.name, malformed=1))
                if unreadable >= UNREADABLE_MAX:
                    raise Ended(f"{unreadable} frames in a row: {error}") from error
                continue
            match said:
                case Averages():
                    self._take(said, sequences.lost(said))
                case Answer(op="error", code=code):
                    log_event("subscription_refused", stream=self.name, code=code)
                case _:
                    continue

    def _take(self, said: Averages, lost: int) -> None:
        asset, now_s = said.received.asset, asyncio.get_running_loop().time()
        if asset not in self._assets:
            return  # nobody asked for it
        if lost:
            self._deliver(StreamFault(stream=self.name, dropped=lost))
            self._again |= set(self._assets)
        newest_ms = max(said.received.ticks.observed_ms, default=0)
        if newest_ms > self._newest.get(asset, (0, 0.0))[0]:
            self._newest[asset] = (newest_ms, now_s)
            self._pace.speaks()
        self._deliver(said.received)

    async def _watch(self, line: ClientConnection) -> None:
        """Ask again for what has a gap, whose history mends it, and for what does not advance."""
        while True:
            await _sleep(POLL_S)
            now_s = asyncio.get_running_loop().time()
            silent = {
                asset for asset, (_, at_s) in self._newest.items() if now_s - at_s > ASSET_SILENT_S
            }
            names = ", ".join(sorted(silent))
            reason = f"no new averages of {names} for {ASSET_SILENT_S:g} s" if silent else ""
            self._deliver(StreamTrouble(stream=self.name, reason=reason))
            again = tuple(asset for asset in self._assets if asset in self._again | silent)
            self._again = set()
            if again:
                self._newest |= {asset: (self._newest[asset][0], now_s) for asset in silent}
                await line.send(subscriptions(again, "unsubscribe"))
                await line.send(subscriptions(again))

    # ---- how a connection ends ------------------------------------------------------------------

    async def _closed_by_venue(self, error: ConnectionClosed) -> None:
        code = error.rcvd.code if error.rcvd is not None else 0
        match code:
            case PriceClose.AUTH:
                await self._login.renew(self._venue)
                await self._refused("the price socket closed: log-in not valid (4001)")
            case PriceClose.DRAIN:
                await _sleep(DRAIN_S_MAX * self._chance())
            case PriceClose.POLICY:
                await self._refused("the price socket closed: against its policy (4008)")
            case _:
                return

    async def _no_socket(self, error: InvalidStatus) -> None:
        """Wait as long as the answer to the handshake asks for, within bounds."""
        status = error.response.status_code
        if status in REFUSED:
            await self._refused(f"the price socket answered HTTP {status}")
            return
        try:
            asked_s = float(error.response.headers.get("Retry-After", "0"))
        except ValueError:
            return
        if asked_s > 0:
            pause_s = min(asked_s, RETRY_AFTER_S_MAX)
            self._trouble(f"the price socket answered HTTP {status}: again in {pause_s:.0f} s")
            await _sleep(pause_s * (1 + 0.1 * self._chance()))

    async def _refused(self, reason: str) -> None:
        """The venue said no: ask no more for long, and then with the same key."""
        pause_s = self._pace.refuse(asyncio.get_running_loop().time())
        self._trouble(f"{reason}; again in {pause_s:.0f} s")
        await _sleep(pause_s)

    def _trouble(self, reason: str) -> None:
        log_event("stream_refused", stream=self.name, reason=reason)
        self._deliver(StreamTrouble(stream=self.name, reason=reason))
