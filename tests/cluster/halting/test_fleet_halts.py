"""Halts of a real fleet: it answers, its gateway hangs, its Ray hangs, its head is gone."""

import json
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from actors.gateway.authority.events import Holder
from actors.gateway.lock import LOCK_FILE
from checkpoints.process_id import ProcessId
from cluster.local.head import head_processes
from cluster.local.sandbox_process import read_ready
from tests.rolling_update.fleet import Fleet, running_fleet

pytestmark = [pytest.mark.nemesis, pytest.mark.ray, pytest.mark.timeout(1_500)]
SLOTS = ("btc-5m", "eth-5m", "sol-15m")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(tmp_path_factory.mktemp("halts"), SLOTS, 30) as running:
        running.await_decisions(2)
        yield running


def gateway(fleet: Fleet) -> ProcessId:
    holder = msgspec.json.decode((fleet.state.storage / LOCK_FILE).read_bytes(), type=Holder)
    return ProcessId(pid=holder.pid, start=holder.process_start)


def resting(fleet: Fleet) -> int:
    """Return how many orders the exchange's own books hold open."""
    url = f"{read_ready(fleet.state.sandbox_ready).urls['admin_url']}/state"
    with urllib.request.urlopen(url, timeout=60.0) as answer:
        accounts = json.loads(answer.read())["accounts"]
    return sum(len(account["open_orders"]) for account in accounts)


def halted(fleet: Fleet, *words: str) -> str:
    code, said = fleet.command("trading", "halt")
    assert code == 0, said
    for one in ("PROVEN after", *words):
        assert one in said, said
    assert resting(fleet) == 0
    print(f"\n{said}")
    return said


def resumed(fleet: Fleet) -> None:
    fleet.wait(lambda: fleet.command("trading", "resume")[0] == 0, "resume")
    fleet.await_decisions(2)


def test_a_fleet_that_answers_is_halted_by_its_gateway_and_proven_at_the_venue(
    fleet: Fleet,
) -> None:
    halted(fleet, "it holds the halt")
    assert gateway(fleet).alive, "a gateway that answers is left alone"
    resumed(fleet)


def test_a_gateway_that_hangs_is_ended_and_the_next_one_is_halted_too(fleet: Fleet) -> None:
    fleet.wait(lambda: gateway(fleet).alive, "a gateway")
    hung = gateway(fleet)
    hung.signal(signal.SIGSTOP)
    halted(fleet, "its process was ended")
    assert not hung.alive
    fleet.wait(lambda: gateway(fleet) != hung and gateway(fleet).alive, "another gateway")
    fleet.wait(lambda: "trading HALTED" in fleet.command("status")[1], "a gateway that says so")
    assert resting(fleet) == 0
    resumed(fleet)


def test_a_ray_that_hangs_keeps_no_halt_waiting(fleet: Fleet) -> None:
    stopped = [one for one in head_processes(fleet.state) if _name(one) == "gcs_server"]
    assert stopped
    try:
        for one in stopped:
            one.signal(signal.SIGSTOP)
        halted(fleet)
    finally:
        for one in stopped:
            one.signal(signal.SIGCONT)


def test_a_head_that_was_killed_leaves_a_halt_that_proves_it(fleet: Fleet) -> None:
    head = fleet.state.read_run().head
    assert head is not None
    head.signal(signal.SIGKILL)
    halted(fleet)


def _name(process: ProcessId) -> str:
    try:
        return Path(f"/proc/{process.pid}/comm").read_text().strip()
    except OSError:
        return ""
