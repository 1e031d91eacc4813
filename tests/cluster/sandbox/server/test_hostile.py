"""No request and no frame brings the sandbox down: 2xx or 4xx, no traceback, and it goes on."""

import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.sync.client import connect

from cluster.sandbox.server.app import PREFIXES
from tests.cluster.sandbox.server.hostile import CLIENT, Attacker
from tests.cluster.sandbox.server.running import WAIT_S, process

pytestmark = pytest.mark.exchange

POLL_S = 0.02
FINE = range(200, 500)
NOT_SERVED = 501
"""What the relayer answers: the sandbox has no chain."""
ARABIC = "\u0661\u0667"
FEW = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def attacker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacker]:
    folder = tmp_path_factory.mktemp("hostile")
    with process(folder, "--without", "unauthorized_in_passing") as ready:
        yield Attacker(ready, folder)


@pytest.fixture(autouse=True)
def _still_well(attacker: Attacker) -> Iterator[None]:
    yield
    attacker.is_well()


ORDER = {
    "salt": 1,
    "maker": "0x" + "ab" * 20,
    "signer": "0x" + "ab" * 20,
    "tokenId": "77",
    "makerAmount": "5000000",
    "takerAmount": "10000000",
    "side": "BUY",
    "signatureType": 3,
    "timestamp": "1795357000000",
    "metadata": "0x" + "00" * 32,
    "builder": "0x" + "00" * 32,
    "signature": "0x" + "11" * 65,
    "expiration": "0",
}


def posted(attacker: Attacker, kind: str = "GTC", **changes: object) -> tuple[int, str]:
    order = {name: value for name, value in (ORDER | changes).items() if value is not None}
    body = {"order": order, "owner": attacker.account.api_key, "orderType": kind}
    answered = attacker.ask("POST", "/clob/order", body)
    return answered.status_code, answered.json()["error"]


@pytest.mark.parametrize(
    "changes",
    [
        {"salt": 2**53},
        {"salt": -1},
        {"salt": 10**80},
        {"makerAmount": "9" * 70},
        {"takerAmount": "9" * 70},
        {"makerAmount": ARABIC},
        {"tokenId": ARABIC},
        {"timestamp": "9" * 60},
        {"timestamp": ARABIC},
        {"expiration": "-1"},
        {"expiration": "9" * 300},
        {"expiration": ARABIC},
        {"signatureType": 9},
        {"signatureType": 10**30},
        {"signature": "0x"},
        {"maker": "0x" + "g" * 40},
        {"side": "HOLD"},
    ],
)
def test_numbers_that_no_order_carries_are_refused(
    attacker: Attacker, changes: dict[str, object]
) -> None:
    status, error = posted(attacker, **changes)
    assert status == 400
    assert error


def test_an_order_of_the_first_protocol_is_refused_in_the_venues_words(attacker: Attacker) -> None:
    old = {"timestamp": None, "nonce": "0", "feeRateBps": "0", "taker": "0x" + "00" * 20}
    said = posted(attacker, **old)
    assert said == (400, "invalid order version, please use the latest clob-client")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("DELETE", "/clob/order", {"orderID": "0xab"}, 400, "Invalid orderID"),
        ("DELETE", "/clob/order", {}, 400, "Invalid orderID"),
        ("DELETE", "/clob/orders", ["junk"], 400, "Invalid orderID"),
        ("DELETE", "/clob/orders", {"a": 1}, 400, "Invalid payload"),
        ("GET", "/clob/data/order/junk", None, 400, "Invalid orderID"),
        ("GET", "/clob/book", None, 400, "Invalid token id"),
        ("GET", f"/clob/book?token_id={ARABIC}", None, 400, "Invalid token id"),
        ("POST", "/clob/books", {"token_id": 1}, 400, "Invalid payload"),
        ("POST", "/clob/books", b"[" * 50_000, 400, "Invalid payload"),
        (
            "POST",
            "/clob/orders",
            [ORDER] * 16,
            400,
            "Too many orders in payload: 16, max allowed: 15",
        ),
        ("GET", "/clob/data/orders?next_cursor=%D9%A1", None, 400, "invalid next_cursor"),
        ("GET", "/clob/data/orders?next_cursor=MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", None, 400, None),
        ("GET", f"/clob/data/trades?after={ARABIC}", None, 400, None),
        ("GET", "/clob/nowhere", None, 404, "not found"),
        ("PATCH", "/clob/order", None, 405, "method not allowed"),
        ("GET", "/gamma/nowhere/", None, 404, "not found"),
    ],
)
def test_refusals_are_json_in_the_venues_words(
    attacker: Attacker, method: str, path: str, body: object, status: int, error: str | None
) -> None:
    answered = attacker.ask(method, path, body)
    assert answered.status_code == status, answered.text
    if error is not None:
        assert answered.json()["error"] == error


@pytest.mark.parametrize("stamp", ["9" * 5_000, ARABIC, "-1", "", "1e9", "0x10"])
def test_a_stamp_of_any_form_is_refused(attacker: Attacker, stamp: str) -> None:
    answered = attacker.ask("GET", "/clob/data/orders", POLY_TIMESTAMP=stamp)
    assert answered.status_code in {400, 401}
    login = CLIENT.post(
        f"{attacker.ready.urls.clob_url}/auth/api-key",
        headers={"POLY_TIMESTAMP": stamp.encode(), "POLY_NONCE": stamp.encode()},
    )
    assert login.status_code in {400, 401}


def test_slugs_are_written_in_plain_digits(attacker: Attacker) -> None:
    for opened in (ARABIC, "0300", "9" * 30, "-300", "300 "):
        answered = CLIENT.get(f"{attacker.base}/gamma/events/slug/btc-updown-5m-{opened}")
        assert answered.status_code == 404, opened


def test_too_many_rows_are_an_error_inside_an_answer(attacker: Attacker) -> None:
    path = "/binance/fapi/v1/fundingRate?symbol=BTCUSDT&limit=1001"
    answered = CLIENT.get(attacker.base + path)
    assert (answered.status_code, answered.json()["code"]) == (200, "99099990")


ROUTES = [
    (entry.method, prefix + entry.path) for prefix, table in PREFIXES.items() for entry in table
]
NASTY = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [ARABIC, "9" * 400, "-1", "1e999", "NaN", "%00", "\u0000", "..", "btc-updown-5m-0"]
    ),
    st.integers(-(2**80), 2**80).map(str),
    st.integers(0, 4 * 10**12).map(str),
)
FIELD_NAMES = (
    "token_id",
    "symbol",
    "limit",
    "startTime",
    "endTime",
    "interval",
    "period",
    "market",
    "asset_id",
    "id",
    "next_cursor",
    "after",
    "before",
    "slug",
    "condition_ids",
    "closed",
    "series_id",
    "asset_type",
    "side",
    "user",
    "cursor",
    "start",
    "end",
    "fidelity",
    "after_cursor",
    "order_id",
    "orderID",
    "condition_id",
    "tag_slug",
)
FIELDS = st.sampled_from(FIELD_NAMES)
KNOWN = st.sampled_from(["BTCUSDT", "5m", "COLLATERAL", "CONDITIONAL", "BUY", "77", "true"])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | NASTY
    | st.sampled_from(list(ORDER.values())),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(FIELDS | st.sampled_from(list(ORDER)), inner, max_size=6)
    ),
    max_leaves=12,
)
BODIES = st.one_of(
    st.binary(max_size=60),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [b"[" * 20_000, b'{"a":' * 20_000, b'{"order":{},"order":[]}', b'"\\ud800"', b"1" * 5_000]
    ),
)


@FEW
@given(
    route=st.sampled_from(ROUTES),
    argument=NASTY,
    query=st.dictionaries(FIELDS, NASTY | KNOWN, max_size=4),
    body=BODIES,
)
@example(route=("GET", "/binance/fapi/v1/klines"), argument="", query={"startTime": "1"}, body=b"")
def test_every_route_answers_whatever_it_is_asked(
    attacker: Attacker,
    route: tuple[str, str],
    argument: str,
    query: dict[str, str],
    body: bytes,
) -> None:
    method, pattern = route
    path = "/".join(
        _quoted(argument) if part.startswith("{") else part for part in pattern.split("/")
    )
    if query:
        path += "?" + "&".join(f"{name}={_quoted(value)}" for name, value in query.items())
    if pattern == "/clob/auth/api-key" and method == "DELETE":
        return  # the attacker's own key
    answered = attacker.ask(method, path, b"" if method == "GET" else body)
    assert answered.status_code in FINE or answered.status_code == NOT_SERVED, (
        route,
        answered.status_code,
        answered.text,
    )


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "replace")) or "-"


@FEW
@given(body=JSON, kind=st.sampled_from(["GTC", "FAK", "FOK", "GTD", "X"]))
def test_an_order_of_any_form_is_answered(attacker: Attacker, body: object, kind: str) -> None:
    changes = body if isinstance(body, dict) else {"salt": body}
    request = {
        "order": ORDER | changes,
        "owner": attacker.account.api_key,
        "orderType": kind,
    }
    assert attacker.ask("POST", "/clob/order", request).status_code == 400
    assert attacker.ask("POST", "/clob/orders", [request]).status_code in FINE


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
