"""A paper fleet for real: started beside stand-ins, recounted from books that the test recorded."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cluster.local.head import head_processes
from cluster.local.jobs import WORKING_TREE
from cluster.local.processes import marked, wait_until
from cluster.local.sandbox_process import read_ready
from cluster.local.state_folder import StateFolder
from signals.params import load_params
from tests.cluster.local.test_run import cluster
from tests.judge import judge
from tests.judge_paper import is_paper, recount, rows, was_recorded
from tests.paper_recorder import Recorder
from tests.rolling_update.fleet import free_ports
from tests.tape_decisions import replayed

pytestmark = [pytest.mark.ray, pytest.mark.exchange, pytest.mark.timeout(1500)]
SLOTS = ("btc-5m", "eth-5m", "sol-5m", "xrp-15m")
FILLS = 6
FILLS_SECONDS = 300.0


def small_paper(folder: Path) -> Path:
    """Return the stand-ins' configuration with four slots."""
    text = (WORKING_TREE / "cluster/configs/paper-standins.toml").read_text()
    head, _, rest = text.partition("[slots]\n")
    _, _, tail = rest.partition("\n\n")
    slots = "".join(f"{slot} = {{}}\n" for slot in SLOTS)
    file = folder / "small.toml"
    file.write_text(f"{head}[slots]\n{slots}\n{tail}")
    return file


def trading_requests(state: StateFolder) -> list[str]:
    """Return what the venue was asked that is no read of public data."""
    url = read_ready(state.sandbox_ready).urls["admin_url"]
    with urllib.request.urlopen(f"{url}/state", timeout=60) as answer:
        seen: dict[str, Any] = json.loads(answer.read())
    doors = ("/clob/order", "/clob/orders", "/clob/cancel", "/clob/v1/heartbeats")
    return [route for route in seen["asked"] if route.split()[1].startswith(doors)]


def fills(state: StateFolder) -> list[dict[str, Any]]:
    if not is_paper(state.storage):
        return []
    return [row for row in rows(state.storage) if row["type"] == "paper_filled"]


def test_a_paper_fleet_fills_what_the_books_bear_out_and_no_order_leaves(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "s")
    base = ["--state", str(state.root)]
    run = ["run", "--mode", "paper", "--stand-ins", "--speed", "30", "--detach", *base]
    run += ["--config", str(small_paper(tmp_path)), "--head-port", str(free_ports())]
    try:
        first = cluster(*run)
        assert first.returncode == 0, first.stderr
        with Recorder(read_ready(state.sandbox_ready).urls["market_ws_url"], state.storage) as seen:
            assert wait_until(lambda: len(fills(state)) >= FILLS, FILLS_SECONDS)
            status = cluster("status", *base)
            assert status.stdout.startswith("PAPER"), status.stdout
            reconciled = cluster("audit", "reconcile", "--json", *base)
            assert json.loads(reconciled.stdout)["differences"] == [], reconciled.stderr
            assert trading_requests(state) == []
            assert cluster("stop", *base).returncode == 0
        tape = seen.tape()
        assert list(recount(state.storage, tape)) == []
        judged = [row for row in fills(state) if was_recorded(row, tape)]
        assert judged, "the recording holds no fill"
        verdict = judge(state.storage, state.sandbox)
        assert verdict.clean, verdict
        again = list(replayed(state.storage, Path(f"{state.storage}-tape"), SLOTS))
        assert again
        params = load_params((WORKING_TREE / "signals/params.toml").read_text())
        assert [one.due_ms for one in again if not one.same(params)] == []
        assert not state.private_key.exists()
        refused = cluster("run", "--mode", "sandbox", *base)
        assert refused.returncode == 1
        assert "holds a paper fleet" in refused.stderr
    finally:
        cluster("stop", *base)
    assert [*head_processes(state), *marked(f"{state.owner}#sandbox")] == []
