"""Intent received to order posted, sixteen at once: printed, never asserted as a time."""

import asyncio
import os
from pathlib import Path

import pytest

from actors.gateway.actor import Gateway
from actors.gateway.status import GatewayStatus, Latency
from actors.messages import decode, encode
from signals.market import DEFAULT_SLOTS
from tests.actors.gateway.fake_venue import Book, FakeVenue
from tests.actors.gateway.shells import WAIT_S, configure, current_intent, gateway, own

pytestmark = [pytest.mark.bench, pytest.mark.anyio]
ROUNDS = 5


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("together", [1, 16])
async def test_intent_received_to_order_posted(tmp_path: Path, together: int) -> None:
    configure(tmp_path)
    async with gateway(tmp_path, FakeVenue(Book())) as shell:
        slots = [str(slot) for slot in DEFAULT_SLOTS[:together]]
        for slot in slots:
            await own(shell, slot)
        for leg in range(ROUNDS):
            # small orders of both outcomes' size, so that no exposure limit is reached
            intents = [
                current_intent(slot=slot, leg=leg, price=10_000 * (leg + 1), shares=5_000_000)
                for slot in slots
            ]
            await asyncio.gather(*(shell.send(encode(one)) for one in intents))
            latency = await posted(shell, (leg + 1) * together)
    share = latency.fsync_p50_ms / latency.received_to_posted_p50_ms
    print(
        f"\n{together:2d} intents at once, {latency.samples} orders: received to posted "
        f"p50 {latency.received_to_posted_p50_ms:.1f} ms, "
        f"p99 {latency.received_to_posted_p99_ms:.1f} ms; "
        f"fsync p50 {latency.fsync_p50_ms:.1f} ms ({share:.0%}); load {os.getloadavg()[0]:.1f}"
    )
    assert latency.samples == ROUNDS * together


async def posted(shell: Gateway, orders: int) -> Latency:
    """Return the measure once so many orders were posted; an intent is answered before its post."""
    async with asyncio.timeout(WAIT_S):
        while True:
            latency = decode(await shell.status(), GatewayStatus).latency
            if latency.samples >= orders:
                return latency
            await asyncio.sleep(0.001)
