"""Seeds on all cores, in their order."""

import gc
import multiprocessing
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from tests.simulation.run import SUCCESSIONS, Result, simulate

CHUNK: Final = 5
COLLECTED_AT: Final = (100_000, 50, 100)
"""A seed leaves little behind; with Python's own thresholds the collector takes a sixth of it."""


def spare_the_collector() -> None:
    """Keep what was imported out of its way: it would be looked at all the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AT)


def settle_in() -> None:
    spare_the_collector()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends what it started
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def simulate_successions(seed: int) -> tuple[Result, float]:
    began_s = time.process_time()
    return simulate(seed, SUCCESSIONS), time.process_time() - began_s


def simulate_timed(seed: int) -> tuple[Result, float]:
    began_s = time.process_time()
    return simulate(seed), time.process_time() - began_s


def run_all(
    seeds: Iterable[int], jobs: int, *, successions: bool = False
) -> Iterator[tuple[Result, float]]:
    run_one = simulate_successions if successions else simulate_timed
    if jobs == 1:
        spare_the_collector()
        yield from map(run_one, seeds)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=settle_in)
    try:
        yield from pool.map(run_one, seeds, chunksize=CHUNK)
    finally:
        pool.shutdown(cancel_futures=True)
