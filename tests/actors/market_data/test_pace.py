"""A price feed that is silent or refused: fewer and fewer connections, one credential a life."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polymarket.errors import RequestRejectedError

from actors.config import Venue
from actors.feeds import streams
from actors.feeds.pace import REFUSED_S, SILENT_S, ReconnectPace
from actors.feeds.prices import PriceLogin
from actors.feeds.streams import PriceStream
from actors.market_data.events import Event
from signals.market import Asset
from tests.actors.venue.loopback import Answer, loopback

HOUR_S = 3_600.0


def connections(pace: ReconnectPace, asked_every_s: float, seconds: float) -> int:
    count, now_s = 0, 0.0
    while now_s < seconds:
        if pace.may_start(now_s):
            pace.begin(now_s)
            count += 1
        now_s += asked_every_s
    return count


@given(st.floats(0, 1))
def test_a_silent_feed_is_connected_less_and_less_often(chance: float) -> None:
    assert connections(ReconnectPace(lambda: chance), 10.0, HOUR_S) <= HOUR_S / SILENT_S[-1] + 5


def test_a_feed_that_spoke_is_connected_at_once_when_it_falls_silent() -> None:
    pace = ReconnectPace(lambda: 0.5)
    for _ in range(9):
        pace.begin(0.0)
    assert not pace.may_start(60.0)
    pace.speaks()
    assert pace.may_start(60.0)
    pace.begin(60.0)
    assert pace.may_start(60.0 + 2 * SILENT_S[0])


def test_a_refusal_in_passing_costs_seconds_and_one_that_stays_is_asked_every_ten_minutes() -> None:
    pace = ReconnectPace(lambda: 0.0)
    pauses = [pace.refuse(0.0) for _ in range(7)]
    assert pauses == [*REFUSED_S, REFUSED_S[-1], REFUSED_S[-1]]
    pace.speaks()
    assert pace.refuse(0.0) == REFUSED_S[0]


def test_connections_of_one_life_share_one_credential() -> None:
    async def twice(venue: Venue) -> None:
        login = PriceLogin()
        for _ in range(3):
            client = await login.open_client(venue)
            await client.close()

    with loopback() as exchange:
        exchange.answer("GET", "/auth/api-keys", Answer({"apiKeys": ["key-1"]}))
        asyncio.run(twice(exchange.venue()))
        made = [r for r in exchange.requests if r.path.startswith("/auth/api-key")]
        assert [r.method for r in made if r.method == "POST"] == ["POST"]


def test_a_wish_to_follow_again_keeps_a_silent_connection_until_its_pause_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> int:
        opened = 0

        async def open_client(_self: PriceLogin, _venue: Venue) -> Any:
            nonlocal opened
            opened += 1
            await asyncio.Event().wait()

        monkeypatch.setattr(PriceLogin, "open_client", open_client)
        with loopback() as exchange:
            stream = PriceStream(exchange.venue(), lambda _: None)
            for _ in range(5):
                stream.follow((Asset.BTC,))
                await asyncio.sleep(0)
            stream.follow((Asset.BTC, Asset.ETH))
            await asyncio.sleep(0)
            await stream.close()
        return opened

    assert asyncio.run(run()) == 2, "once, and once more for another wish"


def test_a_log_in_that_the_venue_refuses_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> list[float]:
        slept: list[float] = []
        done = asyncio.Event()

        async def open_client(_self: PriceLogin, _venue: Venue) -> Any:
            raise RequestRejectedError("restricted", status=403)

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) >= 6:
                done.set()
                await asyncio.Event().wait()

        monkeypatch.setattr(PriceLogin, "open_client", open_client)
        monkeypatch.setattr(streams, "_sleep", sleep)
        delivered: list[Event] = []
        with loopback() as exchange:
            stream = PriceStream(exchange.venue(), delivered.append)
            stream.follow((Asset.BTC,))
            async with asyncio.timeout(30):
                await done.wait()
            await stream.close()
        return slept

    slept = asyncio.run(run())
    assert [seconds >= pause for seconds, pause in zip(slept[::2], REFUSED_S, strict=False)] == [
        True,
        True,
        True,
    ]
