"""Print forged approvals refused, and false alarms and delays of the detectors, with their seeds.

`python -m tests.bench.detectors [--periods N] [--runs N] [--seed N]`; a period is 3,600 cycles.
The default takes some minutes on one core.
"""

import argparse
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cluster.gate.document import store_plan
from tests.bench.detectors import drift, mix, outcome
from tests.bench.detectors.cycles import RHOS
from tests.checkpoints.memory_storage import MemoryStorage
from tests.cluster.gate.builders import document
from tests.cluster.gate.forgeries import COUNT, refusals

OTHER_PRICES = (0.95, 0.80, 0.65, 0.50)
EDGE = 0.013


def print_forgeries(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = MemoryStorage()
        made = document(storage, Path(folder))
        refused = refusals(seed, COUNT, store_plan(storage, made), made)
    print(f"forged approvals: {refused.total()} of {COUNT} refused, seed {seed}")
    print("  " + ", ".join(f"{name} {count}" for name, count in refused.items()))


def print_false_alarms(seed: int, periods: int) -> None:
    print(f"outcome minus price: false alarms per 12.5 days, {periods} periods each, seed {seed}")
    print("  price   wins   correlation  CUSUM  e-process  per period (95 % below)")
    cases = [(outcome.PRICE, outcome.GOOD, rho, periods) for rho in RHOS]
    cases += [(price, price + EDGE, 0.8, max(1, periods // 4)) for price in OTHER_PRICES]
    for number, (price, wins, rho, count) in enumerate(cases):
        found = outcome.false_alarms(seed + number, rho, count * outcome.PERIOD, wins, price)
        print(
            f"  {price:.2f}    {wins:.3f}  {rho:>6}       {found.fell:>5}  {found.without_edge:>9}"
            f"  {found.per_period:.2f} ({found.per_period_upper:.2f})"
        )


def print_delays(seed: int, runs: int) -> None:
    print(f"outcome minus price: cycles until found, {runs} runs each, seed {seed}")
    print("  wins        correlation  median    90 %  not within 600")
    for to in (0.80, 0.50):
        for number, rho in enumerate(RHOS):
            found = outcome.delay(seed + 100 + number, rho, to, runs)
            print(
                f"  91.3 -> {100 * to:.0f} %  {rho:>6}   {found.median:>10.0f}  {found.p90:>6.0f}"
                f"  {found.unfound:>6}"
            )


def print_mix(seed: int, periods: int, runs: int) -> None:
    print(f"decision mix: false alarms in {periods} periods, seed {seed}")
    for rho, memory in ((0.0, 0.0), (0.3, 0.0), (0.6, 0.0), (0.8, 0.0), (0.3, 0.5)):
        found = mix.false_alarms(seed, rho, memory, periods * outcome.PERIOD)
        print(f"  correlation {rho}, memory {memory}: {found.alarms}")
    print(f"decision mix: median cycles until found, {runs} runs each, seed {seed}")
    for name, shares in mix.CHANGES.items():
        each = ", ".join(f"{mix.delay(seed, shares, rho, runs):.0f}" for rho in RHOS)
        print(f"  {name}: {each} at correlation {', '.join(map(str, RHOS))}")


def print_drift(seed: int, periods: int) -> None:
    print(f"input drift: false alarms, seed {seed}")
    recorded = drift.recorded()
    if not recorded:
        print("  recorded candles: not at hand")
    generated = drift.generated(seed, periods * outcome.PERIOD)
    for name, series in (("recorded candles", recorded), ("generated", generated)):
        if series:
            found = drift.false_alarms(name, series)
            print(f"  {found.name}: {found.alarms} in {found.cycles} cycles")
    print("input drift: median cycles until found (missed of 8)")
    for feature, factor in (("volume", 1000.0), ("volume", 10.0), ("candle_range", 0.1)):
        median, missed = drift.delays(recorded or generated, feature, math.log(factor), 8)
        print(f"  {feature} x {factor:g}: {median:g} ({missed})")


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--periods", type=int, default=100)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=20260101)
    asked = parser.parse_args(words)
    print_forgeries(asked.seed)
    print_false_alarms(asked.seed, asked.periods)
    print_delays(asked.seed, asked.runs)
    print_mix(asked.seed, max(1, asked.periods // 10), max(10, asked.runs // 20))
    print_drift(asked.seed, max(1, asked.periods // 10))


if __name__ == "__main__":
    main()
