"""A paper fleet of sixteen slots: sources that die and freeze, an update, a way back, restarts.

`MIDSTRIDE_PAPER_SPEED=1` runs it at the real time of day; by default market time runs faster.
"""

import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from checkpoints.alarms import AlarmStore
from checkpoints.severity import Severity
from cluster.local.processes import wait_until
from cluster.local.sandbox_process import read_ready
from cluster.local.state_folder import StateFolder
from tests.cluster.local.test_paper_run import fills, trading_requests
from tests.judge_paper import recount, was_recorded
from tests.paper_recorder import Recorder
from tests.rolling_update.fleet import SIXTEEN, Fleet, free_ports, left_behind
from tests.rolling_update.trees import copy_tree, edit

pytestmark = [
    pytest.mark.ray,
    pytest.mark.exchange,
    pytest.mark.nemesis,
    pytest.mark.timeout(3_600),
]
SPEED = int(os.environ.get("MIDSTRIDE_PAPER_SPEED", "30"))
FILLS_SECONDS = 600.0
SWITCH_SECONDS = 900.0
"""Sources are asked at each five minutes of market time, and left after two failures."""


@contextmanager
def paper_fleet(
    folder: Path,
    speed: int,
    slots: tuple[str, ...] = SIXTEEN,
    config: Path | None = None,
    words: tuple[str, ...] = (),
) -> Iterator[Fleet]:
    """Run it beside stand-ins; without `config` with the one that is shipped for that."""
    tree = copy_tree(folder / "running")
    fleet = Fleet(StateFolder(folder / "state"), tree, slots, folder)
    start = ["run", "--mode", "paper", "--stand-ins", "--detach", "--fresh", *words]
    start += [] if config is None else [f"--config={config}"]
    try:
        code, output = fleet.command(*start, f"--speed={speed}", f"--head-port={free_ports()}")
        assert code == 0, output
        assert "PAPER" in output
        yield fleet
    finally:
        fleet.stop()
        assert not left_behind(fleet)


def switch(fleet: Fleet, exchange: str, fault: str, *, on: bool = True) -> None:
    ready = read_ready(fleet.state.sandbox_ready)
    request = urllib.request.Request(
        f"http://127.0.0.1:{ready.exchanges_port}/admin/faults",
        method="POST",
        data=json.dumps({"exchange": exchange, "fault": fault, "on": on}).encode(),
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200


def switched(fleet: Fleet) -> bool:
    latched = AlarmStore(fleet.storage).latched()
    return any(state.alarm.kind == "source_switched" for state in latched)


def clear_warnings(fleet: Fleet) -> None:
    """Clear what a roll waits for; the notices of switched sources stay, and keep no roll back."""
    assert switched(fleet)
    store = AlarmStore(fleet.storage)
    for state in store.latched():
        if state.alarm.severity is not Severity.NOTICE:
            store.clear(state.alarm.id, "seen by the test", "test")


def test_dying_sources_an_update_and_the_way_back_cost_no_decision(tmp_path: Path) -> None:
    with paper_fleet(tmp_path, SPEED) as fleet:
        url = read_ready(fleet.state.sandbox_ready).urls["market_ws_url"]
        with Recorder(url, fleet.state.storage) as seen:
            fleet.await_decisions(2)
            switch(fleet, "binance_usdm", "kill")
            switch(fleet, "okx", "freeze")
            fleet.await_decisions(4)
            fleet.wait(lambda: switched(fleet), "switch of a source", SWITCH_SECONDS)
            switch(fleet, "binance_usdm", "kill", on=False)
            switch(fleet, "okx", "freeze", on=False)
            fleet.await_decisions(3)
            before = fleet.releases()
            tree = copy_tree(tmp_path / "edited")
            edit(
                tree,
                "signals/factors/pattern.py",
                "shapes.bullish(bars, params.strong_body_atr)",
                "shapes.bullish(bars, 1.05 * params.strong_body_atr)",
            )
            clear_warnings(fleet)
            code, output = fleet.command("update", "--yes", tree=tree)
            assert code == 0, output
            fleet.await_decisions(1)
            assert len(fleet.releases()) == 1
            assert fleet.releases() != before
            fleet.clear_alarms()
            code, output = fleet.command("rolling-update", "rollback", tree=tree)
            assert code == 0, output
            fleet.await_decisions(2)
            assert fleet.releases() == before
            assert wait_until(lambda: len(fills(fleet.state)) >= len(SIXTEEN), FILLS_SECONDS)
            assert trading_requests(fleet.state) == []
            code, output = fleet.command("stop")
            assert code == 0, output
        tape = seen.tape()
        assert list(recount(fleet.state.storage, tape)) == []
        assert any(was_recorded(row, tape) for row in fills(fleet.state))
        verdict = fleet.verdict()
        assert verdict.clean, verdict
        print(f"\n{verdict}")
        code, output = fleet.command("audit", "check")
        assert code == 0, output
