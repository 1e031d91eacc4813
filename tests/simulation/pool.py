"""Seeds on all cores, in their order."""

import gc
import multiprocessing
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from tests.simulation.run import Result, simulate

CHUNK: Final = 5


def settle_in() -> None:
    """Keep what was imported out of the collector's way: it would be looked at all the time."""
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends what it started
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def simulate_timed(seed: int) -> tuple[Result, float]:
    began_s = time.process_time()
    return simulate(seed), time.process_time() - began_s


def run_all(seeds: Iterable[int], jobs: int) -> Iterator[tuple[Result, float]]:
    if jobs == 1:
        yield from map(simulate_timed, seeds)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=settle_in)
    try:
        yield from pool.map(simulate_timed, seeds, chunksize=CHUNK)
    finally:
        pool.shutdown(cancel_futures=True)
