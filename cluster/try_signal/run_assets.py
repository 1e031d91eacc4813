"""Run each asset's slots over the tape, in this process or spread over the machine's processors."""

import contextlib
import multiprocessing
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

import msgspec

from actors.config import SlotConfig
from cluster.try_signal.errors import TryError
from cluster.try_signal.model_market import ModelMarket
from cluster.try_signal.price_path import PricePath
from cluster.try_signal.result import AssetTried
from cluster.try_signal.slot_run import SlotRun
from cluster.try_signal.tape import AssetTape
from cluster.try_signal.tape_snapshots import TapeSnapshots
from signals.market import CYCLE_MS, DecisionPoint, Slot, Timeframe, Window
from signals.params import Params, override
from signals.strategy import load_strategy

OFFSET_MS = 20_000
"""Decisions are due this long after each five-minute boundary, as in the fleet's default."""
Progress = Callable[[int, int], None]
"""Called with decision points done and in all."""


class AssetWork(msgspec.Struct, frozen=True, kw_only=True):
    """One asset's slots, and the stretch of the tape that they are tried on."""

    tape: AssetTape
    slots: tuple[SlotConfig, ...]
    params: Params
    cycles: int
    seed: int


def run_assets(works: Sequence[AssetWork], progress: Progress, processes: int) -> list[AssetTried]:
    """Return what each asset's slots did, in the order of `works`; raise `TryError`."""
    total = sum(work.cycles for work in works)
    progress(0, total)
    if processes <= 1 or len(works) == 1:
        return _in_turn(works, progress, total)
    context = multiprocessing.get_context("spawn")  # a fork would copy the reader's threads
    done = 0
    with ProcessPoolExecutor(min(processes, len(works)), mp_context=context) as pool:
        futures = {pool.submit(run_asset, work): place for place, work in enumerate(works)}
        found: dict[int, AssetTried] = {}
        try:
            for future in as_completed(futures):
                found[futures[future]] = _answer(future.result())
                done += works[futures[future]].cycles
                progress(done, total)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [found[place] for place in range(len(works))]


def _answer(found: AssetTried | str) -> AssetTried:
    """Raise what another process found wrong; an exception of its own may not travel."""
    if isinstance(found, str):
        raise TryError(found)
    return found


def _in_turn(works: Sequence[AssetWork], progress: Progress, total: int) -> list[AssetTried]:
    found: list[AssetTried] = []
    before = 0
    for work in works:
        found.append(tried_asset(work, lambda done, start=before: progress(start + done, total)))  # type: ignore[misc]
        before += work.cycles
    return found


def run_asset(work: AssetWork) -> AssetTried | str:
    """Run one asset in a process of its own; an error comes back as its text."""
    try:
        return tried_asset(work, lambda _done: None)
    except TryError as error:
        return str(error)


def tried_asset(work: AssetWork, progress: Callable[[int], None]) -> AssetTried:
    """Run the slots of an asset side by side, so that they share each snapshot."""
    tape = work.tape
    path = PricePath(tape, work.seed)
    market = ModelMarket(tape, path, work.seed)
    timeframes = {Slot.parse(slot.slot).timeframe for slot in work.slots}
    snapshots = TapeSnapshots(tape, path, market, sorted(timeframes, key=list(Timeframe).index))
    runs = [(Slot.parse(slot.slot).timeframe, _slot_run(slot, work, market)) for slot in work.slots]
    end_ms = tape.candles.open_time_ms[-1] + CYCLE_MS
    points = 0
    for place, cycle in enumerate(range(work.cycles, 0, -1), start=1):
        due_ms = end_ms - cycle * CYCLE_MS + OFFSET_MS
        snapshot = snapshots.at(due_ms)
        progress(place)
        if snapshot is None:
            continue
        points += 1
        with contextlib.redirect_stdout(sys.stderr):  # stdout has the result, and nothing else
            for timeframe, run in runs:
                run.decide(DecisionPoint(due_ms, Window.at(due_ms, timeframe)), snapshot)
    for _, run in runs:
        run.settle()
    return AssetTried(
        slots=tuple(run.tried() for _, run in runs),
        lacking={str(feed): count for feed, count in snapshots.lacking.items()},
        points=points,
    )


def _slot_run(slot: SlotConfig, work: AssetWork, market: ModelMarket) -> SlotRun:
    return SlotRun(
        Slot.parse(slot.slot),
        load_strategy(slot.strategy),
        override(work.params, slot.params),
        market,
        slot.allocation_micro_usd,
    )
