"""A slot that waits for news when the gateway ends."""

import asyncio
from pathlib import Path

import pytest

from actors.messages import OutboxPage, decode
from tests.actors.gateway.fake_venue import Book, FakeVenue
from tests.actors.gateway.shells import WAIT_S, configure, gateway, own

pytestmark = pytest.mark.anyio
POLL_MS = 600_000
"""Far longer than the test waits: an answer is no end of the poll's own time."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_long_poll_is_answered_when_the_gateway_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.gateway.actor.OUTBOX_WAIT_MS_MAX", POLL_MS)
    configure(tmp_path)
    async with gateway(tmp_path, FakeVenue(Book())) as shell:
        await own(shell)
        poll = asyncio.ensure_future(shell.outbox("btc-5m", 1, 0, 0, POLL_MS))
        await asyncio.sleep(0)
        await shell.cut_off()
        async with asyncio.timeout(WAIT_S):
            page = decode(await poll, OutboxPage)
    assert page.events == ()
