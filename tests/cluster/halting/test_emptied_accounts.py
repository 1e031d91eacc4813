"""What a halt does at the venue until nothing rests, with a venue that a test scripts."""

import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.gateway.lock import (
    HALT_FILE,
)
from actors.venue.answers import OddRow
from actors.venue.keys import PrivateKeyError
from actors.venue.port import Cancelled, Rejected, Unavailable, UnavailableKind, Unknown
from checkpoints.storage import LocalStorage
from cluster.halting.halt import GatewayEnd, halt
from tests.cluster.halting.scripted import ScriptedVenue, config, ports, proof_in

pytestmark = pytest.mark.usefixtures("short_waits")


def test_a_halt_writes_its_file_cancels_and_lists_until_nothing_is_open(tmp_path: Path) -> None:
    venue = ScriptedVenue("a", "b")
    done = halt(LocalStorage(tmp_path), config(tmp_path), ports(venue), "drill")
    assert (tmp_path / HALT_FILE).read_text() == "drill\n"
    assert done.gateway is GatewayEnd.NONE_RUNS
    assert proof_in(done).proven
    assert (done.cancelled_directly, venue.open, venue.closed) == (2, [], True)


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
