"""No request brings the sandbox down: 2xx or 4xx, no traceback, and it goes on."""

import json
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cluster.sandbox.server.rpc import METHODS
from tests.cluster.sandbox.server.hostile import CLIENT, Attacker
from tests.cluster.sandbox.server.hostile_data import (
    ARABIC,
    BODIES,
    FEW,
    FIELDS,
    FINE,
    JSON,
    KNOWN,
    NASTY,
    ORDER,
    ROUTES,
)

pytestmark = pytest.mark.exchange


@pytest.fixture(autouse=True)
def _still_well(attacker: Attacker) -> Iterator[None]:
    yield
    attacker.is_well()


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


@FEW
@given(
    route=st.sampled_from(ROUTES),
    argument=NASTY,
    query=st.dictionaries(FIELDS, NASTY | KNOWN, max_size=4),
    body=BODIES,
)
@example(route=("GET", "/binance/fapi/v1/klines"), argument="", query={"startTime": "1"}, body=b"")
@example(route=("GET", "/gamma/events/slug/{slug}"), argument="btc-updown-5m-0", query={}, body=b"")
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
    assert answered.status_code in FINE, (
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


VALUES = JSON | st.sampled_from([{"to": "0x1"}, {"to": "0x1", "data": "0xzz"}, 2**70, [[]]])


@FEW
@given(
    method=st.sampled_from(list(METHODS)),
    params=st.lists(VALUES, max_size=3),
    number=st.integers(-(2**80), 2**80),
    many=st.booleans(),
)
@example(method="eth_call", params=[None], number=1, many=False)
@example(method="eth_call", params=[[]], number=1, many=True)
@example(method="eth_chainId", params=[], number=2**70, many=False)
def test_a_node_answers_whatever_it_is_asked(
    attacker: Attacker,
    method: str,
    params: list[object],
    number: int,
    many: bool,  # noqa: FBT001 hypothesis passes it by name
) -> None:
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    answered = attacker.ask("POST", "/rpc", [request] if many else request)
    assert answered.status_code in FINE, (request, answered.text)


SUBMITTED = {
    "type": "WALLET",
    "from": "0x" + "ab" * 20,
    "to": "0x" + "ab" * 20,
    "nonce": "0",
    "signature": "0x" + "11" * 65,
    "data": "0x",
    "proxyWallet": "0x" + "ab" * 20,
    "depositWalletParams": {"depositWallet": "0x" + "ab" * 20, "deadline": "9", "calls": []},
    "signatureParams": {},
}


@FEW
@given(
    kind=st.sampled_from(["WALLET", "PROXY", "SAFE", "EOA", "X"]),
    changes=st.dictionaries(st.sampled_from(list(SUBMITTED)), JSON, max_size=2),
)
def test_a_relayer_answers_whatever_is_submitted(
    attacker: Attacker, kind: str, changes: dict[str, object]
) -> None:
    # its limit counts per key: each owner has a key of its own
    owner = f"0x{zlib.crc32(json.dumps([kind, changes]).encode()):040x}"
    key = attacker.ask("GET", f"/admin/relayer-key/{owner}").json()["key"]
    headers = {"RELAYER_API_KEY": key, "RELAYER_API_KEY_ADDRESS": owner}
    body = SUBMITTED | {"type": kind} | changes
    answered = attacker.ask("POST", "/relayer/submit", body, **headers)
    assert answered.status_code in FINE, (body, answered.text)
    assert answered.status_code in {400, 401, 422}, answered.text
