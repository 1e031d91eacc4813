"""A paper start without a network: named at once, nothing started, and it goes on by itself."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cluster.local.modes import PAPER_FILE
from cluster.local.reachable import (
    NETWORK,
    REFUSED,
    Address,
    blocking,
    unreached,
    wait_until_reached,
)
from cluster.terminal.console import screen
from tests.cluster.commands.test_front_door import run


@contextmanager
def served() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def closed_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
    return port


def test_each_reason_has_its_own_advice() -> None:
    with served() as port:
        found = unreached(
            (
                Address(what="a", url=f"http://127.0.0.1:{port}/x"),
                Address(what="b", url=f"ws://127.0.0.1:{closed_port()}/ws"),
                Address(what="c", url="https://no-such-host.invalid"),
                Address(what="d", url="nonsense"),
            )
        )
    assert [(one.address.what, one.to_do) for one in found] == [
        ("b", REFUSED),
        ("c", NETWORK),
        ("d", REFUSED),
    ]


def no_network(folder: Path) -> Path:
    """Return the paper configuration with addresses that refuse."""
    lines = PAPER_FILE.read_text().splitlines()
    where = f"127.0.0.1:{closed_port()}"
    source = f'{{name = "okx", rest_url = "http://{where}", socket_url = "ws://{where}"}}'
    text = "\n".join(
        f'{line.split(" = ")[0]} = "{"ws" if "_ws_" in line else "http"}://{where}"'
        if "_url = " in line
        else f"sources = [{source}]"
        if line.startswith("sources = ")
        else line
        for line in lines
    )
    file = folder / "paper.toml"
    file.write_text(text)
    return file


def test_without_a_network_what_is_missing_is_named_and_nothing_is_placed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "s"
    began = time.monotonic()
    file = no_network(tmp_path)
    words = ["run", "--config", str(file), "--mode", "paper", "--for", "1", "--state", str(state)]
    assert run(words) == 0
    assert time.monotonic() - began < 60
    said = capfd.readouterr().err
    for what in ("venue: books", "venue: markets", "venue: prices", "exchange", "what to do"):
        assert what in said
    assert "nothing was started and nothing was placed" in said
    assert not (state / "storage" / "paper").exists()
    assert not (state / "storage" / "journal").exists()


def test_it_goes_on_by_itself_when_the_network_comes() -> None:
    port = closed_port()
    server: list[socket.socket] = []
    timer = threading.Timer(0.5, lambda: server.append(socket.create_server(("127.0.0.1", port))))
    timer.start()
    address = (Address(what="venue", url=f"http://127.0.0.1:{port}"),)
    try:
        assert wait_until_reached(address, 120, screen(stderr=True), "PAPER")
    finally:
        timer.join()
        for one in server:
            one.close()


def test_one_exchange_is_enough_and_the_others_are_named() -> None:
    with served() as port:
        found = (
            Address(what="venue", url=f"http://127.0.0.1:{port}/v"),
            Address(what="exchange: a", url=f"http://127.0.0.1:{closed_port()}", one_of="e"),
            Address(what="exchange: b", url=f"http://127.0.0.1:{port}/b", one_of="e"),
        )
        missing = unreached(found)
        assert [one.address.what for one in missing] == ["exchange: a"]
        assert not blocking(found, missing)
        assert blocking(found[:2], missing), "none is left"
        assert wait_until_reached(found, 5.0, screen(), "PAPER")
