"""What a fleet costs beside bare Ray actors, in one run on one head: start of sixteen, memory.

The start of ours is from the supervisor's order to the last slot's first granted claim, so it
includes attestation, recovery and the claim. Bare ones are measured on the same head before the
fleet's numbers are read, under the fleet's own release archive as their runtime environment.
"""

import subprocess
import sys
from collections.abc import Sequence
from typing import Final

import msgspec

from actors.slot.status import AnySlotStatus, SlotStatus
from cluster.fleet import Call
from tests.bench.bare import Started, last_json, memory_mb
from tests.bench.frame import ROOT, Row, bench, median, row_at_most, row_free
from tests.bench.rig import ALL, Rig, Wish, fleet

MEMORY_AIM: Final = 1.25
START_AIM: Final = 1.3
BARE_SECONDS: Final = 400.0
MEMORY_COUNT: Final = 4
WANTED_FILE: Final = "supervisor/wanted"
"""Written by the supervisor when it is asked to start the slots; its module would import Ray."""


def measure() -> Sequence[Row]:
    with fleet(Wish()) as rig:
        return measure_on(rig)


def measure_on(rig: Rig) -> Sequence[Row]:
    """Measure on a fleet that is up and has not rolled yet."""
    slots = start_seconds(rig)
    ours = slot_memory(rig)
    with_arrow = bare(rig, "--count", str(MEMORY_COUNT), "--imports", "pyarrow")
    wholly = bare(rig, "--count", str(MEMORY_COUNT))
    starts = [bare(rig, "--warm").seconds for _ in range(2)]
    return (*_start_rows(slots, starts), *_memory_rows(ours, with_arrow.memory, wholly.memory))


def _start_rows(slots: float, starts: list[float]) -> Sequence[Row]:
    floor = median(starts)
    each = ", ".join(f"{seconds:.1f}" for seconds in starts)
    return (
        row_free("sixteen bare actors ready", floor, "s", f"each time {each}; no pyarrow"),
        row_free("sixteen slots live (attested, recovered, claimed)", slots, "s"),
        row_at_most("start of the slots against the bare start", slots / floor, START_AIM, "x"),
    )


def _memory_rows(
    ours: Sequence[tuple[float, float]],
    with_arrow: Sequence[tuple[float, float]],
    wholly: Sequence[tuple[float, float]],
) -> Sequence[Row]:
    rows = [
        _memory_row(what, found)
        for what, found in (
            ("slot actor", ours),
            ("bare actor with pyarrow imported", with_arrow),
            ("wholly bare actor", wholly),
        )
    ]
    resident = _median(ours, 0) / _median(with_arrow, 0)
    private = _median(ours, 1) / _median(with_arrow, 1)
    what = "slot against a bare actor with pyarrow, resident"
    return (
        *rows,
        row_at_most(what, resident, MEMORY_AIM, "x"),
        row_free("the same, private", private, "x"),
    )


def _memory_row(what: str, found: Sequence[tuple[float, float]]) -> Row:
    measured = f"{_median(found, 0):.0f} MB resident, {_median(found, 1):.0f} MB private"
    return Row(what=what, measured=f"{measured} (median of {len(found)})")


def _median(found: Sequence[tuple[float, float]], place: int) -> float:
    return median(pair[place] for pair in found)


def start_seconds(rig: Rig) -> float:
    """Return the time from the supervisor's order to the last slot's first grant."""
    ordered_s = (rig.state.storage / WANTED_FILE).stat().st_mtime
    grants = [record.granted_wire_ms for record in rig.fences().history]
    assert len(grants) >= len(ALL)
    return max(sorted(grants)[: len(ALL)]) / 1000 - ordered_s


def slot_memory(rig: Rig) -> Sequence[tuple[float, float]]:
    assert rig.link is not None
    calls = [Call(f"{r.slot}/{r.incarnation}", "status") for r in rig.fences().owners]
    found = []
    for answer in rig.link.ask(calls):
        assert isinstance(answer, bytes), answer
        status = msgspec.msgpack.decode(answer, type=AnySlotStatus)
        assert isinstance(status, SlotStatus)
        found.append(memory_mb(status.pid))
    return found


def bare(rig: Rig, *arguments: str) -> Started:
    """Start bare actors on the fleet's head, under its release, by a driver of their own."""
    archive = next(iter(sorted((rig.state.storage / "releases").glob("*.zip"))))
    command = [sys.executable, "-m", "tests.bench.bare", f"--address={rig.address}"]
    done = subprocess.run(
        [*command, f"--archive={archive}", *arguments],
        cwd=ROOT,
        env=rig.environment(),
        capture_output=True,
        text=True,
        timeout=BARE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return msgspec.convert(last_json(done.stdout), Started)


if __name__ == "__main__":
    bench("start and memory of the fleet beside bare actors", measure)
