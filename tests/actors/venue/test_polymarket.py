"""The adapter against scripted answers: every one becomes the right value of the port."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from actors.venue.polymarket.opening import connect
from actors.venue.polymarket.orders import decode_body
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import (
    Accepted,
    AcceptedStatus,
    Beaten,
    Cancelled,
    Duplicated,
    HeartbeatMismatch,
    NotCancelled,
    Unknown,
    Unsignable,
)
from signals.decision import Style
from signals.market import Outcome
from tests.actors.venue.loopback import (
    CONDITION,
    DOWN_TOKEN,
    PRIVATE_KEY,
    UP_TOKEN,
    Answer,
    Loopback,
    loopback,
)
from tests.actors.venue.scripted import (
    ACCEPTED,
    EXCHANGE_V2,
    TIMEOUT_S,
    order,
    signed,
    with_venue,
)


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("MIDSTRIDE_TEST_KEY", PRIVATE_KEY)
    with loopback() as state:
        yield state


def test_the_order_id_is_the_eip712_hash_that_eth_account_computes(exchange: Loopback) -> None:
    one = with_venue(exchange, lambda venue: signed(venue, order()))
    body = decode_body(one.body)
    words = ("salt", "tokenId", "makerAmount", "takerAmount", "timestamp")
    fields = [
        *[(name, "uint256") for name in words[:1]],
        ("maker", "address"),
        ("signer", "address"),
        *[(name, "uint256") for name in words[1:4]],
        ("side", "uint8"),
        ("signatureType", "uint8"),
        ("timestamp", "uint256"),
        ("metadata", "bytes32"),
        ("builder", "bytes32"),
    ]
    message = encode_typed_data(
        {
            "name": "Polymarket CTF Exchange",
            "version": "2",
            "chainId": 137,
            "verifyingContract": EXCHANGE_V2,
        },
        {"Order": [{"name": name, "type": kind} for name, kind in fields]},
        {
            "salt": body.salt,
            "maker": body.maker,
            "signer": body.signer,
            "tokenId": int(body.token_id),
            "makerAmount": body.maker_amount,
            "takerAmount": body.taker_amount,
            "side": 0,
            "signatureType": body.signature_type,
            "timestamp": body.timestamp,
            "metadata": body.metadata,
            "builder": body.builder,
        },
    )
    expected = keccak(b"\x19" + message.version + message.header + message.body)
    assert one.order_id == "0x" + expected.hex()


def test_an_order_is_exact_to_the_micro_unit(exchange: Loopback) -> None:
    one = with_venue(exchange, lambda venue: signed(venue, order()))
    body = decode_body(one.body)
    assert (body.maker_amount, body.taker_amount) == (3_770_000, 7_250_000)


def test_no_wallet_configured_means_a_deposit_wallet_order(exchange: Loopback) -> None:
    body = decode_body(with_venue(exchange, lambda venue: signed(venue, order())).body)
    assert body.signature_type == 3
    assert body.maker != Account.from_key(PRIVATE_KEY).address


def test_signing_a_warm_token_asks_the_venue_nothing(exchange: Loopback) -> None:
    async def use(venue: PolymarketVenue) -> None:
        assert await venue.warm(CONDITION, UP_TOKEN) is None
        before = len(exchange.requests)
        await signed(venue, order())
        assert await venue.warm(CONDITION, UP_TOKEN) is None
        assert len(exchange.requests) == before

    with_venue(exchange, use)


@pytest.mark.parametrize(
    ("style", "order_type", "post_only"),
    [(Style.REST, "GTC", True), (Style.TAKE, "FAK", None)],
)
def test_a_style_becomes_the_order_type_on_the_wire(
    exchange: Loopback, style: Style, order_type: str, post_only: object
) -> None:
    async def use(venue: PolymarketVenue) -> None:
        one = await signed(venue, order(style))
        exchange.answer("POST", "/order", Answer({**ACCEPTED, "orderID": one.order_id}))
        assert await venue.post(one) == Accepted(status=AcceptedStatus.LIVE, order_id=one.order_id)

    with_venue(exchange, use)
    [sent] = exchange.asked("POST", "/order")
    assert sent.body["orderType"] == order_type
    assert sent.body.get("postOnly") is post_only


def test_another_life_posts_the_same_bytes(exchange: Loopback) -> None:
    exchange.answer("POST", "/order", Answer({"error": "order 0xab is invalid. Duplicated."}, 400))
    one = with_venue(exchange, lambda venue: signed(venue, order()))
    first = with_venue(exchange, lambda venue: venue.post(one))
    second = with_venue(exchange, lambda venue: venue.post(one))
    assert first == second == Duplicated()
    sent = exchange.asked("POST", "/order")
    assert sent[0].body == sent[1].body


def test_an_off_tick_price_is_unsignable_and_never_sent(exchange: Loopback) -> None:
    outcome = with_venue(exchange, lambda venue: venue.sign(order(price=525_500)))
    assert isinstance(outcome, Unsignable)
    assert outcome.code == "input"
    assert not exchange.asked("POST", "/order")


def test_a_market_that_the_venue_does_not_list_is_unsignable(exchange: Loopback) -> None:
    exchange.answer("GET", f"/clob-markets/{CONDITION}", Answer({"error": "not found"}, 404))
    outcome = with_venue(exchange, lambda venue: venue.sign(order()))
    assert isinstance(outcome, Unsignable)
    assert outcome.code == "metadata"


def test_cancels_are_answered_order_by_order(exchange: Loopback) -> None:
    exchange.answer(
        "DELETE", "/orders", Answer({"canceled": ["0x1"], "not_canceled": {"0x2": "matched"}})
    )
    assert with_venue(exchange, lambda venue: venue.cancel(["0x1", "0x2"])) == Cancelled(
        cancelled=("0x1",), not_cancelled=(NotCancelled(order_id="0x2", reason="matched"),)
    )


def test_nothing_to_cancel_asks_nothing(exchange: Loopback) -> None:
    assert with_venue(exchange, lambda venue: venue.cancel([])) == Cancelled(cancelled=())
    assert not exchange.asked("DELETE", "/orders")


def test_a_lost_answer_to_cancel_all_is_unknown(exchange: Loopback) -> None:
    exchange.answer("DELETE", "/cancel-all", Answer({}, hang_up=True))
    assert isinstance(with_venue(exchange, lambda venue: venue.cancel_all()), Unknown)


def test_a_heartbeat_is_chained_and_a_wrong_id_names_the_right_one(exchange: Loopback) -> None:
    exchange.answer("POST", "/v1/heartbeats", Answer({"heartbeat_id": "b"}))
    assert with_venue(exchange, lambda venue: venue.heartbeat("")) == Beaten(heartbeat_id="b")
    exchange.answer(
        "POST",
        "/v1/heartbeats",
        Answer({"error_msg": "Invalid Heartbeat ID", "heartbeat_id": "c"}, 400),
    )
    mismatch = with_venue(exchange, lambda venue: venue.heartbeat("a"))
    assert mismatch == HeartbeatMismatch(heartbeat_id="c")


@pytest.mark.parametrize(
    ("winners", "expected"),
    [((False, False), None), ((True, False), Outcome.UP), ((False, True), Outcome.DOWN)],
)
def test_the_winner_is_read_by_name(
    exchange: Loopback, winners: tuple[bool, bool], expected: Outcome | None
) -> None:
    tokens = [
        {"token_id": UP_TOKEN, "outcome": "Up", "winner": winners[0]},
        {"token_id": DOWN_TOKEN, "outcome": "Down", "winner": winners[1]},
    ]
    exchange.answer("GET", f"/markets/{CONDITION}", Answer({"tokens": tokens}))
    assert with_venue(exchange, lambda venue: venue.resolution(CONDITION)) is expected


@pytest.mark.parametrize("answer", [Answer({}, 500), Answer({}, hang_up=True), Answer("oops")])
def test_reads_that_fail_are_unknown(exchange: Loopback, answer: Answer) -> None:
    for path in ("/time", f"/markets/{CONDITION}", "/data/orders", "/data/trades"):
        exchange.answer("GET", path, answer)

    async def use(venue: PolymarketVenue) -> list[object]:
        return [
            await venue.server_time_ms(),
            await venue.resolution(CONDITION),
            await venue.open_orders(),
            await venue.trades(0),
            await venue.account(()),
        ]

    assert [type(answer) for answer in with_venue(exchange, use)] == [Unknown] * 5


def test_the_clock_is_the_middle_of_the_venues_second(exchange: Loopback) -> None:
    exchange.answer("GET", "/time", Answer("1767225600"))
    assert with_venue(exchange, lambda venue: venue.server_time_ms()) == 1_767_225_600_500


def test_a_venue_that_cannot_be_reached_is_unknown_at_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MIDSTRIDE_TEST_KEY", PRIVATE_KEY)
    with socket.socket() as held:  # bound, so that no other takes it, and never listened on
        held.bind(("127.0.0.1", 0))
        gone = Loopback()
        gone.url = f"http://127.0.0.1:{held.getsockname()[1]}"
        assert isinstance(asyncio.run(connect(gone.venue(), TIMEOUT_S)), Unknown)
