"""Real starts beside a real fleet, and the death of each process of ours; minutes, by nemesis."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checkpoints.alarms import AlarmStore
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage
from cluster.local.head import answers, head_processes
from cluster.local.jobs import WORKING_TREE
from cluster.local.processes import marked, wait_until
from cluster.local.ray_folder import RAY_SOCKET_TAIL, SESSIONS_KEPT
from cluster.local.state_folder import RunRecord, StateFolder
from tests.cluster.local.test_run import SLOTS, cluster, decided, leftovers, small_configuration
from tests.judge import judge
from tests.rolling_update.fleet import free_ports

pytestmark = [pytest.mark.nemesis, pytest.mark.timeout(2400)]
NOTICE_SECONDS = 5.0
AGAIN_SECONDS = 300.0
DECISIONS_SECONDS = 300.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("starts")


@pytest.fixture(scope="module")
def start(home: Path) -> list[str]:
    config = small_configuration(home)
    ports = str(free_ports())
    return ["run", f"--state={home / 's'}", f"--config={config}", f"--head-port={ports}"]


@pytest.fixture(scope="module")
def fleet(home: Path, start: list[str]) -> Iterator[StateFolder]:
    state = StateFolder(home / "s")
    first = cluster(*start, "--detach")
    assert first.returncode == 0, first.stderr
    yield state
    assert cluster("stop", f"--state={state.root}").returncode == 0
    assert leftovers(state) == []
    assert marked(f"{state.owner}#watcher") == []
    verdict = judge(state.storage, state.sandbox)
    assert verdict.differences == [], verdict


def processes(record: RunRecord) -> tuple[ProcessId | None, ...]:
    return (record.head, record.sandbox, record.watcher)


def unchanged(state: StateFolder) -> Callable[[], bool]:
    before = processes(state.read_run())
    assert all(entry is not None and entry.alive for entry in before)
    return lambda: (
        processes(state.read_run()) == before
        and all(entry is not None and entry.alive for entry in before)
    )


def alarms(state: StateFolder, kind: str) -> int:
    store = AlarmStore(LocalStorage(state.storage))
    return sum(entry.alarm.kind == kind for entry in store.history())


@pytest.mark.parametrize("words", [("--speed=10",), ("--seed=5",), ("--fresh",), ("other",)])
def test_a_start_that_wants_another_fleet_is_refused_and_leaves_it(
    fleet: StateFolder, start: list[str], words: tuple[str, ...]
) -> None:
    same = unchanged(fleet)
    if words == ("other",):
        words = ("--config=cluster/configs/sandbox.toml",)
    refused = cluster(*start, *words, "--for=5")
    assert refused.returncode == 1
    assert "midstride stop" in refused.stderr
    assert same()


def test_a_start_for_five_seconds_watches_the_fleet_and_leaves_it(
    fleet: StateFolder, start: list[str]
) -> None:
    same = unchanged(fleet)
    visited = cluster(*start, "--for=5")
    assert visited.returncode == 0, visited.stderr
    assert "left as it is" in visited.stderr
    assert same()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
@pytest.mark.parametrize("after_seconds", [0.3, 3.0])
def test_an_interrupted_start_leaves_the_fleet(
    fleet: StateFolder, start: list[str], number: signal.Signals, after_seconds: float
) -> None:
    same = unchanged(fleet)
    child = subprocess.Popen([sys.executable, "-m", "cluster", *start], cwd=WORKING_TREE)
    time.sleep(after_seconds)
    child.send_signal(number)
    child.wait(120)
    assert same()


def pids_of(state: StateFolder, name: str) -> list[ProcessId]:
    return [
        entry
        for entry in head_processes(state)
        if name.encode() in Path(f"/proc/{entry.pid}/cmdline").read_bytes().split(b"\0")[0]
    ]


@pytest.mark.parametrize("name", ["gcs_server", "raylet"])
def test_a_dead_head_is_noticed_told_and_brought_back(
    fleet: StateFolder, start: list[str], name: str
) -> None:
    before, told = fleet.read_run(), alarms(fleet, "head_died")
    fence = max(fences(fleet))
    for entry in pids_of(fleet, name):
        entry.signal(signal.SIGKILL)
    began = time.monotonic()
    assert wait_until(lambda: alarms(fleet, "head_died") > told, 60.0)
    noticed = time.monotonic() - began
    assert wait_until(lambda: is_up(fleet, before), AGAIN_SECONDS)
    up = time.monotonic() - began
    assert wait_until(lambda: decided(fleet, fence + 1) >= 2, DECISIONS_SECONDS)
    print(
        f"\n{name} killed: noticed {noticed:.1f} s, head up {up:.1f} s, "
        f"deciding {time.monotonic() - began:.1f} s"
    )
    assert noticed < NOTICE_SECONDS


def fences(state: StateFolder) -> list[int]:
    from checkpoints.journal import Journal

    rows = [Journal(LocalStorage(state.storage), slot).rows_after(0).rows for slot in SLOTS]
    return [max(row.fence for row in found) for found in rows]


def is_up(state: StateFolder, before: RunRecord) -> bool:
    record = state.read_run()
    new = record.head is not None and record.head != before.head and record.head.alive
    return new and record.launched and answers(state, record.ports)


def test_a_dead_exchange_is_brought_back_and_the_fleet_goes_on(fleet: StateFolder) -> None:
    before, told = fleet.read_run(), alarms(fleet, "exchange_died")
    assert before.sandbox is not None
    fence = min(fences(fleet))
    had = decided(fleet, fence)
    before.sandbox.signal(signal.SIGKILL)
    assert wait_until(lambda: alarms(fleet, "exchange_died") > told, 60.0)
    assert wait_until(lambda: fleet.read_run().sandbox != before.sandbox, AGAIN_SECONDS)
    assert wait_until(lambda: decided(fleet, fence) >= had + 2, DECISIONS_SECONDS)
    after = fleet.read_run()
    assert after.head == before.head


def test_a_dead_watcher_is_replaced_by_the_next_run(fleet: StateFolder, start: list[str]) -> None:
    watcher = fleet.read_run().watcher
    assert watcher is not None
    watcher.signal(signal.SIGKILL)
    visited = cluster(*start, "--for=2")
    assert visited.returncode == 0, visited.stderr
    new = fleet.read_run().watcher
    assert new is not None
    assert new != watcher
    assert new.alive


def test_the_sockets_of_a_real_head_fit(fleet: StateFolder) -> None:
    sockets = list((fleet.ray / "session_latest" / "sockets").iterdir())
    longest = max(sockets, key=lambda path: len(path.name))
    print(f"\n{len(sockets)} sockets, the longest {longest.name}")
    assert len(longest.name) <= len(Path(RAY_SOCKET_TAIL).name)


def test_two_starts_at_once_make_one_fleet(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "two")
    words = ["run", f"--state={state.root}", f"--config={small_configuration(tmp_path)}"]
    command = [sys.executable, "-m", "cluster", *words, f"--head-port={free_ports()}", "--detach"]
    both = [
        subprocess.Popen(command, cwd=WORKING_TREE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        said = [child.communicate(timeout=400)[1] for child in both]
        codes = sorted(child.returncode for child in both)
        assert codes == [0, 1], said
        assert any("`cluster run` (pid" in text for text in said)
        record = state.read_run()
        assert all(entry is not None and entry.alive for entry in processes(record))
    finally:
        cluster("stop", f"--state={state.root}")
    assert leftovers(state) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("stage", ["exchange", "head", "launch", "table"])
def test_an_interrupt_at_any_stage_of_a_start_leaves_no_process(
    tmp_path: Path, stage: str, number: signal.Signals
) -> None:
    state = StateFolder(tmp_path / "s")
    words = ["run", f"--state={state.root}", f"--config={small_configuration(tmp_path)}"]
    command = [sys.executable, "-m", "cluster", *words, f"--head-port={free_ports()}"]
    reached: dict[str, Callable[[RunRecord], bool]] = {
        "exchange": lambda record: record.sandbox is not None,
        "head": lambda record: record.head is not None,
        "launch": lambda record: record.head is not None and (state.storage / "config").exists(),
        "table": lambda record: record.launched and record.watcher is not None,
    }
    child = subprocess.Popen(command, cwd=WORKING_TREE, stderr=subprocess.PIPE, text=True)
    try:
        assert wait_until(lambda: reached[stage](state.read_run()), AGAIN_SECONDS)
        child.send_signal(number)
        _, said = child.communicate(timeout=200)
        assert "Traceback" not in said, said
    finally:
        child.kill()
        cluster("stop", f"--state={state.root}")
    assert leftovers(state) == []
    assert marked(f"{state.owner}#watcher") == []


def test_a_killed_runner_leaves_a_fleet_that_the_next_run_names_and_stop_ends(
    tmp_path: Path,
) -> None:
    state = StateFolder(tmp_path / "s")
    words = ["run", f"--state={state.root}", f"--config={small_configuration(tmp_path)}"]
    words.append(f"--head-port={free_ports()}")
    child = subprocess.Popen([sys.executable, "-m", "cluster", *words], cwd=WORKING_TREE)
    try:
        assert wait_until(lambda: state.read_run().watcher is not None, AGAIN_SECONDS)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        found = cluster(*words, "--for=3")
        assert found.returncode == 0, found.stderr
        assert f"pid {child.pid} started it and is gone" in found.stderr.replace("\n", " ")
        assert all(entry is not None and entry.alive for entry in processes(state.read_run()))
    finally:
        assert cluster("stop", f"--state={state.root}").returncode == 0
    assert leftovers(state) == []


def test_ten_starts_leave_what_three_leave(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "s")
    words = ["run", f"--state={state.root}", f"--config={small_configuration(tmp_path)}"]
    words += [f"--head-port={free_ports()}", "--for=2"]
    counts, megabytes = [], []
    for _ in range(10):
        done = cluster(*words)
        assert done.returncode == 0, done.stderr
        counts.append(len(list(state.ray.glob("session_2*"))))
        files = [file for file in state.ray.rglob("*") if file.is_file() and not file.is_symlink()]
        megabytes.append(round(sum(file.stat().st_size for file in files) / 1e6, 1))
    print(f"\nsessions {counts}, MB {megabytes}")
    assert max(counts) <= SESSIONS_KEPT + 1
