"""What the exchange costs: printed, never judged."""

import platform
import time
from pathlib import Path

import pytest

from cluster.sandbox.model import OrderType, Outcome
from tests.cluster.sandbox.core.small_exchange import ALICE, BOB, SmallExchange

WIRE_MS = 60_000
PULSE_MS = 50


@pytest.mark.bench
@pytest.mark.parametrize("speed", [1, 30])
def test_processor_time_of_one_wire_minute(tmp_path: Path, speed: int) -> None:
    desk = SmallExchange(tmp_path, house_at_work=True, taker_delay_wire_ms=150, speed=speed)
    started = time.process_time()
    worst = events = 0.0
    for number in range(WIRE_MS // PULSE_MS):
        before = time.process_time()
        desk.step(PULSE_MS)
        worst = max(worst, time.process_time() - before)
        if number % 5 == 0:
            desk.buy(ALICE, 30 + number % 30, 10)
            desk.buy(BOB, 40, 10, OrderType.FAK, outcome=Outcome.DOWN)
        if number % 20 == 0:
            desk.ledger.sync()
        events += len(desk.events)
        desk.events.clear()
    used = time.process_time() - started
    share, rate = used / WIRE_MS * 1e5, events / WIRE_MS * 1e3
    print(f"\nsandbox core, speed {speed}, {platform.machine()}: {share:.2f} % of a core,")
    print(f"{rate:.0f} events a second, longest pulse {worst * 1e3:.1f} ms")
