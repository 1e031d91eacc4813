"""The climb against the real sandbox exchange, at wall time."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from actors.config import Mode, RiskLimits
from actors.live.climb_run import climb
from actors.live.climb_state import Climb, Line, Phase
from actors.live.climb_store import climb_orders, last_climb
from checkpoints.storage import LocalStorage
from signals.units import MicroUsd
from tests.actors.sandbox import sandbox

pytestmark = [pytest.mark.exchange, pytest.mark.timeout(900)]
LINE = Line(venue="rehearsal", wallet="w", store="s", code="c")


def test_a_climb_places_cancels_buys_and_sells_and_proves_each(tmp_path: Path) -> None:
    moves: list[Phase] = []
    with sandbox(tmp_path, "--market-clock=wall", speed=1) as exchange:
        config = msgspec.structs.replace(
            exchange.config(),
            mode=Mode.LIVE,
            risk=RiskLimits(order_micro_usd=MicroUsd(5_000_000)),
        )
        found = asyncio.run(climb(config, LINE, lambda now: moves.append(now.phase)))
    assert isinstance(found, Climb), found
    print(found)
    assert found.phase is Phase.DONE, found.reason
    assert found.bought_shares > 0
    assert 0 <= found.cost_micro_usd < 500_000
    storage = LocalStorage(Path(config.storage))
    assert last_climb(storage) == found
    assert len(climb_orders(storage)) == len(found.orders)
