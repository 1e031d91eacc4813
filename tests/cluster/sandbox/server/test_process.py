"""The process: ready file, real markets, clean stop and resume, and its refusals to start."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from polymarket import AsyncSecureClient

from cluster.sandbox.server.serving import Ready
from tests.cluster.sandbox.server.running import WAIT_S, process
from tests.cluster.sandbox.server.test_sdk_contract import KEY, environment

pytestmark = pytest.mark.exchange

CYCLE_S = 300
CLIENT = httpx.Client(timeout=WAIT_S)


def current_slug(ready: Ready, asset: str = "btc") -> str:
    clock = CLIENT.get(f"{ready.urls.admin_url}/clock").json()
    return f"{asset}-updown-5m-{clock['market_ms'] // 1000 // CYCLE_S * CYCLE_S}"


async def client_of(ready: Ready) -> AsyncSecureClient:
    return await AsyncSecureClient.create(private_key=KEY, environment=environment(ready.urls))


async def rest_one_order(client: AsyncSecureClient, slug: str) -> str:
    market = await client.get_market(slug=slug)
    signed = await client.create_limit_order(
        token_id=market.outcomes.yes.token_id, price="0.02", size="10", side="BUY", post_only=True
    )
    placed = await client.post_order(signed)
    assert placed.ok, placed
    return placed.order_id


def refusal(*options: str) -> str:
    """Run a sandbox that must refuse to start; return its one sentence."""
    command = [sys.executable, "-m", "cluster.sandbox", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert done.returncode == 2, done
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_orders_keys_and_market_time_outlive_a_stop(tmp_path: Path) -> None:
    async def place(ready: Ready) -> str:
        async with await client_of(ready) as client:
            return await rest_one_order(client, current_slug(ready))

    async def poll(ready: Ready) -> list[str]:
        async with await client_of(ready) as client:
            return [order.id for order in (await client.list_open_orders().first_page()).items]

    options = ("--speed", "1")
    with process(tmp_path, *options) as ready:
        assert ready.speed == 1
        assert ready.provenance
        order_id = asyncio.run(place(ready))
        before = CLIENT.get(f"{ready.urls.admin_url}/state").json()
    with process(tmp_path, *options) as again:
        after = CLIENT.get(f"{again.urls.admin_url}/state").json()
        assert again.anchor_market_ms >= before["clock"]["market_ms"]
        wire_ms = again.anchor_wire_ms - before["clock"]["wire_ms"]
        assert again.anchor_market_ms - before["clock"]["market_ms"] <= wire_ms
        assert after["digest"] == before["digest"]
        assert asyncio.run(poll(again)) == [order_id]
    with process(tmp_path, *options, "--fresh") as fresh:
        assert asyncio.run(poll(fresh)) == []


def test_every_asset_has_a_market_of_both_timeframes_with_books_and_prices(tmp_path: Path) -> None:
    with process(tmp_path) as ready:
        base = ready.urls
        clock = CLIENT.get(f"{base.admin_url}/clock").json()
        for asset in ("btc", "eth", "sol", "xrp", "doge", "bnb", "hype", "zec"):
            for timeframe, length_s in (("5m", 300), ("15m", 900)):
                opened = clock["market_ms"] // 1000 // length_s * length_s
                slug = f"{asset}-updown-{timeframe}-{opened}"
                market = CLIENT.get(f"{base.gamma_url}/markets/slug/{slug}")
                assert market.status_code == 200, slug
            query = {"symbol": f"{asset.upper()}USDT", "interval": "1w", "limit": 20}
            weeks = CLIENT.get(f"{base.binance_url}/fapi/v1/klines", params=query).json()
            assert len(weeks) == 20


def test_it_stops_soon_on_either_signal_although_clients_are_connected(tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with process(tmp_path) as ready, httpx.Client(timeout=WAIT_S) as idle:
            idle.get(f"{ready.urls.clob_url}/ok")
            os.kill(ready.pid, number)


def test_a_killed_sandbox_resumes_without_going_back_in_time(tmp_path: Path) -> None:
    with process(tmp_path, ends_with=-signal.SIGKILL) as ready:
        seen = CLIENT.get(f"{ready.urls.admin_url}/clock").json()["market_ms"]
        os.kill(ready.pid, signal.SIGKILL)
    with process(tmp_path) as again:
        assert again.anchor_market_ms >= seen


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        message = refusal("--state", str(tmp_path), "--port", str(port))
    assert str(port) in message
    assert "--port" in message


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    assert str(file / "state") in refusal("--state", str(file / "state"))


def test_a_folder_with_somebody_elses_files_is_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert "choose an empty folder" in refusal("--state", str(tmp_path), "--fresh")
    assert (tmp_path / "thesis.txt").exists()


def test_a_missing_tape_is_named(tmp_path: Path) -> None:
    tape = tmp_path / "nowhere"
    assert str(tape) in refusal("--state", str(tmp_path / "state"), "--tape", str(tape))


def test_a_second_sandbox_on_one_folder_is_refused(tmp_path: Path) -> None:
    with process(tmp_path):
        message = refusal("--state", str(tmp_path / "state"), "--fresh")
    assert "another sandbox" in message
