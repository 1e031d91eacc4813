"""Halts of a fleet that is gone, against the real sandbox; its ledger judges."""

import time
from collections.abc import Iterator

import pytest

from actors.gateway.lock import HALT_FILE
from tests.actors.sandbox import Sandbox, admin, sandbox
from tests.cluster.halting.halted import folder_of, halt, open_at_the_venue, rest

pytestmark = pytest.mark.exchange
ORDERS = 200


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("halts")
    with sandbox(folder, "--more-timeframes", "4h", speed=1) as started:
        yield started


@pytest.fixture(autouse=True)
def _no_faults(exchange: Sandbox) -> Iterator[None]:
    yield
    admin(exchange, "DELETE", "/faults")


def test_a_halt_without_ray_and_gateway_proves_that_none_of_200_orders_rests(
    exchange: Sandbox,
) -> None:
    ids = set(rest(exchange, ORDERS))
    assert ids <= open_at_the_venue(exchange)
    began_s = time.monotonic()
    code, told, said = halt(folder_of(exchange))
    took_s = time.monotonic() - began_s
    assert code == 0, (told, said)
    proof = told["proof"]
    assert proof["proven"]
    assert proof["cancelled"] == ORDERS
    assert not open_at_the_venue(exchange)
    print(
        f"\n{ORDERS} orders: last cancel acknowledged {proof['last_cancel_ms']} ms after the halt "
        f"began, proven after {proof['took_ms']} ms, the whole command {took_s:.1f} s"
    )


def test_a_halt_on_a_full_disk_cancels_and_fences_all_the_same(exchange: Sandbox) -> None:
    ids = set(rest(exchange, 3))
    folder = folder_of(exchange)
    (folder.storage / HALT_FILE).unlink(missing_ok=True)
    code, told, said = halt(folder, no_room=True)
    assert code == 0, (told, said)
    assert told["proof"]["cancelled"] == len(ids)
    assert told["file_problem"]
    assert (folder.storage / HALT_FILE).exists()
    assert not open_at_the_venue(exchange)
    print(f"\nfull disk: {told['proof']['last_cancel_ms']} ms to the last cancel")
