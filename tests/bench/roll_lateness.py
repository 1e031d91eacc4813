"""Lateness of live decisions while a roll goes through, against the same fleet when quiet.

Sixteen slots due together every 2 s at speed 1; first so many quiet rounds, then one roll of a
changed release over all sixteen, in the same run.
"""

import argparse
import time
from collections.abc import Sequence
from typing import Final

from actors.runtime import wire_ms
from tests.bench.frame import Row, bench, row_at_most, row_free, spread
from tests.bench.latency import EVERY_MS
from tests.bench.lateness import FIRST_ROUNDS_LEFT_OUT, Late, read_lateness
from tests.bench.rig import ALL, Rig, Wish, fleet, spaced

QUIET_ROUNDS: Final = 60
RATIO_AIM: Final = 1.5
ROLL_SECONDS: Final = 420.0
EDITED: Final = "signals/strategies/five_factor.py"


def measure(quiet_rounds: int = QUIET_ROUNDS) -> Sequence[Row]:
    with fleet(Wish(offsets_ms=spaced(EVERY_MS)), joined=False) as rig:
        time.sleep((quiet_rounds + FIRST_ROUNDS_LEFT_OUT) * EVERY_MS / 1000)
        began_ms = wire_ms()
        _roll(rig)
        ended_ms = wire_ms()
        time.sleep(2 * EVERY_MS / 1000)
        found = read_lateness(rig, ALL)
    quiet = [late for late in found if late.due_wire_ms < began_ms]
    during = [late for late in found if began_ms <= late.due_wire_ms < ended_ms - EVERY_MS]
    return _rows(quiet, during, ended_ms - began_ms)


def _roll(rig: Rig) -> None:
    path = rig.tree / EDITED
    path.write_text(
        f"{path.read_text()}\n# edited by the bench: another release, the same decisions\n"
    )
    rig.call(ROLL_SECONDS, "rolling-update", "apply", "--shadow=0", "--bake=0")


def _rows(quiet: list[Late], during: list[Late], took_ms: float) -> Sequence[Row]:
    before = spread(late.journaled_ms for late in quiet)
    rolling = spread(late.journaled_ms for late in during)
    dues = {late.due_wire_ms for late in during}
    missed = len(dues) * len(ALL) - len({(late.slot, late.due_wire_ms) for late in during})
    return (
        Row(what="quiet fleet: due to journaled, ms", measured=str(before)),
        Row(what="during a roll of all sixteen: due to journaled, ms", measured=str(rolling)),
        row_at_most("p99 during the roll against quiet", rolling.p99 / before.p99, RATIO_AIM, "x"),
        row_at_most("decisions without a row during the roll", missed, 0, ""),
        row_free("the roll took", took_ms / 1000, "s", "submit to the command's end"),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quiet-rounds", type=int, default=QUIET_ROUNDS)
    asked = parser.parse_args()
    bench("lateness during a roll", lambda: measure(asked.quiet_rounds))
