"""The climb against the real sandbox exchange, at wall time."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from actors.config import FleetConfig, Mode, RiskLimits
from actors.live import climb_proofs
from actors.live.climb_orders import BUY_MICRO_USD
from actors.live.climb_run import climb
from actors.live.climb_state import Climb, Line, Phase, Purpose
from actors.live.climb_store import climb_orders, last_climb
from checkpoints.storage import LocalStorage
from signals.units import MicroUsd
from tests.actors.sandbox import sandbox
from tests.judge_ledger import read_ledger

pytestmark = [pytest.mark.exchange, pytest.mark.timeout(900)]
FEES_MAX = 200_000
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
    assert found.cost_micro_usd <= BUY_MICRO_USD + FEES_MAX, "the price moves meanwhile"
    storage = LocalStorage(Path(config.storage))
    assert last_climb(storage) == found
    assert len(climb_orders(storage)) == len(found.orders)


class CrashError(Exception):
    """The process dies here."""


def _until_it_dies(config: FleetConfig, die: Callable[[Climb], None]) -> Climb | str | None:
    """Return how it ended where it did not die."""
    try:
        return asyncio.run(climb(config, LINE, die))
    except CrashError:
        return None


CUT = [
    *(Phase.POSTING, Phase.SEEING, Phase.CANCELLING, Phase.PROVING_GONE, Phase.BUYING),
    *(Phase.POSTING_BUY, Phase.PROVING_BOUGHT, Phase.SELLING, Phase.POSTING_SALE),
    Phase.PROVING_SOLD,
]


@pytest.mark.nemesis
def test_a_climb_that_dies_at_each_step_is_gone_on_with_and_buys_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record of a step is there, and what it asks for has not been done, or nobody knows."""
    monkeypatch.setattr(climb_proofs, "NO_FILL_MS", 5_000)
    with sandbox(tmp_path, "--market-clock=wall", speed=1) as exchange:
        bought = sold = 0
        for phase in CUT:
            config = msgspec.structs.replace(
                exchange.config(),
                mode=Mode.LIVE,
                storage=str(tmp_path / phase),
                risk=RiskLimits(order_micro_usd=MicroUsd(5_000_000)),
            )

            def die(now: Climb, at: Phase = phase) -> None:
                if now.phase is at:
                    raise CrashError

            cut = _until_it_dies(config, die)
            assert cut is None, f"{phase}: {cut}"
            found = asyncio.run(climb(config, LINE, lambda _now: None))
            assert isinstance(found, Climb), found
            assert found.phase is Phase.DONE, f"{phase}: {found.reason}"
            ours = {one.order_id: one.purpose for one in found.orders}
            ledger = read_ledger(tmp_path / "exchange")
            filled = {name.partition("/")[2] for name in ledger.fills} & ours.keys()
            purposes = sorted(ours[one] for one in filled if ours[one] is not Purpose.FAR)
            assert purposes == [Purpose.BUY, Purpose.SELL], f"{phase}: {purposes}"
            bought += found.bought_micro_usd
            sold += found.sold_micro_usd
        print(f"\n{len(CUT)} crashes: bought {bought}, sold {sold} micro-USD, each bought once")
