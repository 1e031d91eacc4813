"""How often input drift is cried on recorded candles and generated series, and how soon it is true.

Recorded: seven coins, 18 days, 5-minute candles; skipped without the data folder. Generated: AR(1)
features with heavy tails that share a factor between assets.
"""

import math
import os
import statistics
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq

from actors.detectors.input_drift import LEVEL, DriftWatch, score

DATA = Path(
    os.environ.get("MIDSTRIDE_DATA", Path(__file__).resolve().parents[4] / "shared" / "data")
)
Series = list[dict[str, dict[str, float]]]
"""Cycle by cycle: asset -> feature -> value."""
ASSETS = 8
FEATURES = ("candle_range", "volume")


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    cycles: int
    alarms: int
    """After each the watch starts anew, its warm-up included."""


def recorded(folder: Path = DATA) -> Series:
    """Read the features of the recorded candles; empty without the folder."""
    file = folder / "klines.parquet"
    if not file.exists():
        return []
    columns = ["asset", "interval", "open_time_ms", "high", "low", "close", "volume"]
    cycles: dict[int, dict[str, dict[str, float]]] = {}
    for row in pq.read_table(file, columns=columns).to_pylist():
        if row["interval"] == "5m" and row["high"] > row["low"] and row["volume"] > 0:
            reach = math.log((row["high"] - row["low"]) / row["close"])
            values = {"candle_range": reach, "volume": math.log(row["volume"])}
            cycles.setdefault(row["open_time_ms"], {})[row["asset"]] = values
    return [cycles[time] for time in sorted(cycles)]


def generated(seed: int, cycles: int, memory: float = 0.9, shared: float = 0.6) -> Series:
    """Draw features that remember themselves, with tails of a t of 4 degrees."""
    rng = np.random.default_rng(seed)
    state = np.zeros((len(FEATURES), ASSETS))
    series: Series = []
    for _ in range(cycles):
        common = rng.standard_t(4, (len(FEATURES), 1)) / math.sqrt(2)
        own = rng.standard_t(4, state.shape) / math.sqrt(2)
        shock = math.sqrt(shared) * common + math.sqrt(1 - shared) * own
        state = memory * state + math.sqrt(1 - memory * memory) * shock
        series.append(
            {
                str(asset): dict(zip(FEATURES, map(float, state[:, asset]), strict=True))
                for asset in range(ASSETS)
            }
        )
    return series


def highest(state: DriftWatch) -> float:
    return max([*state.up.values(), *state.down.values()], default=0.0)


def false_alarms(name: str, series: Series) -> Drift:
    state, alarms = DriftWatch(), 0
    for cycle in series:
        state = score(state, cycle)
        if highest(state) >= LEVEL:
            alarms, state = alarms + 1, DriftWatch()
    return Drift(name=name, cycles=len(series), alarms=alarms)


def delay(series: Series, feature: str, shift: float, start: int) -> int | None:
    """Add `shift` to a feature of all assets from a cycle on; return cycles until the alarm."""
    state = DriftWatch()
    for number, cycle in enumerate(series):
        given = cycle
        if number >= start:
            given = {a: {**v, feature: v[feature] + shift} for a, v in cycle.items()}
        state = score(state, given)
        if highest(state) >= LEVEL:
            return number - start + 1 if number >= start else None
    return None


def delays(series: Series, feature: str, shift: float, runs: int) -> tuple[float, int]:
    """Return the median delay over starts spread through the series, and how many missed."""
    length = 600
    starts = np.linspace(0, len(series) - length, runs, dtype=int)
    found = [delay(series[s : s + length], feature, shift, 400) for s in starts]
    seen = [cycles for cycles in found if cycles is not None]
    return (statistics.median(seen) if seen else math.inf, len(found) - len(seen))
