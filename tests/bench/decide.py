"""`decide` alone: decisions per second of one core on a complete snapshot."""

import time
from collections.abc import Sequence
from typing import Final

from signals.decision import Position
from signals.market import Asset, Timeframe
from signals.params import load_params
from signals.strategy import Strategy, load_strategy
from signals.units import MicroUsd
from tests.bench.frame import Row, bench, row_free, spread
from tests.signals.builders import make_snapshot

BATCHES: Final = 40
SECONDS_PER_BATCH: Final = 0.1


def measure(batches: int = BATCHES) -> Sequence[Row]:
    rows = []
    for name in ("five_factor", "late_favourite"):
        rates = spread(_rate(load_strategy(name)) for _ in range(batches))
        note = f"fastest of {batches} batches {rates.worst:,.0f}"
        rows.append(row_free(f"`{name}.decide`", rates.p50, "decisions/s per core", note))
    return rows


def _rate(strategy: Strategy) -> float:
    snapshot = make_snapshot(asset=Asset.BTC)
    position, params = Position(allocation_micro_usd=MicroUsd(100_000_000)), load_params("")
    memory = strategy.Memory()
    count, began = 0, time.process_time()
    while (spent := time.process_time() - began) < SECONDS_PER_BATCH:
        _, memory = strategy.decide(snapshot, Timeframe.M5, position, memory, params)
        count += 1
    return count / spent


if __name__ == "__main__":
    bench("decide alone", measure)
