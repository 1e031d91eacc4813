"""At the speed of life: what is submitted a minute before a boundary decides after it.

Takes a quarter of an hour, nearly all of it waiting.
"""

import json
from pathlib import Path

import msgspec
import pytest

from actors.config import FleetConfig
from actors.runtime import CONFIG_FILE, wire_ms
from checkpoints.journal_rows import JournalRow
from signals.market import CYCLE_MS
from tests.rolling_update.fleet import SIXTEEN, Fleet, running_fleet
from tests.rolling_update.trees import copy_tree, edit, release_in

LEAD_MS = 60_000
"""Submitted so long before the boundary, and not more than `LATE_MS` later."""
LATE_MS = 1_500
CYCLE_SECONDS = CYCLE_MS / 1_000

pytestmark = [
    pytest.mark.soak,
    pytest.mark.ray,
    pytest.mark.exchange,
    pytest.mark.timeout(3_600),
]


def test_what_comes_a_minute_before_a_boundary_decides_after_it(tmp_path: Path) -> None:
    with running_fleet(tmp_path / "fleet", SIXTEEN, speed=1) as fleet:
        first = CYCLE_SECONDS + 120
        fleet.wait(lambda: all(map(fleet.decisions, SIXTEEN)), "first decisions", first)
        boundary = await_lead(fleet)
        words = ("rolling-update", "params", "--set", "sizing.kelly_fraction=0.21", "--json")
        code, output = fleet.command(*words)
        assert code == 0, output
        rows = first_after(fleet, boundary)
        tags = {row.params for row in rows}
        assert len(tags) == 1
        assert not tags & {row.params for row in last_before(fleet, boundary)}
        deliver("params", fleet, boundary, rows)

        tree = copy_tree(tmp_path / "edited")
        edit(
            tree,
            "signals/factors/pattern.py",
            "shapes.bullish(bars, params.strong_body_atr)",
            "shapes.bullish(bars, 1.05 * params.strong_body_atr)",
        )
        boundary = await_lead(fleet)
        child = fleet.start_command("rolling-update", "apply", "--fast", tree=tree)
        rows = first_after(fleet, boundary)
        deliver("--fast", fleet, boundary, rows)
        output, _ = child.communicate(timeout=CYCLE_SECONDS)
        assert child.returncode == 0, output
        assert {row.release for row in rows} == {release_in(tree)}
        verdict = fleet.verdict()
        assert verdict.missed == 0, verdict.missed_points
        assert verdict.differences == []


def await_lead(fleet: Fleet) -> int:
    """Wait until the lead before a boundary begins; return the boundary (market ms)."""
    clock = msgspec.json.decode(fleet.storage.read(CONFIG_FILE), type=FleetConfig).clock
    boundary = (clock.market_ms(wire_ms() + LEAD_MS) // CYCLE_MS + 1) * CYCLE_MS
    begin = clock.wire_ms(boundary) - LEAD_MS
    fleet.wait(lambda: wire_ms() >= begin, "lead", CYCLE_SECONDS + 60)
    assert wire_ms() < begin + LATE_MS
    return boundary


def first_after(fleet: Fleet, boundary: int) -> list[JournalRow]:
    """Wait for each slot's first decision that was due after the boundary."""
    found: dict[str, JournalRow] = {}

    def all_found() -> bool:
        for slot in set(SIXTEEN) - set(found):
            later = [row for row in fleet.decisions(slot) if (row.due_ms or 0) >= boundary]
            if later:
                found[slot] = later[0]
        return len(found) == len(SIXTEEN)

    fleet.wait(all_found, "decisions after the boundary", LEAD_MS / 1_000 + CYCLE_SECONDS)
    return list(found.values())


def last_before(fleet: Fleet, boundary: int) -> list[JournalRow]:
    return [
        [row for row in fleet.decisions(slot) if (row.due_ms or 0) < boundary][-1]
        for slot in SIXTEEN
    ]


def deliver(what: str, fleet: Fleet, boundary: int, rows: list[JournalRow]) -> None:
    tags = sorted({f"{row.release[:8]}/{row.params[:8]}" for row in rows})
    print(json.dumps({"what": what, "boundary_ms": boundary, "slots": len(rows), "tags": tags}))
