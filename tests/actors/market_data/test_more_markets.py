"""A ninth asset and 4h markets, on an exchange whose own options list them."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.market_data.actor import MarketData
from actors.market_data.state import next_decision_point, settings_of
from checkpoints.snapshots import decode_snapshot
from signals.fair_value import opening_average
from signals.market import Asset, Slot, Timeframe
from signals.params import Params
from signals.snapshot import Snapshot
from tests.actors.market_data.sandbox_actor import LIMIT_S, TIMING
from tests.actors.sandbox import Sandbox, sandbox, store_config

pytestmark = pytest.mark.exchange
SLOTS = tuple(map(Slot.parse, ("ton-5m", "btc-4h", "ton-4h")))


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Sandbox]:
    with sandbox(tmp_path, "--more-assets=ton", "--more-timeframes=4h") as served:
        yield served


async def complete_ones(actor: MarketData, exchange: Sandbox) -> dict[str, Snapshot]:
    """Ask for one decision point after the other until both assets are complete at one."""
    settings = settings_of(exchange.config(SLOTS, TIMING))
    while True:
        now_ms = exchange.clock.market_ms(time.time() * 1000)
        due_ms = next_decision_point(settings, now_ms + 10_000).due_ms
        answers = await asyncio.gather(*(actor.snapshot(a, due_ms) for a in ("ton", "btc")))
        found = {str(made.asset): made for made in (decode_snapshot(data) for _, data in answers)}
        if all(made.complete and all(map(len, made.candles)) for made in found.values()):
            return found


def test_they_have_complete_snapshots_with_the_average_at_the_open(exchange: Sandbox) -> None:
    async def work() -> dict[str, Snapshot]:
        actor = MarketData(store_config(exchange.config(SLOTS, TIMING)), "market-data/1")
        try:
            async with asyncio.timeout(LIMIT_S):
                return await complete_ones(actor, exchange)
        finally:
            await actor.stop()

    found = asyncio.run(work())
    assert found["ton"].asset is Asset("ton")
    assert found["btc"].market(Timeframe.M5) is None, "no slot trades it"
    for made in found.values():
        market = made.market(Timeframe.H4)
        assert market is not None
        assert market.window.close_ms - market.window.open_ms == 14_400_000
        assert market.up_book is not None
        assert market.twap_lookback_seconds == 60
        assert opening_average(market, made.ticks, Params().fair) is not None
