"""`python -m tests.simulation --seeds N`: run seeds, print what they came to, exit 1 on failure."""

import multiprocessing
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

import click

from tests.simulation.report import Totals
from tests.simulation.run import Result, simulate

CHUNK = 5
SAY_S = 10.0


def run_all(seeds: Iterable[int], workers: int) -> Iterator[Result]:
    if workers == 1:
        yield from map(simulate, seeds)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(simulate, seeds, chunksize=CHUNK)


@click.command()
@click.option("--seeds", default=300, help="How many, from --first on.")
@click.option("--first", default=0, help="First seed.")
@click.option("--seed", type=int, default=None, help="Only this one.")
@click.option("--workers", default=2, help="Processes.")
def main(seeds: int, first: int, seed: int | None, workers: int) -> None:
    """Run the fleet in one thread from seeds, with faults and rolls, and judge it."""
    chosen = range(first, first + seeds) if seed is None else range(seed, seed + 1)
    totals = Totals()
    began_s = said_s = time.monotonic()
    for result in run_all(chosen, workers if len(chosen) > CHUNK else 1):
        totals.add(result)
        if time.monotonic() - said_s > SAY_S:
            said_s = time.monotonic()
            print(f"{totals.seeds} of {len(chosen)}, {len(totals.failed)} failed", file=sys.stderr)
    print("\n".join(totals.lines(time.monotonic() - began_s)))
    sys.exit(bool(totals.failed))


if __name__ == "__main__":
    main()
