"""The halt as a whole, with a venue and a gateway that a test scripts."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.config import Mode
from actors.gateway.authority.events import Holder
from actors.gateway.lock import (
    GENERATION_FILE,
    HALT_FILE,
    LOCK_FILE,
    GatewayLock,
    acquire,
    halt_reason,
)
from actors.venue.answers import OddRow
from actors.venue.keys import PrivateKeyError
from actors.venue.port import Cancelled, Rejected, Unavailable, UnavailableKind, Unknown
from checkpoints.errors import StorageError
from checkpoints.storage import LocalStorage
from cluster.__main__ import run
from cluster.errors import FleetError
from cluster.halting import fence
from cluster.halting.ask_gateway import Confirmed
from cluster.halting.halt import GatewayEnd, TradingSet, Unreadable, halt
from cluster.halting.proof import Proof
from cluster.halting.screen import halt_lines
from tests.cluster.halting.scripted import ScriptedGateway, ScriptedVenue, config, ports


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.halting.halt.LATE_POST_MS", 0)
    for name in ("SETTLE_MS", "AGAIN_MS", "AGAIN_SOON_MS"):
        monkeypatch.setattr(f"cluster.halting.proof.{name}", 5)


HOLD = """
import os, sys, fcntl, json, time
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
start = int(open(f"/proc/{os.getpid()}/stat").read().rpartition(")")[2].split()[19])
holder = dict(name="gateway/1", fleet="f", node="n", pid=os.getpid(), wire_ms=0)
holder["process_start"] = start
os.pwrite(descriptor, json.dumps(holder).encode() if sys.argv[2] == "named" else b"{", 0)
print("held", flush=True)
time.sleep(600)
"""


@contextmanager
def lock_holder(root: Path, *, named: str = "named") -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that holds the gateway's lock, as a gateway does."""
    (root / LOCK_FILE).parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root / LOCK_FILE), named], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def proof_in(done: TradingSet) -> Proof:
    assert done.proof is not None
    return done.proof


def test_a_halt_writes_its_file_cancels_and_lists_until_nothing_is_open(tmp_path: Path) -> None:
    venue = ScriptedVenue("a", "b")
    done = halt(LocalStorage(tmp_path), config(tmp_path), ports(venue), "drill")
    assert (tmp_path / HALT_FILE).read_text() == "drill\n"
    assert done.gateway is GatewayEnd.NONE_RUNS
    assert proof_in(done).proven
    assert (done.cancelled_directly, venue.open, venue.closed) == (2, [], True)


def test_the_venue_is_emptied_also_where_the_gateway_holds_the_halt(tmp_path: Path) -> None:
    venue, gateway = ScriptedVenue("a"), ScriptedGateway(Confirmed(pid=1))
    with lock_holder(tmp_path) as holder:
        done = halt(LocalStorage(tmp_path), config(tmp_path), ports(venue, gateway), "drill")
        assert holder.poll() is None, "a gateway that answers is left alone"
    assert done.by_gateway
    assert gateway.reasons == ["drill"]
    assert proof_in(done).proven
    assert not venue.open


@pytest.mark.parametrize("before", [signal.SIGCONT, signal.SIGSTOP])
def test_a_gateway_that_does_not_answer_is_ended_before_anything_is_proven(
    tmp_path: Path, before: signal.Signals
) -> None:
    venue = ScriptedVenue()
    with lock_holder(tmp_path) as holder:
        os.kill(holder.pid, before)
        done = halt(LocalStorage(tmp_path), config(tmp_path), ports(venue), "drill")
        assert holder.wait(30) == -signal.SIGKILL
    assert done.gateway is GatewayEnd.ENDED
    assert proof_in(done).proven


def test_a_gateway_that_can_be_neither_asked_nor_ended_leaves_nothing_proven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fence, "ENDED_S_MAX", 0.1)
    ended: list[str] = []
    with lock_holder(tmp_path, named="nameless"):
        made = ports(ScriptedVenue("a"), end_fleet=lambda: ended.append("fleet"))
        done = halt(LocalStorage(tmp_path), config(tmp_path), made, "drill")
    assert done.gateway is GatewayEnd.NOT_KNOWN
    assert ended == ["fleet"]
    assert not proof_in(done).proven
    assert "a new one may come" in proof_in(done).said


def test_no_gateway_begins_while_a_halt_proves(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).parent.mkdir()
    (tmp_path / LOCK_FILE).touch()
    halts = [fence.take_lock(tmp_path), fence.take_lock(tmp_path)]
    starting = Holder(name="g", fleet="f", node="n", pid=1, process_start=1, wire_ms=0)
    for one in halts:
        assert isinstance(one, fence.Lock), "two people may halt at once"
        assert not isinstance(acquire(tmp_path, starting), GatewayLock)
        one.release()
    got = acquire(tmp_path, starting)
    assert isinstance(got, GatewayLock)
    assert isinstance(fence.take_lock(tmp_path), fence.LockHeld)
    got.release()


def test_an_order_that_arrives_behind_the_cancel_is_cancelled_too(tmp_path: Path) -> None:
    venue = ScriptedVenue("a")
    venue.late = [["late"], [], ["later"]]
    done = halt(LocalStorage(tmp_path), config(tmp_path), ports(venue), "drill")
    assert proof_in(done).proven
    assert (proof_in(done).cancelled, venue.open) == (3, [])


def test_a_delayed_order_is_named_and_waited_for(tmp_path: Path) -> None:
    venue, told = ScriptedVenue("a"), []
    venue.delayed = {"slow": 2}
    done = halt(LocalStorage(tmp_path), config(tmp_path), ports(venue, told=told), "drill")
    assert proof_in(done).proven
    assert [one.order_id for one in proof_in(done).held] == ["slow"]
    assert any("delayed" in line for line in told)


def test_more_orders_than_one_request_may_cancel_go_by_id(tmp_path: Path) -> None:
    venue = ScriptedVenue(*map(str, range(200)))
    venue.most_at_once = 100
    done = halt(LocalStorage(tmp_path), config(tmp_path), ports(venue), "drill")
    assert proof_in(done).proven
    assert proof_in(done).cancelled == 200


@pytest.mark.parametrize(
    "first",
    [
        Unavailable(kind=UnavailableKind.RESTARTING, retry_after_ms=10),
        Unknown(reason="HTTP 503: Trading is currently disabled"),
        Rejected(code="unauthorized", message="Unauthorized"),
    ],
)
def test_a_venue_that_takes_no_cancel_at_first_is_asked_again(
    tmp_path: Path, first: Rejected | Unavailable | Unknown
) -> None:
    venue = ScriptedVenue("a")
    venue.cancels = [first, first]
    done = halt(LocalStorage(tmp_path), config(tmp_path), ports(venue), "drill")
    assert proof_in(done).proven
    assert not venue.open


def test_a_venue_that_never_takes_a_cancel_is_said_with_what_it_does_by_itself(
    tmp_path: Path,
) -> None:
    venue = ScriptedVenue("a")
    venue.cancels = [Unavailable(kind=UnavailableKind.RESTARTING, retry_after_ms=10)] * 1_000
    done = halt(LocalStorage(tmp_path), config(tmp_path), ports(venue, prove_s=0.5), "drill")
    said = proof_in(done).said
    assert not proof_in(done).proven
    assert "1 orders are still open; it takes no cancel (it says: restarting)" in said
    assert "10 s after the last one" in said


def test_a_row_that_cannot_be_read_may_be_an_order(tmp_path: Path) -> None:
    venue = ScriptedVenue()
    venue.odd = (OddRow(listing="orders", row_id="x", why="no price"),)
    done = halt(LocalStorage(tmp_path), config(tmp_path), ports(venue, prove_s=0.5), "drill")
    assert not proof_in(done).proven
    assert "1 rows of the listing cannot be read" in proof_in(done).said


def test_a_key_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    async def no_key() -> ScriptedVenue:
        raise PrivateKeyError("venue.private_key_file: cannot be read")

    made = ports(ScriptedVenue())
    made = replace(made, open_venue=no_key, first_cancel=None)
    done = halt(LocalStorage(tmp_path), config(tmp_path), made, "drill")
    assert not proof_in(done).proven
    assert "venue.private_key_file: cannot be read" in proof_in(done).said


class FullDisk(LocalStorage):
    """Reads; takes no write."""

    def write(self, name: str, data: bytes) -> None:
        del data
        raise StorageError(f"cannot use the storage (file {name}): it is full")


def test_on_a_full_disk_an_empty_file_halts(tmp_path: Path) -> None:
    venue = ScriptedVenue("a")
    done = halt(FullDisk(tmp_path), config(tmp_path), ports(venue), "drill")
    assert halt_reason(tmp_path) is not None
    assert proof_in(done).proven
    assert "it is full" in (done.file_problem or "")


def test_where_no_file_can_be_made_an_old_one_gets_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    LocalStorage(tmp_path).write(GENERATION_FILE, b"7")
    monkeypatch.setattr(fence, "_empty", lambda _: False)
    done = halt(FullDisk(tmp_path), config(tmp_path), ports(ScriptedVenue()), "drill")
    assert halt_reason(tmp_path) is not None
    assert proof_in(done).proven


def test_where_no_halt_file_can_be_made_at_all_the_fleet_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fence, "_empty", lambda _: False)
    ended: list[str] = []
    made = ports(ScriptedVenue("a"), end_fleet=lambda: ended.append("fleet"))
    done = halt(FullDisk(tmp_path), config(tmp_path), made, "drill")
    assert ended == ["fleet"]
    assert proof_in(done).proven


def test_a_state_folder_that_is_gone_is_not_made_and_its_processes_are_ended(
    tmp_path: Path,
) -> None:
    ended: list[str] = []
    made = ports(ScriptedVenue("a"), end_fleet=lambda: ended.append("fleet"))
    gone = tmp_path / "gone"
    done = halt(LocalStorage(gone), config(tmp_path), made, "drill")
    assert (ended, gone.exists()) == (["fleet"], False)
    assert done.gateway is GatewayEnd.FOLDER_GONE
    assert proof_in(done).proven


def test_without_a_configuration_the_gateway_is_asked_and_the_rest_is_said(
    tmp_path: Path,
) -> None:
    gateway = ScriptedGateway(Confirmed(pid=1))
    with lock_holder(tmp_path):
        done = halt(
            LocalStorage(tmp_path),
            Unreadable("it is damaged"),
            ports(ScriptedVenue(), gateway),
            "x",
        )
    assert (done.by_gateway, proof_in(done).proven) == (True, False)
    assert "it is damaged" in proof_in(done).said
    assert "--config" in proof_in(done).said


@pytest.mark.parametrize("under_way", [0, 2])
def test_a_paper_account_is_the_gateways_while_it_answers(tmp_path: Path, under_way: int) -> None:
    paper = replace(config(tmp_path), mode=Mode.PAPER)
    gateway = ScriptedGateway(Confirmed(pid=1, under_way=under_way))
    venue = ScriptedVenue()
    with lock_holder(tmp_path):
        done = halt(LocalStorage(tmp_path), paper, ports(venue, gateway), "drill")
    assert venue.asked == []
    assert proof_in(done).proven == (under_way == 0)


def test_a_paper_account_is_emptied_here_where_no_gateway_has_it(tmp_path: Path) -> None:
    paper = replace(config(tmp_path), mode=Mode.PAPER)
    venue = ScriptedVenue("a")
    assert proof_in(halt(LocalStorage(tmp_path), paper, ports(venue), "drill")).proven
    assert not venue.open


def test_a_halt_before_the_first_launch_holds_for_the_first_start(tmp_path: Path) -> None:
    gateway = ScriptedGateway()
    done = halt(LocalStorage(tmp_path), None, ports(ScriptedVenue(), gateway), "not yet")
    assert (done.gateway, done.cancelled_directly) == (GatewayEnd.NO_FLEET, None)
    assert gateway.reasons == []
    assert (tmp_path / HALT_FILE).exists()


def test_a_full_disk_before_the_first_launch_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fence, "_empty", lambda _: False)
    with pytest.raises(FleetError, match=r"could not be written.*it is full"):
        halt(FullDisk(tmp_path), None, ports(ScriptedVenue()), "drill")


def test_every_end_of_a_gateway_has_its_line(tmp_path: Path) -> None:
    done = halt(LocalStorage(tmp_path), config(tmp_path), ports(ScriptedVenue("a")), "drill")
    for end in GatewayEnd:
        lines = list(halt_lines(type(done)(**{**_fields(done), "gateway": end})))
        assert lines[0] == "trading is halted"
        assert lines[-1].startswith("PROVEN after")


def _fields(done: TradingSet) -> dict[str, object]:
    return {name: getattr(done, name) for name in done.__struct_fields__}


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"null"])
def test_a_damaged_configuration_keeps_no_halt_from_its_file(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = LocalStorage(tmp_path / "storage")
    storage.write("config/current.json", content)
    assert run(["trading", "halt", "--state", str(tmp_path)]) == 3
    assert (tmp_path / "storage" / HALT_FILE).exists()
    assert "NOT PROVEN" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["run.json", "storage/config/current.json"])
def test_a_folder_in_a_files_place_keeps_no_halt_from_its_file(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    LocalStorage(tmp_path / "storage").write("config/source", b"x")
    (tmp_path / name).mkdir(parents=True)
    assert run(["trading", "halt", "--state", str(tmp_path)]) == (0 if name == "run.json" else 3)
    assert (tmp_path / "storage" / HALT_FILE).exists()
    assert "fault of its own" not in capsys.readouterr().err


def test_a_storage_that_is_gone_keeps_no_halt_from_the_fleet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "launched.toml").write_text("{", encoding="utf-8")
    assert run(["trading", "halt", "--state", str(tmp_path)]) == 3
    said = capsys.readouterr().err
    assert "NOT PROVEN" in said
    assert "--config" in said
    assert not (tmp_path / "storage").exists()


def test_a_folder_without_a_fleet_names_both_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["trading", "halt", "--state", str(tmp_path / "typo")]) == 1
    said = capsys.readouterr().err
    assert "--state names another folder" in said
    assert "--config names its configuration" in said


def test_ctrl_c_ends_the_waiting_and_not_the_halt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    LocalStorage(tmp_path / "storage").write("config/current.json", b"{")

    def interrupted(*_: object) -> TradingSet:
        fence.set_mark(LocalStorage(tmp_path / "storage"), "drill")
        raise KeyboardInterrupt

    monkeypatch.setattr("cluster.commands.trading.halt", interrupted)
    assert run(["trading", "halt", "--state", str(tmp_path)]) == 3
    assert "NOT PROVEN" in capsys.readouterr().err


def test_what_the_first_cancel_cancelled_is_counted_and_proves_nothing(tmp_path: Path) -> None:
    venue = ScriptedVenue("c")
    made = replace(ports(venue), first_cancel=lambda: Cancelled(cancelled=("a", "b")))
    done = halt(LocalStorage(tmp_path), config(tmp_path), made, "drill")
    assert (proof_in(done).cancelled, proof_in(done).proven) == (3, True)
    blind = ScriptedVenue()
    blind.cancels = [Unknown(reason="lost")] * 1_000
    made = replace(ports(blind, prove_s=0.2), first_cancel=lambda: Cancelled(cancelled=("a",)))
    assert not proof_in(halt(LocalStorage(tmp_path), config(tmp_path), made, "drill")).proven


def test_a_first_cancel_that_fails_or_hangs_keeps_nothing_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.halting.halt.FIRST_S", 0.05)
    waits = threading.Event()

    def hangs() -> Unknown:
        waits.wait(60)
        return Unknown(reason="late")

    def fails() -> Unknown:
        raise RuntimeError("broken")

    for cancels in (hangs, fails):
        venue = ScriptedVenue("a")
        made = replace(ports(venue), first_cancel=cancels)
        assert proof_in(halt(LocalStorage(tmp_path), config(tmp_path), made, "drill")).proven
    waits.set()
