"""`python -m tests.simulation --seeds N`: run seeds, print what they came to, exit 1 on failure."""

import os
import signal
import sys
import time
from typing import Final

import click

from tests.simulation.pool import CHUNK, run_all
from tests.simulation.report import Totals

SAY_S: Final = 10.0


def run(seeds: range, jobs: int, totals: Totals, *, successions: bool) -> None:
    """Add up the seeds; say now and then how far it is, and at once what failed."""
    began_s = said_s = time.monotonic()
    for result, seed_s in run_all(seeds, jobs, successions=successions):
        totals.add(result, seed_s)
        if result.violations:
            print(f"seed {result.seed}: {result.violations[0]}", file=sys.stderr, flush=True)
        now_s = time.monotonic()
        if now_s - said_s > SAY_S:
            said_s = now_s
            print(progress(totals, len(seeds), now_s - began_s), file=sys.stderr, flush=True)


def progress(totals: Totals, wanted: int, real_s: float) -> str:
    left_s = real_s / totals.seeds * (wanted - totals.seeds)
    return (
        f"{totals.seeds:,} of {wanted:,} seeds, {len(totals.failed)} failed, {left_s:.0f} s to go"
    )


@click.command()
@click.option("--seeds", default=300, help="How many, from --first on.")
@click.option("--first", default=0, help="First seed.")
@click.option("--seed", type=int, default=None, help="Only this one.")
@click.option("--jobs", default=os.cpu_count() or 1, help="Processes; as many as there are cores.")
@click.option(
    "--successions/--no-successions",
    default=True,
    help="Replace the shared actors too, in each seed (default).",
)
def main(seeds: int, first: int, seed: int | None, jobs: int, *, successions: bool) -> None:
    """Run the fleet in one thread from seeds, with faults and rolls, and judge it."""
    chosen = range(first, first + seeds) if seed is None else range(seed, seed + 1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    totals, began_s = Totals(successions=successions), time.monotonic()
    try:
        run(chosen, jobs if len(chosen) > CHUNK else 1, totals, successions=successions)
    except KeyboardInterrupt:
        print(f"stopped by hand after {totals.seeds} of {len(chosen)} seeds")
    print("\n".join(totals.lines(time.monotonic() - began_s)))
    sys.exit(bool(totals.failed) if seed is not None else not totals.clean)


if __name__ == "__main__":
    main()
