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


def settle_in() -> None:
    """Keep what was imported out of the collector's way: it would be looked at all the time."""
    gc.collect()
    gc.freeze()
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
        yield from map(run_one, seeds)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=settle_in)
    try:
        yield from pool.map(run_one, seeds, chunksize=CHUNK)
    finally:
        pool.shutdown(cancel_futures=True)
