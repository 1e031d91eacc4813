"""No bytes and no frame bring the sandbox down: no traceback, and it goes on."""

import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.sync.client import connect

from tests.cluster.sandbox.server.hostile import Attacker
from tests.cluster.sandbox.server.hostile_data import FEW, JSON
from tests.cluster.sandbox.server.running import WAIT_S

pytestmark = pytest.mark.exchange
POLL_S = 0.02


@pytest.fixture(autouse=True)
def _still_well(attacker: Attacker) -> Iterator[None]:
    yield
    attacker.is_well()


POST_BOOKS = b"POST /clob/books HTTP/1.1\r\nhost: x\r\n"


@FEW
@given(data=st.binary(max_size=200))
@example(
    data=b"POST /clob/books HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n"
)
@example(data=POST_BOOKS + b"content-length: 50\r\n\r\n[")
@example(data=b"GET /clob/time?\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n")
@example(data=b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n")
@example(data=b"GET /clob/time HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 100_000 + b"\r\n\r\n")
@example(
    data=b"GET /ws/market HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"
)
@example(data=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
def test_bytes_that_are_no_request_end_their_own_connection(
    attacker: Attacker, data: bytes
) -> None:
    first = attacker.send_raw(data).split(b"\r\n", 1)[0]
    assert not first.startswith(b"HTTP/1.1 5"), (data, first)


FRAMES = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=40),
    JSON.map(json.dumps),
    st.sampled_from(["PING", "[" * 20_000, '{"op":' * 9_000, '"\\ud800"', "{}", "null"]),
    st.builds(
        lambda op, inner: json.dumps({"op": op, "type": op, "operation": op, **inner}),
        st.sampled_from(["auth", "subscribe", "unsubscribe", "ping", "market", "user"]),
        st.dictionaries(
            st.sampled_from(["assets_ids", "markets", "auth", "subscriptions", "rid"]), JSON
        ),
    ),
)


@pytest.mark.parametrize("name", ["market", "user", "prices"])
@settings(FEW, max_examples=30)
@given(frames=st.lists(FRAMES, min_size=1, max_size=4), opened=st.booleans())
@example(frames=[b"\x00\xff"], opened=True)
@example(frames=[b"\x00\xff"], opened=False)
def test_every_socket_takes_whatever_frames_come(
    attacker: Attacker,
    name: str,
    frames: list[str | bytes],
    opened: bool,  # noqa: FBT001 hypothesis passes it by name
) -> None:
    url = f"ws://127.0.0.1:{attacker.ready.port}/ws/{name}"
    first = {
        "market": {"type": "market", "assets_ids": []},
        "user": {"type": "user", "auth": attacker.auth},
        "prices": {"op": "auth", "auth": attacker.auth},
    }[name]
    try:
        with connect(url, open_timeout=WAIT_S, close_timeout=WAIT_S) as line:
            if opened:
                line.send(json.dumps(first))
            for frame in frames:
                line.send(frame)
            pong = line.ping()
            while not pong.wait(POLL_S) and line.protocol.state is State.OPEN:
                pass
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd else None
        assert code in {1001, 1007, 1008, 1009, 4001, 4008}, (frames, code)


def test_a_frame_before_the_subscription_closes_the_socket(attacker: Attacker) -> None:
    for name in ("market", "user"):
        with connect(f"ws://127.0.0.1:{attacker.ready.port}/ws/{name}") as line:
            line.send("PING")
            with pytest.raises(ConnectionClosed) as closed:
                line.recv(timeout=WAIT_S)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008


def test_half_sent_requests_leave_nothing_behind(attacker: Attacker) -> None:
    half = b"POST /clob/order HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{"
    for _ in range(100):
        attacker.send_raw(half, answer=False)
    attacker.is_well()


def test_there_are_only_so_many_connections(attacker: Attacker) -> None:
    lines: list[socket.socket] = []
    try:
        for _ in range(420):
            line = socket.create_connection(("127.0.0.1", attacker.ready.port), WAIT_S)
            lines.append(line)
        lines[-1].settimeout(WAIT_S)
        assert b"503" in lines[-1].recv(200)
    finally:
        for line in lines:
            line.close()
