"""The price socket: how each way to be silent, refused or closed is met."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from polymarket.errors import RequestRejectedError
from websockets.asyncio.server import Response, ServerConnection, serve
from websockets.datastructures import Headers

from actors.config import Venue
from actors.feeds import price_stream
from actors.feeds.pace import REFUSED
from actors.feeds.price_credential import (
    Credential,
    PriceLogin,
)
from actors.feeds.price_stream import DRAIN_S_MAX, PriceStream
from actors.market_data.events import (
    Event,
    StreamFault,
    StreamTrouble,
    TicksReceived,
)
from actors.market_data.step import step
from signals.market import Asset
from tests.actors.market_data.builders import T0, at
from tests.actors.market_data.journeys import warm_state
from tests.actors.market_data.test_feed_forms import VENUE
from tests.actors.market_data.test_price_frames import KEPT, frame, point

LIMIT_S = 60.0


class KeptLogin(PriceLogin):
    """Has a credential from the start, and counts how often it is renewed."""

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent/credential"))
        self.renewed = 0

    async def credential(self, _venue: Venue) -> Credential:
        return KEPT

    async def renew(self, _venue: Venue) -> None:
        self.renewed += 1


class Script:
    """A price socket on loopback: logs in, keeps what it was asked, then does as it is told."""

    def __init__(self, then: Callable[[ServerConnection, int], Awaitable[None]]) -> None:
        self.asked: list[dict[str, Any]] = []
        self._then = then

    async def __call__(self, line: ServerConnection) -> None:
        self.asked.append(json.loads(await line.recv()))
        await line.send(json.dumps({"op": "authed", "rid": "a1"}))
        self.asked.append(json.loads(await line.recv()))
        await line.send(json.dumps({"op": "subscribed", "channel": "price.crypto.twap"}))
        logins = sum(row["op"] == "auth" for row in self.asked)
        await self._then(line, logins)
        async for told in line:
            self.asked.append(json.loads(told))


Use = Callable[[PriceStream, "asyncio.Queue[Event]", KeptLogin], Awaitable[None]]


def run_stream(
    server: Callable[[ServerConnection], Awaitable[None]], use: Use, **more: Any
) -> None:
    async def run() -> None:
        async with serve(server, "127.0.0.1", 0, **more) as served:
            port = next(iter(served.sockets)).getsockname()[1]
            venue = msgspec.structs.replace(VENUE, prices_ws_url=f"ws://127.0.0.1:{port}")
            events: asyncio.Queue[Event] = asyncio.Queue()
            login = KeptLogin()
            stream = PriceStream(venue, events.put_nowait, login)
            stream.follow((Asset.BTC, Asset.ETH))
            try:
                async with asyncio.timeout(LIMIT_S):
                    await use(stream, events, login)
            finally:
                await stream.close()

    asyncio.run(run())


async def next_of(events: "asyncio.Queue[Event]", kind: type) -> Any:
    while True:
        found = await events.get()
        if isinstance(found, kind):
            return found


def test_it_logs_in_and_asks_for_all_symbols_in_one_frame() -> None:
    async def then(line: ServerConnection, _: int) -> None:
        await line.send(frame().decode())

    async def use(_s: PriceStream, events: "asyncio.Queue[Event]", _l: KeptLogin) -> None:
        found = await next_of(events, TicksReceived)
        assert found.ticks.twap == (91_000.25,)

    script = Script(then)
    run_stream(script, use)
    login, asked = script.asked[:2]
    assert login["auth"] == {"apiKey": "k", "secret": "s", "passphrase": "p"}
    assert [row["filter"]["symbol"] for row in asked["subscriptions"]] == ["btcusd", "ethusd"]


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let every wait of the stream be over at once, and keep how long it would have been."""
    waits: list[float] = []
    sleep = asyncio.sleep

    async def short(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0.01)

    monkeypatch.setattr(price_stream, "_sleep", short)
    return waits


@pytest.mark.parametrize(
    ("code", "wait_s", "renewed"),
    [
        (4_001, REFUSED.wait_s(1), 1),
        (4_002, 0.0, 0),
        (4_003, 0.0, 0),
        (4_008, REFUSED.wait_s(1), 0),
    ],
)
def test_each_way_to_close_is_met(
    slept: list[float], code: int, wait_s: float, renewed: int
) -> None:
    async def then(line: ServerConnection, logins: int) -> None:
        if logins == 1:
            await line.close(code)
        else:
            await line.send(frame().decode())

    async def use(_s: PriceStream, events: "asyncio.Queue[Event]", login: KeptLogin) -> None:
        gap = await next_of(events, StreamFault)
        assert (gap.stream, gap.reconnects) == ("prices", 1)
        await next_of(events, TicksReceived)
        assert login.renewed == renewed

    run_stream(Script(then), use)
    own = [seconds for seconds in slept if seconds != price_stream.POLL_S]
    assert max(own, default=0.0) >= wait_s
    if code == 4_003:
        assert all(0 <= seconds <= DRAIN_S_MAX for seconds in own)
        assert own


def test_a_refused_log_in_renews_once_and_then_waits_long(slept: list[float]) -> None:
    logins = 0

    async def server(line: ServerConnection) -> None:
        nonlocal logins
        logins += 1
        await line.recv()
        if logins == 1:
            await line.send(json.dumps({"op": "error", "code": "auth_invalid"}))
        await line.wait_closed()

    async def use(_s: PriceStream, events: "asyncio.Queue[Event]", login: KeptLogin) -> None:
        trouble = await next_of(events, StreamTrouble)
        assert "auth_invalid" in trouble.reason
        while logins < 2:
            await next_of(events, StreamFault)
            break
        assert login.renewed == 1

    run_stream(server, use)
    assert max(slept) >= REFUSED.wait_s(1)


@pytest.mark.parametrize(("status", "retry"), [(429, "7"), (503, "9"), (429, "1e9"), (503, "x")])
def test_a_handshake_that_is_put_off_waits_as_long_as_it_says_within_bounds(
    slept: list[float], status: int, retry: str
) -> None:
    async def never(_: ServerConnection) -> None:
        raise AssertionError("no socket was made")

    def refuse(_line: ServerConnection, _request: Any) -> Response:
        return Response(status, "", Headers({"Retry-After": retry}), b"")

    async def use(_s: PriceStream, events: "asyncio.Queue[Event]", _l: KeptLogin) -> None:
        await next_of(events, StreamFault)

    run_stream(never, use, process_request=refuse)
    wanted = {"7": 7.0, "9": 9.0, "1e9": 600.0, "x": 0.0}[retry]
    assert wanted <= max(slept, default=0.0) <= wanted * 1.2


def test_a_gap_is_told_and_mended_by_the_history(slept: list[float]) -> None:
    async def then(line: ServerConnection, _: int) -> None:
        await line.send(frame(seq=1).decode())
        await line.send(frame(point(T0 + 5_000), seq=6, dropped=4).decode())

    script = Script(then)

    async def use(_s: PriceStream, events: "asyncio.Queue[Event]", _l: KeptLogin) -> None:
        fault = await next_of(events, StreamFault)
        assert (fault.stream, fault.dropped) == ("prices", 4)
        while [row["op"] for row in script.asked[2:4]] != ["unsubscribe", "subscribe"]:
            await next_of(events, StreamTrouble)

    run_stream(script, use)
    assert price_stream.POLL_S in slept


def test_an_asset_whose_stamps_do_not_advance_is_named_and_asked_again(
    slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_stream, "ASSET_SILENT_S", 0.05)

    async def then(line: ServerConnection, _: int) -> None:
        for number in range(1_000):  # only bitcoin speaks
            await line.send(frame(point(T0 + 1_000 * number), seq=number).decode())
            await asyncio.sleep(0.005)

    async def use(_s: PriceStream, events: "asyncio.Queue[Event]", _l: KeptLogin) -> None:
        while "eth" not in (await next_of(events, StreamTrouble)).reason:
            continue

    run_stream(Script(then), use)
    assert slept


def test_frames_of_another_format_end_the_connection_and_each_is_counted(
    slept: list[float],
) -> None:
    async def then(line: ServerConnection, _: int) -> None:
        for _number in range(price_stream.UNREADABLE_MAX):
            await line.send("<html>")

    async def use(_s: PriceStream, events: "asyncio.Queue[Event]", _l: KeptLogin) -> None:
        malformed = 0
        while malformed < price_stream.UNREADABLE_MAX:
            malformed += (await next_of(events, StreamFault)).malformed
        while not (await next_of(events, StreamFault)).reconnects:
            continue

    run_stream(Script(then), use)
    assert all(seconds >= 0 for seconds in slept)


def test_a_log_in_that_the_venue_refuses_waits_longer_each_time(slept: list[float]) -> None:
    class Refused(KeptLogin):
        async def credential(self, _venue: Venue) -> Credential:
            raise RequestRejectedError("restricted", status=403)

    async def run() -> None:
        events: asyncio.Queue[Event] = asyncio.Queue()
        stream = PriceStream(VENUE, events.put_nowait, Refused())
        stream.follow((Asset.BTC,))
        async with asyncio.timeout(LIMIT_S):
            for _ in range(3):
                assert "403" in (await next_of(events, StreamTrouble)).reason
        await stream.close()

    asyncio.run(run())
    assert all(wait >= pause for wait, pause in zip(slept, (5.0, 20.0, 80.0), strict=False))


def test_trouble_of_a_price_stream_is_shown_and_doubts_no_book() -> None:
    state, _ = step(warm_state(), StreamTrouble(stream="prices", reason="refused"), at(2_000))
    state, _ = step(state, StreamFault(stream="prices", reconnects=1, dropped=5), at(2_100))
    assert state.trouble["stream/prices"] == "refused"
    assert not any(book.suspect for book in state.books.values())
    state, _ = step(state, StreamTrouble(stream="prices", reason=""), at(2_200))
    assert not state.trouble
