"""Sixteen handoffs, side by side in one run: ours, Ray kill and start, Ray Serve, Erlang/OTP.

``python -m tests.bench.handoff``; ``--records 100 10000`` are the sizes of each slot's state.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from tests.bench.bare import last_json
from tests.bench.frame import ROOT, Row, bench, median, row_at_most, row_free, show, spread
from tests.bench.handoff import carrier
from tests.bench.handoff.erlang import erlang
from tests.bench.handoff.ours import (
    EVERY_MS,
    Back,
    Rolled,
    await_state,
    heartbeat_gap_ms,
    roll,
    roll_back_warm,
)
from tests.bench.rig import Rig, Wish, fleet, spaced
from tests.bench.start_and_memory import bare, measure_on

RECORDS: Final = (100, 10_000)
DARK_P50_AIM_MS: Final = 10.0
DARK_P99_AIM_MS: Final = 50.0
GROWTH_AIM: Final = 1.3
SWITCHES_AIM_MS: Final = 500.0
SUBMIT_AIM: Final = 1.25
ROLLBACK_AIM_MS: Final = 100.0
HEARTBEAT_AIM_MS: Final = 6_000
RIVAL_SECONDS: Final = 600.0
_Found = TypeVar("_Found")


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """All that one fleet with one size of state showed."""

    records: int
    apart: Rolled
    together: Rolled
    back: Back | None
    bare_s: float
    heartbeat_ms: int
    killed: dict[str, Any] | None
    served: dict[str, Any] | None


def measure(sizes: Sequence[int], *, rivals: bool) -> Sequence[Row]:
    rows: list[Row] = []
    p50: dict[int, float] = {}
    for size in sizes:
        found = _on_a_fleet(size, rivals=rivals, once=size == sizes[0])
        p50[size] = _client(found).p50
        rows += _ours(found)
        rows += _rivals(found)
        rows += _erlang_rows(size)
    if len(sizes) > 1:
        growth = p50[sizes[-1]] / p50[sizes[0]]
        what = f"ours, dark p50, {sizes[-1]:,} records against {sizes[0]:,}"
        rows.append(row_at_most(what, growth, GROWTH_AIM, "x"))
    return rows


def _on_a_fleet(records: int, *, rivals: bool, once: bool) -> Measured:
    """Measure one size of state; `once`: also what does not depend on the size."""
    wish = Wish(
        strategy=carrier.NAME,
        strategy_text=carrier.source(records),
        offsets_ms=spaced(EVERY_MS),
    )
    with fleet(wish) as rig:
        if once:
            show("start and memory, same fleet", measure_on(rig), os.getloadavg()[0])
        await_state(rig)
        apart = _noted("apart", roll(rig))
        bare_s = _noted("bare_s", bare(rig).seconds)
        together = _noted("together", roll(rig, "--together"))
        gap = _noted("heartbeat_ms", heartbeat_gap_ms(rig))
        killed = _noted("killed", _rival(rig, "kill", records)) if rivals else None
        served = _noted("served", _rival(rig, "serve", records)) if rivals and once else None
        back = _noted("back", roll_back_warm(rig)) if once else None
        return Measured(
            records=records,
            apart=apart,
            together=together,
            back=back,
            bare_s=bare_s,
            heartbeat_ms=gap,
            killed=killed,
            served=served,
        )


def _noted(what: str, found: _Found) -> _Found:
    """Write raw figures to stderr as they come: a run of many minutes may still fail later."""
    print(what, msgspec.json.encode(found).decode(), file=sys.stderr, flush=True)
    return found


def _rival(rig: Rig, kind: str, records: int) -> dict[str, Any] | None:
    """Run one on the fleet's head; None if it failed, which is a row too."""
    archive = min((rig.state.storage / "releases").glob("*.zip"))
    command = [sys.executable, "-m", "tests.bench.handoff.rivals", kind]
    done = subprocess.run(
        [
            *command,
            f"--address={rig.address}",
            f"--archive={archive}",
            f"--folder={rig.state.root}",
            f"--records={records}",
        ],
        cwd=ROOT,
        env=rig.environment(),
        capture_output=True,
        text=True,
        timeout=RIVAL_SECONDS,
        check=False,
    )
    if done.returncode:
        print(done.stderr[-2_000:], file=sys.stderr)
        return None
    found: dict[str, Any] = last_json(done.stdout)
    return found


def _client(found: Measured) -> Any:
    return spread(dark.dark_ms for dark in (*found.apart.dark, *found.together.dark))


def _ours(found: Measured) -> Sequence[Row]:
    name = f"ours, {found.records:,} records"
    client = _client(found)
    driver = spread((*found.apart.driver_dark_ms, *found.together.driver_dark_ms))
    unseen = found.apart.unseen + found.together.unseen
    submit_s, waited_s = found.apart.submit_to_last_adopt_ms / 1000, found.apart.waited_ms / 1000
    floor, worked = submit_s / found.bare_s, (submit_s - waited_s) / found.bare_s
    rows = [
        row_at_most(f"{name}: dark, client-seen, p50", client.p50, DARK_P50_AIM_MS, "ms"),
        row_at_most(
            f"{name}: dark, client-seen, p99",
            client.p99,
            DARK_P99_AIM_MS,
            "ms",
            f"n={client.count}, {unseen} not seen",
        ),
        Row(what=f"{name}: quiesce asked to adopt answered, driver, ms", measured=str(driver)),
        Row(what=f"{name}: its parts, p50 ms", measured=_parts(found)),
        row_free(f"{name}: sum of the sixteen switches", sum(found.apart.driver_dark_ms), "ms"),
        row_at_most(
            f"{name}: all sixteen switches, --together",
            found.together.switches_ms,
            SWITCHES_AIM_MS,
            "ms",
        ),
        row_free(
            f"{name}: submit to last Adopt",
            submit_s,
            "s",
            f"of it only waited {waited_s:.1f} s; without, {worked:.2f} x of the floor",
        ),
        row_free("sixteen bare actors, new runtime environment", found.bare_s, "s", "the floor"),
        row_at_most(f"{name}: submit to last Adopt against the floor", floor, SUBMIT_AIM, "x"),
        row_at_most(f"{name}: heartbeat gap", found.heartbeat_ms, HEARTBEAT_AIM_MS, "ms"),
    ]
    if found.back is not None:
        back = spread(found.back.dark_ms)
        what = f"{name}: rollback while warm, all sixteen at one signal, dark per slot, p50"
        note = f"p99 {back.p99:.0f}, n={back.count}; signal to last claim {found.back.all_ms:.0f}"
        rows.append(row_at_most(what, back.p50, ROLLBACK_AIM_MS, "ms", note))
    return rows


def _parts(found: Measured) -> str:
    """Say where a switch's time goes."""
    parts = (*found.apart.parts, *found.together.parts)
    return ", ".join(
        f"{name} {spread(getattr(part, name) for part in parts).p50:.0f}"
        for name in parts[0].__struct_fields__
    )


def _rivals(found: Measured) -> Sequence[Row]:
    rows = []
    if found.killed is not None:
        name = f"Ray checkpoint, kill, start, {found.records:,} records"
        dark = spread(found.killed["dark_ms"])
        rows.append(Row(what=f"{name}: dark, ms", measured=str(dark)))
        rows.append(row_free(f"{name}: all sixteen", found.killed["total_s"], "s"))
    if found.served is not None:
        kept, of = found.served["kept"], found.served["replicas"]
        note = f"replicas that kept their state: {kept} of {of}"
        total = found.served["total_s"]
        rows.append(row_free("Ray Serve, rolling update of 16 replicas", total, "s", note))
    return rows


def _erlang_rows(records: int) -> Sequence[Row]:
    name = f"Erlang/OTP, {records:,} records"
    found = erlang(records)
    if found is None:
        return (Row(what=name, measured="not installed"),)
    dark = spread(found.dark_ms)
    return (
        Row(what=f"{name}: dark, client-seen, ms", measured=str(dark)),
        row_free(f"{name}: all sixteen switches", found.switches_ms, "ms"),
        row_free(f"{name}: dark, median", median(found.dark_ms), "ms"),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, nargs="*", default=list(RECORDS))
    parser.add_argument("--no-rivals", action="store_true")
    asked = parser.parse_args()
    bench(
        "sixteen handoffs, side by side",
        lambda: measure(asked.records, rivals=not asked.no_rivals),
    )
