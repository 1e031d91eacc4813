"""A day of market time on paper, with a restart of every stand-in in it, and the judge.

`MIDSTRIDE_PAPER_HOURS` and `MIDSTRIDE_PAPER_SPEED` say how much market time passes, and how fast.
Four slots: what a day wears out does not need sixteen, and the machine may have two cores.
"""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.clock import wire_ms
from checkpoints.alarms import AlarmStore
from cluster.local.sandbox_process import read_ready
from cluster.sandbox.standins.faults import EXCHANGES
from tests.cluster.local.test_paper_run import SLOTS, fills, small_paper, trading_requests
from tests.judge_paper import recount, was_recorded
from tests.nemesis.test_paper_fleet import paper_fleet, switch
from tests.paper_inputs import lacking
from tests.paper_recorder import Recorder
from tests.rolling_update.fleet import Fleet

pytestmark = [
    pytest.mark.ray,
    pytest.mark.exchange,
    pytest.mark.soak,
    pytest.mark.timeout(6 * 3_600),
]
HOURS = float(os.environ.get("MIDSTRIDE_PAPER_HOURS", "24"))
SPEED = int(os.environ.get("MIDSTRIDE_PAPER_SPEED", "60"))
HOUR_MS = 3_600_000
PARTS = 2 * (len(EXCHANGES) + 2)
"""One of dying and one of health for each exchange, then both for all at once."""
LATE_S = 600.0
"""Wire, beyond the time that is waited for."""


def day_config(folder: Path) -> Path:
    """Return the configuration: points so far apart that none is missed for want of wire time."""
    file = small_paper(folder)
    text = file.read_text()
    often = re.findall(r"^decision_offsets_ms = .*$", text, re.MULTILINE)
    assert len(often) == 1
    file.write_text(text.replace(often[0], "decision_offsets_ms = [20_000, 170_000]"))
    return file


def day_clock(fleet: Fleet) -> Callable[[int], None]:
    """Return the wait for the end of a numbered part of the day."""
    clock = read_ready(fleet.state.sandbox_ready).clock
    start_ms = clock.market_ms(wire_ms())
    part_ms = int(HOURS * HOUR_MS / PARTS)

    def wait_for(part: int) -> None:
        end_ms = start_ms + part * part_ms
        left_s = max(0.0, (end_ms - clock.market_ms(wire_ms())) / SPEED / 1_000)
        fleet.wait(
            lambda: clock.market_ms(wire_ms()) >= end_ms, f"part {part} of the day", left_s + LATE_S
        )

    return wait_for


def kill_all_services(fleet: Fleet) -> None:
    """End venue and stand-ins at once, and wait until the watcher has brought them back."""
    before = fleet.state.read_run().sandbox
    assert before is not None
    before.signal(signal.SIGKILL)
    fleet.wait(lambda: fleet.state.read_run().sandbox not in (None, before), "new stand-ins")
    fleet.wait(fleet.state.sandbox_ready.exists, "stand-ins that serve")


def test_a_day_with_a_restart_of_every_stand_in_costs_no_decision(tmp_path: Path) -> None:
    with paper_fleet(tmp_path, SPEED, SLOTS, day_config(tmp_path)) as fleet:
        wait_for = day_clock(fleet)
        for place, exchange in enumerate(EXCHANGES):
            wait_for(2 * place + 1)
            switch(fleet, exchange, "kill")
            wait_for(2 * place + 2)
            switch(fleet, exchange, "kill", on=False)
        with Recorder(
            read_ready(fleet.state.sandbox_ready).urls["market_ws_url"], fleet.state.storage
        ) as seen:
            wait_for(PARTS - 3)
            kill_all_services(fleet)
            wait_for(PARTS)
            fleet.await_decisions(1)
            assert trading_requests(fleet.state) == []
            fleet.wait(lambda: not no_source(fleet), "a source for each asset")
            fleet.stop()
        tape = seen.tape()
        assert list(recount(fleet.state.storage, tape)) == []
        assert any(was_recorded(row, tape) for row in fills(fleet.state))
        verdict = fleet.verdict()
        print(f"\n{HOURS:g} h of market time at speed {SPEED}, {len(SLOTS)} slots: {verdict}")
        print("\n".join(lacking(fleet.storage, SLOTS)))
        assert verdict.clean, verdict
        code, output = fleet.command("audit", "check")
        assert code == 0, output


def no_source(fleet: Fleet) -> list[str]:
    latched = AlarmStore(fleet.storage).latched()
    return [state.alarm.subject for state in latched if state.alarm.kind == "no_source"]
