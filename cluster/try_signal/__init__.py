"""``midstride try``: run strategies over a tape in seconds, without Ray or an exchange.

`run_try` gives the result, `to_text` and `to_json` show it. The decisions are made by the same
`decide` that trades; the books they meet are a model and the report says so.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from actors.config import SlotConfig
from actors.only_own_files import only_own_files
from cluster.try_signal.calibration import calibrate
from cluster.try_signal.errors import SignalError, TapeError, TryError
from cluster.try_signal.model_market import LABEL
from cluster.try_signal.report import to_text
from cluster.try_signal.result import AssetTried, TryResult
from cluster.try_signal.run_assets import AssetWork, run_assets
from cluster.try_signal.tape import Tape, generate_tape, read_tape
from signals.market import DEFAULT_SLOTS, Slot
from signals.params import Params, ParamsError, Value, override, params_id
from signals.strategy import StrategyError, load_strategy
from signals.units import MicroUsd

CYCLES: Final = 96
"""Eight hours of five-minute cycles: a few seconds of work."""
DEFAULTS: Final = "every slot, parameters of signals/params.toml"

__all__ = ["SignalError", "TapeError", "TryError", "TryResult", "run_try", "to_json", "to_text"]


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """The slots that are tried, and the parameters that theirs begin from."""

    slots: tuple[SlotConfig, ...] = tuple(SlotConfig(slot=str(slot)) for slot in DEFAULT_SLOTS)
    params: Params = Params()
    source: str = DEFAULTS


def run_try(  # noqa: PLR0913 each is a choice of who tries
    signal: str | None,
    tape: Path | None = None,
    *,
    cycles: int = CYCLES,
    overrides: Mapping[str, Value] | None = None,
    seed: int = 1,
    assets: frozenset[str] | None = None,
    fleet: Fleet | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    processes: int = 1,
) -> TryResult:
    """Run strategies over the last `cycles` five-minute cycles of a tape.

    `signal`: one strategy for every slot; None: each slot's own. `tape`: a folder with
    klines.parquet; None generates random walks. `overrides`: of every slot's parameters, last.
    Raises `SignalError` for a strategy or parameters and `TapeError` for the tape, each saying
    what to mend.
    """
    fleet = fleet or Fleet()
    slots = _slots(fleet, signal, overrides or {})
    names = {Slot.parse(slot.slot).asset for slot in slots}
    source = generate_tape(seed, names) if tape is None else read_tape(tape)
    chosen = tuple(
        one
        for one in source.assets
        if one.asset in names and (assets is None or one.asset in assets)
    )
    if not chosen:
        there = ", ".join(one.asset for one in source.assets)
        wanted = sorted(assets if assets is not None else names)
        raise TapeError(f"none of {', '.join(wanted)} is on the tape; it holds {there}")
    works = [
        AssetWork(
            tape=one,
            slots=tuple(slot for slot in slots if Slot.parse(slot.slot).asset == one.asset),
            params=fleet.params,
            cycles=cycles,
            seed=seed,
        )
        for one in chosen
    ]
    tried = run_assets(works, progress, processes)
    held = {one.asset for one in source.assets}
    missing = tuple(slot.slot for slot in slots if Slot.parse(slot.slot).asset not in held)
    return msgspec.structs.replace(_result(slots, fleet, source, tried), not_on_tape=missing)


def to_json(result: TryResult) -> bytes:
    return msgspec.json.encode(result)


def _slots(
    fleet: Fleet, signal: str | None, overrides: Mapping[str, Value]
) -> tuple[SlotConfig, ...]:
    """Return the slots as they are tried; raise `SignalError` where no fleet would start."""
    slots = tuple(
        msgspec.structs.replace(
            slot, strategy=signal or slot.strategy, params={**slot.params, **overrides}
        )
        for slot in fleet.slots
    )
    try:
        for name in dict.fromkeys(slot.strategy for slot in slots):
            with only_own_files():
                load_strategy(name)
        for slot in slots:
            override(fleet.params, slot.params)
    except (StrategyError, ParamsError) as error:
        raise SignalError(str(error)) from error
    return slots


def _result(
    slots: tuple[SlotConfig, ...], fleet: Fleet, source: Tape, tried: list[AssetTried]
) -> TryResult:
    runs = [run for one in tried for run in one.slots]
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
    seconds = [one for run in runs for one in run.decide_seconds]
    identities = sorted({params_id(override(fleet.params, slot.params)) for slot in slots})
    return TryResult(
        signal=", ".join(sorted({slot.strategy for slot in slots})),
        params=identities[0] if len(identities) == 1 else f"{len(identities)} sets",
        source=source.source,
        model=LABEL,
        first_due_ms=decisions[0].due_ms,
        last_due_ms=decisions[-1].due_ms,
        decisions=tuple(decisions),
        trades=tuple(trades),
        orders=sum(run.orders for run in runs),
        pnl_micro_usd=MicroUsd(sum(run.pnl_micro_usd for run in runs)),
        calibration=tuple(row for row in rows if row is not None),
        decide_ms_mean=1000 * sum(seconds) / len(seconds),
        decide_ms_max=1000 * max(seconds),
        lacking=_sums(tried),
        points=sum(one.points for one in tried),
        configuration=fleet.source,
    )


def _sums(tried: list[AssetTried]) -> dict[str, int]:
    lacking: dict[str, int] = {}
    for one in tried:
        for feed, count in one.lacking.items():
            lacking[feed] = lacking.get(feed, 0) + count
    return lacking
