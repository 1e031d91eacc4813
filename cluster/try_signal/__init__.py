"""``python -m cluster try``: run a strategy over a tape in seconds, without Ray or an exchange.

`run_try` gives the result, `to_text` and `to_json` show it. The decisions are made by the same
`decide` that trades; the books they meet are a model and the report says so.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from cluster.try_signal.calibration import calibrate
from cluster.try_signal.errors import SignalError, TapeError, TryError
from cluster.try_signal.model_market import LABEL, ModelMarket
from cluster.try_signal.price_path import PricePath
from cluster.try_signal.report import to_text
from cluster.try_signal.result import TryResult
from cluster.try_signal.slot_run import SlotRun, mean_max_ms
from cluster.try_signal.tape import AssetTape, Tape, generate_tape, read_tape
from cluster.try_signal.tape_snapshots import TapeSnapshots
from signals.market import CYCLE_MS, DecisionPoint, Slot, Timeframe, Window
from signals.params import Params, ParamsError, Value, override, params_id
from signals.strategy import Strategy, StrategyError, load_strategy
from signals.units import MicroUsd

CYCLES: Final = 96
"""Eight hours of five-minute cycles: a few seconds of work."""
OFFSET_MS: Final = 20_000
"""Decisions are due this long after each five-minute boundary, as in the fleet's default."""

__all__ = ["SignalError", "TapeError", "TryError", "TryResult", "run_try", "to_json", "to_text"]


def run_try(
    signal: str,
    tape: Path | None = None,
    *,
    cycles: int = CYCLES,
    overrides: Mapping[str, Value] | None = None,
    seed: int = 1,
    assets: frozenset[str] | None = None,
) -> TryResult:
    """Run a strategy over the last `cycles` five-minute cycles of a tape, both timeframes.

    `tape`: a folder with klines.parquet; None generates random walks. Raises `SignalError` for
    the strategy or its parameters and `TapeError` for the tape, each saying what to mend.
    """
    try:
        strategy, params = load_strategy(signal), override(Params(), overrides or {})
    except (StrategyError, ParamsError) as error:
        raise SignalError(str(error)) from error
    source = generate_tape(seed) if tape is None else read_tape(tape)
    chosen = tuple(one for one in source.assets if assets is None or one.asset in assets)
    if not chosen:
        held = ", ".join(one.asset for one in source.assets)
        raise TapeError(f"none of {sorted(assets or ())} is on the tape; it holds {held}")
    runs = [run for one in chosen for run in _run_asset(one, strategy, params, cycles, seed)]
    return _result(signal, params, source, runs)


def to_json(result: TryResult) -> bytes:
    return msgspec.json.encode(result)


def _run_asset(
    tape: AssetTape, strategy: Strategy, params: Params, cycles: int, seed: int
) -> list[SlotRun]:
    """Run both slots of an asset side by side, so that they share each snapshot."""
    path = PricePath(tape, seed)
    market = ModelMarket(tape, path, seed)
    snapshots = TapeSnapshots(tape, path, market)
    runs = [
        SlotRun(Slot(tape.asset, timeframe), strategy, params, market) for timeframe in Timeframe
    ]
    end_ms = tape.candles.open_time_ms[-1] + CYCLE_MS
    for cycle in range(cycles, 0, -1):
        due_ms = end_ms - cycle * CYCLE_MS + OFFSET_MS
        snapshot = snapshots.at(due_ms)
        if snapshot is None:
            continue
        for run, timeframe in zip(runs, Timeframe, strict=True):
            run.decide(DecisionPoint(due_ms, Window.at(due_ms, timeframe)), snapshot)
    for run in runs:
        run.settle()
    return runs


def _result(signal: str, params: Params, source: Tape, runs: list[SlotRun]) -> TryResult:
    decisions = sorted(
        (one for run in runs for one in run.decisions), key=lambda one: (one.due_ms, one.slot)
    )
    if not decisions:
        raise TapeError("the tape gives no decision point: it needs an hour of 5m candles or more")
    trades = sorted((one for run in runs for one in run.trades), key=lambda one: one.due_ms)
    rows = (
        calibrate("signal", "probability_up", decisions),
        calibrate("market mid (model)", "market_mid_up", decisions),
        calibrate("fair value", "fair_up", decisions),
    )
    mean_ms, max_ms = mean_max_ms(runs)
    return TryResult(
        signal=signal,
        params=params_id(params),
        source=source.source,
        model=LABEL,
        first_due_ms=decisions[0].due_ms,
        last_due_ms=decisions[-1].due_ms,
        decisions=tuple(decisions),
        trades=tuple(trades),
        orders=sum(run.orders for run in runs),
        pnl_micro_usd=MicroUsd(sum(run.pnl_micro_usd for run in runs)),
        calibration=tuple(row for row in rows if row is not None),
        decide_ms_mean=mean_ms,
        decide_ms_max=max_ms,
    )
