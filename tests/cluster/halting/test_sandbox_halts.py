"""Halts of a fleet that is gone, against the real sandbox; its ledger judges."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.gateway.lock import HALT_FILE
from actors.runtime import CONFIG_FILE
from cluster.local.state_folder import StateFolder
from tests.actors.sandbox import Sandbox, admin, fault, sandbox
from tests.cluster.halting.halted import folder_of, halt, halt_and, open_at_the_venue, rest

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


def test_a_gateway_that_was_stopped_before_a_post_never_posts(exchange: Sandbox) -> None:
    rest(exchange, 2)
    folder = folder_of(exchange)
    command = [sys.executable, "-m", "tests.cluster.halting.posting_gateway"]
    with subprocess.Popen(
        [*command, str(folder.storage / CONFIG_FILE), str(folder.storage)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as gateway:
        assert gateway.stdout is not None
        order_id = gateway.stdout.readline().decode().strip()
        assert order_id.startswith("0x")
        os.waitid(os.P_PID, gateway.pid, os.WSTOPPED | os.WNOWAIT)
        code, told, said = halt(folder)
        os.kill(gateway.pid, signal.SIGCONT)  # too late: it was ended
        assert gateway.wait(60) == -signal.SIGKILL
        assert gateway.stdout.read() == b""
    assert (code, told["gateway"]) == (0, "ended"), (told, said)
    assert not open_at_the_venue(exchange)
    assert order_id not in {o["order"]["id"] for a in _accounts(exchange) for o in a["open_orders"]}


def _accounts(exchange: Sandbox) -> list[dict[str, list[dict[str, dict[str, str]]]]]:
    found: list[dict[str, list[dict[str, dict[str, str]]]]] = admin(exchange, "GET", "/state")[
        "accounts"
    ]
    return found


@pytest.mark.nemesis
def test_a_venue_in_cancel_only_time_is_emptied(exchange: Sandbox) -> None:
    rest(exchange, 2)
    fault(exchange, "mode", mode="cancel_only")
    code, told, said = halt(folder_of(exchange))
    assert code == 0, (told, said)
    assert not open_at_the_venue(exchange)


def test_a_restart_of_the_venue_is_waited_for(exchange: Sandbox) -> None:
    rest(exchange, 2)
    fault(exchange, "mode", mode="restarting")
    code, told, said = halt_and(
        folder_of(exchange), "restarting", lambda: fault(exchange, "mode", mode="post_only")
    )
    assert code == 0, (told, said)
    assert not open_at_the_venue(exchange)


@pytest.mark.nemesis
def test_a_disabled_venue_is_said_to_take_no_cancel_and_nothing_is_called_proven(
    exchange: Sandbox,
) -> None:
    rest(exchange, 2)
    disabled = '{"error":"Trading is currently disabled."}'
    fault(exchange, "status", "DELETE /clob/*", status=503, body=disabled)
    code, told, said = halt(folder_of(exchange), "--seconds", "20")
    assert code == 3, (told, said)
    assert "2 orders are still open" in told["proof"]["said"]
    assert "disabled" in told["proof"]["said"]
    assert len(open_at_the_venue(exchange)) == 2
    admin(exchange, "DELETE", "/faults")
    assert halt(folder_of(exchange))[0] == 0
    assert not open_at_the_venue(exchange)


@pytest.mark.nemesis
def test_a_cancel_whose_answer_is_lost_is_asked_again(exchange: Sandbox) -> None:
    rest(exchange, 2)
    fault(exchange, "drop_answer", "DELETE /clob/cancel-all", count=2)
    fault(exchange, "status", "GET /clob/data/orders", status=502, count=2)
    code, told, said = halt(folder_of(exchange))
    assert code == 0, (told, said)
    assert not open_at_the_venue(exchange)


@pytest.mark.nemesis
def test_a_venue_that_does_not_answer_for_a_while_is_emptied_when_it_does(
    exchange: Sandbox,
) -> None:
    rest(exchange, 2)
    folder = folder_of(exchange)
    process = exchange.process.pid
    os.kill(process, signal.SIGSTOP)
    try:
        code, told, said = halt_and(
            folder, "trying again", lambda: os.kill(process, signal.SIGCONT)
        )
    finally:
        os.kill(process, signal.SIGCONT)
    assert code == 0, (told, said)
    assert not open_at_the_venue(exchange)


@pytest.mark.nemesis
def test_a_damaged_state_folder_leaves_the_file_that_the_fleet_was_launched_with(
    exchange: Sandbox,
) -> None:
    rest(exchange, 2)
    folder = folder_of(exchange)
    (folder.storage / CONFIG_FILE).write_bytes(b"{")
    key = folder.root.parent / "key"
    folder.config.write_text(f'mode = "sandbox"\nslots = 5\n[venue]\nprivate_key_file = "{key}"\n')
    code, told, said = halt(folder)
    assert code == 3, "without the addresses of the exchange nothing can be asked"
    assert "--config" in told["proof"]["said"]
    folder.sandbox_ready.write_bytes((exchange.folder / "ready.json").read_bytes())
    code, told, said = halt(folder)
    assert code == 0, (told, said)
    assert not open_at_the_venue(exchange)


@pytest.mark.nemesis
def test_a_state_folder_that_is_gone_leaves_the_configuration_that_is_named(
    exchange: Sandbox, tmp_path: Path
) -> None:
    rest(exchange, 2)
    gone = StateFolder(tmp_path / "gone")
    gone.root.mkdir()
    gone.sandbox_ready.write_bytes((exchange.folder / "ready.json").read_bytes())
    file = tmp_path / "named.toml"
    file.write_text(f'mode = "sandbox"\n[venue]\nprivate_key_file = "{exchange.folder}/key"\n')
    code, told, said = halt(gone, "--config", str(file))
    assert (code, told["gateway"]) == (0, "folder_gone"), (told, said)
    assert not open_at_the_venue(exchange)
    assert not gone.storage.exists()


@pytest.mark.nemesis
def test_more_orders_than_the_venue_cancels_at_once_go_by_id(tmp_path: Path) -> None:
    with sandbox(tmp_path, "--more-timeframes", "4h", "--tier", "standard", speed=1) as limited:
        rest(limited, 150)
        code, told, said = halt(folder_of(limited))
        assert code == 0, (told, said)
        assert told["proof"]["cancelled"] == 150
        assert not open_at_the_venue(limited)
        print(f"\n150 orders at a limit of 120: {told['proof']['last_cancel_ms']} ms")
