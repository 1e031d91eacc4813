"""Due time of a decision point to decision journaled, when all slots are due together every 2 s.

Whole fleets: real slots, market data, gateway, storage and the sandbox exchange, at speed 1. For 32
slots two fleets of sixteen run side by side on the machine, each with its own head and exchange,
because a fleet has sixteen seats. ``--rounds N`` changes how long each is watched.
"""

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from tests.bench.frame import Row, bench, median, row_at_most, spread
from tests.bench.lateness import FIRST_ROUNDS_LEFT_OUT, Late, read_lateness
from tests.bench.rig import ALL, Wish, fleet, spaced

EVERY_MS: Final = 2_000
ROUNDS: Final = 100
P99_AIM_MS: Final = 150.0
FLAT_AIM: Final = 1.25
"""Cost per slot of 32 against 4: a quarter above is noise and the second fleet's shared actors."""
FLEETS: Final = {4: (ALL[:4],), 16: (ALL,), 32: (ALL, ALL)}


def measure(rounds: int = ROUNDS, counts: Sequence[int] = tuple(FLEETS)) -> Sequence[Row]:
    rows: list[Row] = []
    costs: dict[int, float] = {}
    for count in counts:
        found = watch(FLEETS[count], rounds)
        costs[count] = _cost_per_slot_ms(found, count)
        rows += _rows(count, found, costs[count])
    if {4, 32} <= costs.keys():
        flat = costs[32] / costs[4]
        rows.append(row_at_most("cost per slot, 32 slots against 4", flat, FLAT_AIM, "x"))
    return rows


def watch(fleets: Sequence[tuple[str, ...]], rounds: int) -> list[Late]:
    """Run the fleets together for so many rounds; return all their decisions."""
    with ExitStack() as stack:
        rigs = [
            stack.enter_context(fleet(Wish(slots=s, offsets_ms=spaced(EVERY_MS)), joined=False))
            for s in fleets
        ]
        time.sleep((rounds + FIRST_ROUNDS_LEFT_OUT + 1) * EVERY_MS / 1000)
        return [
            late
            for rig, slots in zip(rigs, fleets, strict=True)
            for late in _last_rounds(read_lateness(rig, slots), rounds)
        ]


def _last_rounds(found: list[Late], rounds: int) -> list[Late]:
    """Keep the last rounds: with two fleets, those in which both were up."""
    dues = sorted({late.due_wire_ms for late in found})[-rounds:]
    return [late for late in found if late.due_wire_ms >= dues[0]]


def _rows(count: int, found: list[Late], cost_ms: float) -> Sequence[Row]:
    journaled = spread(late.journaled_ms for late in found)
    decided = spread(late.decided_ms for late in found)
    complete = sum(late.complete for late in found) / len(found)
    name = f"{count} slots due together"
    p99 = row_at_most(f"{name}: due to journaled, p99", journaled.p99, P99_AIM_MS, "ms")
    return (
        Row(what=f"{name}: due to journaled, ms", measured=str(journaled)),
        p99 if count == len(ALL) else Row(what=p99.what, measured=p99.measured),
        Row(what=f"{name}: due to decided, ms", measured=str(decided)),
        Row(
            what=f"{name}: last of a round journaled, per slot",
            measured=f"{cost_ms:.1f} ms (complete snapshots {complete:.0%})",
        ),
    )


def _cost_per_slot_ms(found: list[Late], count: int) -> float:
    """Return the median over rounds of the last slot's lateness, divided by the slots."""
    by_round: dict[float, float] = {}
    for late in found:
        key = late.due_wire_ms // EVERY_MS
        by_round[key] = max(by_round.get(key, 0.0), late.journaled_ms)
    return median(by_round.values()) / count


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--counts", type=int, nargs="*", default=list(FLEETS))
    asked = parser.parse_args()
    bench(
        "due time to decision journaled, all slots together every 2 s",
        lambda: measure(asked.rounds, asked.counts),
    )
