"""A halt beside a gateway that answers, hangs, holds its lock, or is not there."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.config import Mode
from actors.gateway.authority.events import Holder
from actors.gateway.lock import (
    LOCK_FILE,
    GatewayLock,
    acquire,
)
from checkpoints.storage import LocalStorage
from cluster.halting import fence
from cluster.halting.ask_gateway import Confirmed
from cluster.halting.halt import GatewayEnd, TradingSet, Unreadable, halt
from cluster.halting.screen import halt_lines
from tests.cluster.halting.scripted import ScriptedGateway, ScriptedVenue, config, ports, proof_in

pytestmark = pytest.mark.usefixtures("short_waits")


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


def test_every_end_of_a_gateway_has_its_line(tmp_path: Path) -> None:
    done = halt(LocalStorage(tmp_path), config(tmp_path), ports(ScriptedVenue("a")), "drill")
    for end in GatewayEnd:
        lines = list(halt_lines(type(done)(**{**_fields(done), "gateway": end})))
        assert lines[0] == "trading is halted"
        assert lines[-1].startswith("PROVEN after")


def _fields(done: TradingSet) -> dict[str, object]:
    return {name: getattr(done, name) for name in done.__struct_fields__}
