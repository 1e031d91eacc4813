"""The front door for real: exchange, Ray head, job, slots, kill, resume, orderly end."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from checkpoints.journal import Journal
from checkpoints.storage import LocalStorage
from cluster.local.head import head_processes
from cluster.local.jobs import WORKING_TREE
from cluster.local.processes import marked, wait_until
from cluster.local.state_folder import StateFolder
from tests.judge import judge
from tests.rolling_update.fleet import free_ports

pytestmark = [
    pytest.mark.ray,
    pytest.mark.exchange,
    pytest.mark.timeout(1500),
]
DECISIONS = 6
DECISIONS_SECONDS = 400.0
"""Twelve cycles take 120 s, and most of them may see prices that a busy machine told too late."""
SLOTS = ("btc-5m", "eth-5m", "btc-15m")


def cluster(*arguments: str, limit: float = 400) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cluster", *arguments]
    return subprocess.run(
        command, cwd=WORKING_TREE, capture_output=True, text=True, timeout=limit, check=False
    )


def small_configuration(folder: Path) -> Path:
    text = (WORKING_TREE / "cluster/configs/sandbox.toml").read_text()
    head, _, rest = text.partition("[slots]\n")
    _, _, tail = rest.partition("\n\n")
    slots = "".join(f"{slot} = {{}}\n" for slot in SLOTS)
    file = folder / "small.toml"
    file.write_text(f"{head}[slots]\n{slots}\n{tail}")
    return file


def decided(state: StateFolder, fence: int) -> int:
    """Return the fewest decisions on whole snapshots that any slot has made under a fence."""
    journals = [Journal(LocalStorage(state.storage), slot).rows_after(0) for slot in SLOTS]
    return min(sum(bool(row.complete) and row.fence == fence for row in j.rows) for j in journals)


def leftovers(state: StateFolder) -> list[object]:
    return [*head_processes(state), *marked(f"{state.owner}#sandbox")]


def secrets_in(state: StateFolder) -> list[str]:
    """Return the files of a run, other than their own, in which key or token stands."""
    secret = [
        file.read_text().strip().removeprefix("0x") for file in (state.token, state.private_key)
    ]
    return [
        str(file)
        for folder in (state.root, state.ray)
        for file in folder.rglob("*")
        if file.is_file()
        and not file.is_symlink()
        and file not in (state.token, state.private_key)
        and any(text.encode() in file.read_bytes() for text in secret)
    ]


def test_run_detach_status_kill_all_run_again_and_stop(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "s")
    base = ["--state", str(state.root)]
    run = [
        "run",
        *base,
        "--config",
        str(small_configuration(tmp_path)),
        "--head-port",
        str(free_ports()),
    ]
    try:
        first = cluster(*run, "--detach")
        assert first.returncode == 0, first.stderr
        report = json.loads(cluster("status", "--json", *base).stdout)
        assert [slot["slot"] for slot in report["slots"]] == list(SLOTS)
        assert {slot["fence"] for slot in report["slots"]} == {1}
        for record in marked(f"{state.owner}#ray"):  # all but a titled orphan, found by `run`
            record.signal(signal.SIGKILL)  # its end may end others of them
        second = cluster(*run, "--detach")
        assert second.returncode == 0, second.stderr
        assert wait_until(lambda: decided(state, fence=2) >= DECISIONS, DECISIONS_SECONDS)
        report = json.loads(cluster("status", "--json", *base).stdout)
        assert {slot["fence"] for slot in report["slots"]} == {2}
        reconciled = cluster("audit", "reconcile", "--json", *base)
        assert json.loads(reconciled.stdout)["differences"] == [], reconciled.stderr
        assert cluster("stop", *base).returncode == 0
        verdict = judge(state.storage, state.sandbox)
        assert verdict.differences == [], verdict
        assert verdict.slots == len(SLOTS)
        assert secrets_in(state) == []
    finally:
        cluster("stop", *base)
    assert leftovers(state) == []
