"""What a post can be answered with, and what each answer means."""

from collections.abc import Iterator

import pytest

from actors.venue.port import (
    Accepted,
    AcceptedStatus,
    Rejected,
    Unavailable,
    UnavailableKind,
    Unknown,
)
from tests.actors.venue.loopback import (
    PRIVATE_KEY,
    Answer,
    Loopback,
    loopback,
)
from tests.actors.venue.scripted import (
    ACCEPTED,
    post_with,
)


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("MIDSTRIDE_TEST_KEY", PRIVATE_KEY)
    with loopback() as state:
        yield state


def refused(text: str, status: int = 400) -> Answer:
    return Answer({"error": text}, status)


NOTHING_TO_MATCH = {
    **ACCEPTED,
    "success": False,
    "orderID": "",
    "status": "unmatched",
    "errorMsg": "no orders found to match with FAK order. "
    "FAK orders are partially filled or killed if no match is found.",
}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refused("invalid. Price (0.525) breaks minimum tick size rule: 0.01"), "off_tick"),
        (refused("Size (1) lower than the minimum: 5"), "too_small"),
        (refused("not enough balance / allowance"), "not_enough_balance"),
        (refused("invalid post-only order: order crosses book"), "post_only_would_cross"),
        (refused("Trading restricted in your region", 403), "region"),
        (refused("Unauthorized/Invalid api key", 401), "unauthorized"),
        (refused("something new"), "refused"),
        (
            refused("balance: 5, sum of active orders: 9, order amount (inc. fees): 4"),
            "not_enough_balance",
        ),
        (refused("maker address not allowed, use the deposit wallet flow"), "wallet_not_allowed"),
        (refused("the signer has to be the address of the API KEY"), "signer_not_key"),
        (refused("account is in closed only mode", 403), "closed_only"),
        (refused("Invalid order version, please use the latest client"), "order_version"),
        (refused("invalid amount for a marketable BUY order ($0.5), min size: $1"), "too_small"),
        (
            Answer({**ACCEPTED, "orderID": "", "errorMsg": "not enough balance / allowance"}),
            "not_enough_balance",
        ),
        (Answer(NOTHING_TO_MATCH), "fak_not_filled"),
    ],
)
def test_a_refusal_in_known_words_is_rejected(
    exchange: Loopback, answer: Answer, code: str
) -> None:
    outcome = post_with(exchange, answer)
    assert isinstance(outcome, Rejected)
    assert outcome.code == code


POST_ONLY = {
    "error": "post-only mode: only post-only orders and cancels are allowed",
    "code": "post_only_mode",
}
CANCEL_ONLY = (
    "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed."
)


@pytest.mark.parametrize(
    ("answer", "kind", "retry_after_ms"),
    [
        (refused("restarting", 425), UnavailableKind.RESTARTING, 2_000),
        (Answer({}, 429, {"Retry-After": "3"}), UnavailableKind.RATE_LIMITED, 3_000),
        (Answer(POST_ONLY, 503), UnavailableKind.POST_ONLY, 5_000),
        (refused(CANCEL_ONLY, 503), UnavailableKind.CANCEL_ONLY, 10_000),
    ],
)
def test_a_venue_that_pauses_is_unavailable(
    exchange: Loopback, answer: Answer, kind: UnavailableKind, retry_after_ms: int
) -> None:
    assert post_with(exchange, answer) == Unavailable(kind=kind, retry_after_ms=retry_after_ms)


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"error": "could not insert order"}, 500),
        Answer({}, hang_up=True),
        Answer({"unexpected": 1}),
        Answer("<html>gateway</html>"),
        Answer({**ACCEPTED, "status": "a_status_of_tomorrow"}),
        Answer({**ACCEPTED, "orderID": "0x" + "00" * 32}),
        Answer({"error": "order match delayed due to market conditions"}, 400),
        Answer("<html>bad request</html>", 400),
    ],
)
def test_anything_not_understood_is_unknown(exchange: Loopback, answer: Answer) -> None:
    assert isinstance(post_with(exchange, answer), Unknown)


def test_an_order_held_for_its_delay_is_accepted(exchange: Loopback) -> None:
    outcome = post_with(exchange, Answer({**ACCEPTED, "status": "delayed"}))
    assert isinstance(outcome, Accepted)
    assert outcome.status is AcceptedStatus.DELAYED
