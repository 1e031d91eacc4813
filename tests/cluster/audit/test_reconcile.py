import msgspec
import pytest

from actors.messages import (
    Filled,
    FillFailed,
    OrderEnd,
    OrderEnded,
    OrderOpened,
    OrderSigned,
    OutboxEvent,
    Settled,
)
from actors.venue.port import TradeStatus, VenueOrder, VenueTrade
from cluster.audit.reconcile import OwnBooks, VenueBooks, differences
from signals.decision import Style
from signals.market import Outcome, Side
from signals.units import MicroShares, MicroUsd, PriceMicroUsd

SIGNED = OrderSigned(
    sequence=1,
    intent_id="btc-5m/0/20000/0",
    order_id="0x1",
    condition_id="c",
    outcome=Outcome.UP,
    side=Side.BUY,
    style=Style.REST,
    price=PriceMicroUsd(500_000),
    shares=MicroShares(5_000_000),
    close_ms=300_000,
    at_ms=20_001,
    release="r",
    commit="k",
    params="p",
    snapshot="s",
)
OPENED = OrderOpened(sequence=2, order_id="0x1", at_ms=20_002)
FILLED = Filled(
    sequence=3,
    fill_id="t/0x1",
    order_id="0x1",
    condition_id="c",
    outcome=Outcome.UP,
    side=Side.BUY,
    price=PriceMicroUsd(500_000),
    shares=MicroShares(5_000_000),
    fee_micro_usd=MicroUsd(0),
    maker=True,
    at_ms=20_003,
)
ENDED = OrderEnded(sequence=4, order_id="0x1", end=OrderEnd.FILLED, reason="filled", at_ms=20_004)
FAILED = FillFailed(sequence=5, fill_id="t/0x1", at_ms=20_005)
SETTLED = Settled(sequence=6, condition_id="c", winner=Outcome.UP, at_ms=300_100)
ORDER = VenueOrder(
    order_id="0x1",
    condition_id="c",
    token_id="1",
    side=Side.BUY,
    price=PriceMicroUsd(500_000),
    shares=MicroShares(5_000_000),
    filled_shares=MicroShares(0),
    status="LIVE",
    created_wire_ms=1,
)
TRADE = VenueTrade(
    fill_id="t/0x1",
    order_id="0x1",
    condition_id="c",
    token_id="1",
    side=Side.BUY,
    price=PriceMicroUsd(500_000),
    shares=MicroShares(5_000_000),
    maker=True,
    fee_micro_usd=MicroUsd(0),
    status=TradeStatus.CONFIRMED,
    matched_wire_ms=2,
)
NOTHING = VenueBooks(orders=(), trades=(), winners={})


def books(*events: OutboxEvent) -> OwnBooks:
    own = OwnBooks()
    for event in events:
        own.apply(event)
    return own


def venue(
    *orders: VenueOrder, trades: tuple[VenueTrade, ...] = (), winner: Outcome | None = None
) -> VenueBooks:
    return VenueBooks(orders=orders, trades=trades, winners={"c": winner} if winner else {})


@pytest.mark.parametrize(
    ("own", "theirs"),
    [
        (books(), NOTHING),
        (books(SIGNED), NOTHING),
        (books(SIGNED, OPENED), venue(ORDER)),
        (books(SIGNED, OPENED, FILLED, ENDED), venue(trades=(TRADE,))),
        (books(SIGNED, OPENED, FILLED, ENDED, SETTLED), venue(trades=(TRADE,), winner=Outcome.UP)),
    ],
)
def test_books_that_agree_have_no_difference(own: OwnBooks, theirs: VenueBooks) -> None:
    assert list(differences(own, theirs)) == []


FAILED_TRADE = msgspec.structs.replace(TRADE, status=TradeStatus.FAILED)
CASES = {
    "order 0x1: open in the journal": (books(SIGNED, OPENED), NOTHING),
    "order 0x1: open at the venue": (books(), venue(ORDER)),
    "fill t/0x1: in the journal": (books(SIGNED, OPENED, FILLED, ENDED), NOTHING),
    "fill t/0x1: at the venue": (books(SIGNED, OPENED, ENDED), venue(trades=(TRADE,))),
    "fill t/0x1: FAILED at the venue": (
        books(SIGNED, OPENED, FILLED, ENDED),
        venue(trades=(FAILED_TRADE,)),
    ),
    "fill t/0x1: CONFIRMED at the venue": (
        books(SIGNED, OPENED, FILLED, ENDED, FAILED),
        venue(trades=(TRADE,)),
    ),
    "fill t/0x1: applied twice": (
        books(SIGNED, OPENED, FILLED, FILLED, ENDED),
        venue(trades=(TRADE,)),
    ),
    "fill t/0x1: journal": (
        books(SIGNED, OPENED, FILLED, ENDED),
        venue(trades=(msgspec.structs.replace(TRADE, fee_micro_usd=MicroUsd(10)),)),
    ),
    "market c: Up won by the journal, Down by the venue": (
        books(SETTLED),
        venue(winner=Outcome.DOWN),
    ),
}


@pytest.mark.parametrize("text", CASES)
def test_each_disagreement_is_named_once(text: str) -> None:
    own, theirs = CASES[text]
    found = list(differences(own, theirs))
    assert len(found) == 1
    assert found[0].startswith(text)


def test_a_fill_of_the_other_outcomes_token_is_a_difference() -> None:
    books = OwnBooks()
    for event in (SIGNED, OPENED, FILLED, ENDED):
        books.apply(event)
    assert books.slugs == {"c": "btc-updown-5m-0"}
    for outcome, count in ((Outcome.UP, 0), (Outcome.DOWN, 1)):
        venue = VenueBooks(orders=(), trades=(TRADE,), winners={}, outcomes={"1": outcome})
        assert len(list(differences(books, venue))) == count
