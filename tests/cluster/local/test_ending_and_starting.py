"""What a start may end, and what an end waits for: pure parts and small processes."""

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from actors.config import SlotConfig
from actors.gateway.ledger import Ledger
from actors.gateway.records import Seat
from checkpoints.process_id import ProcessId
from cluster.audit.log_reading import LogView
from cluster.errors import ClusterError
from cluster.local.ending import end_runner, end_watcher, watcher_mark
from cluster.local.head import make_token, read_token
from cluster.local.private_key import ensure_sandbox_key
from cluster.local.processes import MARK
from cluster.local.run import living, slot_releases
from cluster.local.sandbox_process import (
    SandboxError,
    SandboxOptions,
    differences,
    ensure_sandbox,
    listing_for,
    sandbox_command,
)
from cluster.local.starting import TREE, code_of
from cluster.local.state_folder import RunRecord, StateFolder
from cluster.status.standing import standing
from cluster.terminal.interrupts import ASKED, Interrupts
from tests.cluster.status.test_status import OWNER

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
GONE = ProcessId(pid=2**22 + 1, start=1)


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path / "s")
    folder.prepare()
    return folder


def test_a_start_with_the_same_options_differs_in_nothing(state: StateFolder) -> None:
    running = sandbox_command(state, SandboxOptions(speed=30, seed=1))
    assert differences(running, sandbox_command(state, SandboxOptions(port=5))) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (SandboxOptions(speed=10), ["speed 30 (asked: 10)"]),
        (SandboxOptions(seed=7), ["seed 1 (asked: 7)"]),
        (SandboxOptions(tape=Path("/t")), ["tape not set (asked: /t)"]),
        (SandboxOptions(wall_clock=True), ["market-clock not set (asked: wall)"]),
        (SandboxOptions(speed=1, seed=2), ["speed 30 (asked: 1)", "seed 1 (asked: 2)"]),
    ],
)
def test_a_start_with_other_options_names_each(
    state: StateFolder, asked: SandboxOptions, said: list[str]
) -> None:
    running = sandbox_command(state, SandboxOptions())
    assert differences(running, sandbox_command(state, asked)) == said


def test_what_the_configuration_trades_beside_the_usual_is_served_by_stand_ins_too(
    state: StateFolder,
) -> None:
    slots = [SlotConfig(slot=slot) for slot in ("btc-5m", "ton-4h")]
    beside = listing_for(SandboxOptions(exchanges=True), slots, ("ton", "sui"))
    command = sandbox_command(state, beside)
    assert {"--exchanges-port=0", "--more-assets=sui,ton", "--more-timeframes=4h"} <= set(command)


def test_a_refused_start_leaves_the_exchange_that_runs(state: StateFolder) -> None:
    child = subprocess.Popen(SLEEPS)
    try:
        record = ProcessId.of(child.pid)
        command = tuple(sandbox_command(state, SandboxOptions()))
        before = state.update_run(sandbox=record, sandbox_command=command)
        state.sandbox_ready.write_bytes(b"{}")
        with pytest.raises(SandboxError, match="It goes on as it was"):
            ensure_sandbox(state, SandboxOptions(speed=10))
        assert record.alive
        assert state.read_run() == before
    finally:
        child.kill()
        child.wait()


def test_only_a_launched_fleet_on_a_living_head_is_a_fleet_that_runs() -> None:
    own = ProcessId.own()
    assert living(RunRecord(head=own, launched=True)).fleet
    assert not living(RunRecord(head=own)).fleet
    assert not living(RunRecord(head=GONE, launched=True)).fleet
    assert living(RunRecord(sandbox=own)).sandbox


def test_what_is_unusual_about_a_fleet_is_said_with_what_to_do() -> None:
    own = ProcessId.own()
    whole = RunRecord(head=own, launched=True, watcher=own)
    assert standing(RunRecord()) is None
    assert standing(whole) is None
    told = {
        "run` that started it": msgspec.structs.replace(whole, runner=GONE),
        "its watcher is gone": msgspec.structs.replace(whole, watcher=GONE),
        "cut short": msgspec.structs.replace(whole, launched=False),
        "Ray head is dead": msgspec.structs.replace(whole, head=GONE),
        "again and again": msgspec.structs.replace(whole, gave_up=True),
    }
    for part, record in told.items():
        assert part in (standing(record) or "")


def test_a_run_that_finds_a_fleet_names_the_releases_of_its_slots(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(slot_releases(state)) == []
    ledger = Ledger()
    for slot, release in (("btc-5m", "aa" * 32), ("eth-5m", "aa" * 32), ("sol-5m", "bb" * 32)):
        owner = msgspec.structs.replace(OWNER, slot=slot, release=release)
        ledger.seats[slot] = Seat(slot=slot, owner=owner)
    ledger.seats["xrp-5m"] = Seat(slot="xrp-5m")
    monkeypatch.setattr("cluster.local.run.read_log", lambda _: LogView(ledger=ledger))
    assert list(slot_releases(state)) == [
        "2 slots run release aaaaaaaaaaaa",
        "1 slot run release bbbbbbbbbbbb",
    ]


def test_a_restart_runs_the_archived_release_not_the_tree(state: StateFolder) -> None:
    record = RunRecord(release="ab" * 32)
    assert code_of(state, record) == TREE
    archive = state.storage / "releases" / f"{record.release}.zip"
    archive.parent.mkdir()
    archive.write_bytes(b"zip")
    assert code_of(state, record) == archive.as_uri()


@pytest.mark.parametrize("number", ASKED)
def test_each_polite_signal_asks_for_an_orderly_end_until_only_the_end_counts(
    number: signal.Signals,
) -> None:
    started = signal.signal(
        number, signal.SIG_DFL
    )  # who runs the tests may ignore it, as nohup does
    before = signal.getsignal(number)
    try:
        _ask_politely(number)
        assert signal.getsignal(number) == before
    finally:
        signal.signal(number, started)


def _ask_politely(number: signal.Signals) -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        if number == signal.SIGHUP:
            signal.raise_signal(number)  # the shell's and the kernel's: one closed terminal
        else:
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
        interrupts.ignore()
        signal.raise_signal(number)


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_stop_asks_the_run_of_a_terminal_to_end_its_fleet_itself(state: StateFolder) -> None:
    child = subprocess.Popen(SLEEPS)
    said: list[str] = []
    state.update_run(runner=ProcessId.of(child.pid))
    end_runner(state, said.append)
    assert child.wait() == -signal.SIGTERM
    assert said == [f"`run` (pid {child.pid}) ends its fleet"]
    end_runner(state, said.append)
    assert len(said) == 1


def test_only_this_fleets_watcher_is_ended(state: StateFolder, tmp_path: Path) -> None:
    ours = subprocess.Popen(SLEEPS, env={MARK: watcher_mark(state)})
    theirs = subprocess.Popen(SLEEPS, env={MARK: watcher_mark(StateFolder(tmp_path))})
    try:
        end_watcher(state)
        assert ours.wait() == -signal.SIGTERM
        assert theirs.poll() is None
    finally:
        for child in (ours, theirs):
            child.kill()
            child.wait()


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\x00" * 64, b"\xff", b"two words here, no token"]
)
def test_a_token_file_without_a_token_is_made_again(state: StateFolder, content: bytes) -> None:
    state.token.write_bytes(content)
    state.token.chmod(0o644)
    make_token(state.token)
    assert len(read_token(state.token)) == 64
    assert state.token.stat().st_mode & 0o777 == 0o600


def test_a_whole_token_is_kept_and_made_private(state: StateFolder) -> None:
    make_token(state.token)
    token = read_token(state.token)
    state.token.chmod(0o666)
    make_token(state.token)
    assert read_token(state.token) == token
    assert state.token.stat().st_mode & 0o777 == 0o600


def test_an_empty_key_is_made_again_only_if_nothing_was_signed_with_it(state: StateFolder) -> None:
    state.private_key.write_bytes(b"")
    with pytest.raises(ClusterError, match="run --fresh"):
        ensure_sandbox_key(state.private_key, used=True)
    ensure_sandbox_key(state.private_key, used=False)
    key = state.private_key.read_bytes()
    assert len(key) == 67
    ensure_sandbox_key(state.private_key, used=True)
    assert state.private_key.read_bytes() == key
