"""The paper account with its store: frames in, durable fills and user events out."""

import asyncio
import json
import random
from pathlib import Path

import msgspec
import pytest

from actors.runtime import load_config
from actors.venue.paper import public_venue
from actors.venue.paper.account import HEARTBEAT_MS, PaperAccount
from actors.venue.paper.frames import FrameError, read_frames
from actors.venue.paper.listings import CONFIRM_MS, open_orders, trades_since
from actors.venue.paper.public_venue import follow_state
from actors.venue.paper.records import EndReason, OrderKind, PaperMarket
from actors.venue.paper.rules import VenueState
from actors.venue.paper.store import BEAT, PaperStore, StoreHeldError
from actors.venue.paper.venue import PaperVenue
from actors.venue.port import (
    OrderChange,
    OrderEvent,
    Rejected,
    SignedOrder,
    TradeStatus,
    Unknown,
    Unsignable,
    UnsignedOrder,
    VenueEvent,
    VenueTrade,
)
from checkpoints.errors import StorageError
from signals.decision import Style
from signals.market import Side
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.gateway.shells import configure
from tests.actors.venue.paper_market import MARKET, NOW_MS, order

MICRO = 1_000_000
CASH = 1_000 * MICRO


def account(folder: Path, at: int = 0) -> PaperAccount:
    queue: asyncio.Queue[VenueEvent] = asyncio.Queue(100)
    made = PaperAccount(PaperStore.open(folder), queue, CASH, NOW_MS + at)
    made.follow(MARKET, NOW_MS + at)
    return made


def told(made: PaperAccount) -> list[VenueEvent]:
    found = []
    while not made._events.empty():
        found.append(made._events.get_nowait())
    return found


def book(at: int = 0, bid: str = "0.40", ask: str = "0.42", token: str = "1") -> str:
    return json.dumps(
        {
            "event_type": "book",
            "asset_id": token,
            "market": "0xc",
            "timestamp": str(NOW_MS + at),
            "hash": "x",
            "bids": [{"price": bid, "size": "100"}],
            "asks": [{"price": ask, "size": "100"}],
        }
    )


def change(at: int, price: str, size: str, side: str, best: tuple[str, str]) -> str:
    return json.dumps(
        {
            "event_type": "price_change",
            "market": "0xc",
            "timestamp": str(NOW_MS + at),
            "price_changes": [
                {
                    "asset_id": "1",
                    "price": price,
                    "size": size,
                    "side": side,
                    "hash": "x",
                    "best_bid": best[0],
                    "best_ask": best[1],
                }
            ],
        }
    )


def traded(at: int, price: str, size: str, side: str, token: str = "1") -> str:
    return json.dumps(
        {
            "event_type": "last_trade_price",
            "asset_id": token,
            "market": "0xc",
            "price": price,
            "size": size,
            "side": side,
            "fee_rate_bps": "0",
            "timestamp": str(NOW_MS + at),
            "transaction_hash": "0xt",
        }
    )


def test_a_fill_is_durable_before_it_is_told(tmp_path: Path) -> None:
    made = account(tmp_path)
    made.frame(book(), NOW_MS)
    made.place(order(), NOW_MS, NOW_MS)
    made.frame(traded(10, "0.40", "103", "SELL"), NOW_MS + 10)
    events = told(made)
    assert [e.change for e in events if isinstance(e, OrderEvent)] == [
        OrderChange.PLACEMENT,
        OrderChange.UPDATE,
    ]
    [fill] = [e for e in events if isinstance(e, VenueTrade)]
    assert (fill.shares, fill.status) == (3 * MICRO, TradeStatus.MATCHED)
    made.tick(NOW_MS + 10 + CONFIRM_MS, NOW_MS)
    [final] = told(made)
    assert isinstance(final, VenueTrade)
    assert (final.fill_id, final.status) == (fill.fill_id, TradeStatus.CONFIRMED)
    made.abandon()  # as a process that dies: nothing more is written
    again = account(tmp_path, 20)
    [same] = trades_since(again.exchange.state, 0, NOW_MS + 10_000)
    assert (same.fill_id, same.shares) == (fill.fill_id, fill.shares)


def test_the_queue_goes_on_where_the_former_process_left_it(tmp_path: Path) -> None:
    first = account(tmp_path)
    first.frame(book(), NOW_MS)
    first.place(order(), NOW_MS, NOW_MS)
    first.frame(traded(10, "0.40", "70", "SELL"), NOW_MS + 10)
    with pytest.raises(StoreHeldError):
        account(tmp_path)
    first.close(NOW_MS + 20)
    second = account(tmp_path, 30)
    assert [entry.order.order_id for entry in second.exchange.state.active()] == ["a"]
    assert second.open_markets(NOW_MS) == (MARKET,)
    second.frame(traded(40, "0.40", "31", "SELL"), NOW_MS + 40)
    assert sum(fill.shares for fill in second.exchange.state.fills) == MICRO


def test_ten_seconds_without_a_heartbeat_cancel_everything(tmp_path: Path) -> None:
    made = account(tmp_path)
    made.frame(book(), NOW_MS)
    made.place(order(), NOW_MS, NOW_MS)
    made.tick(NOW_MS + 60_000, NOW_MS)
    assert open_orders(made.exchange.state), "no heartbeat was ever sent, so none is missed"
    made.beat(NOW_MS + 60_000)
    made.tick(NOW_MS + 60_000 + HEARTBEAT_MS, NOW_MS)
    assert open_orders(made.exchange.state)
    made.abandon()
    late = account(tmp_path, 60_000 + HEARTBEAT_MS + 1)
    assert not open_orders(late.exchange.state)
    entry = late.exchange.state.order("a")
    assert entry is not None
    assert entry.ended is not None
    assert (entry.ended.reason, entry.ended.wire_ms) == (
        EndReason.HEARTBEAT,
        NOW_MS + 60_000 + HEARTBEAT_MS,
    )


def test_a_store_that_takes_nothing_is_an_error_and_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = account(tmp_path)
    made.frame(book(), NOW_MS)
    told(made)

    def full(*_: object) -> None:
        raise StorageError("no space left")

    monkeypatch.setattr(made._store._log, "append", full)
    with pytest.raises(StorageError):
        made.place(order(), NOW_MS, NOW_MS)
    assert told(made) == []
    made.abandon()
    assert account(tmp_path).exchange.state.orders == {}


def test_a_trade_that_is_told_for_both_tokens_counts_once(tmp_path: Path) -> None:
    made = account(tmp_path)
    made.frame(book(), NOW_MS)
    made.place(order(), NOW_MS, NOW_MS)
    made.frame(traded(10, "0.40", "60", "SELL", "1"), NOW_MS + 10)
    made.frame(traded(10, "0.60", "60", "BUY", "2"), NOW_MS + 10)
    assert made.exchange.state.orders["a"].ahead_shares == 40 * MICRO


def test_best_prices_that_disagree_and_frames_that_cannot_be_read_are_not_trusted(
    tmp_path: Path,
) -> None:
    made = account(tmp_path)
    assert made.frame(book(), NOW_MS)
    assert made.frame(change(1, "0.41", "5", "BUY", ("0.41", "0.42")), NOW_MS + 1)
    assert not made.frame(change(2, "0.41", "0", "BUY", ("0.41", "0.42")), NOW_MS + 2)
    assert not made.frame("INVALID OPERATION", NOW_MS)
    assert not made.frame('{"event_type":"book","asset_id":"1"}', NOW_MS)
    assert made.frame('{"event_type":"something_new"}', NOW_MS)
    assert made.frame(book(token="2"), NOW_MS), "the other token repeats the same book"
    assert made.exchange.book("0xc").best(bid=True) == 400_000


def test_the_clock_of_the_venue_may_be_wrong(tmp_path: Path) -> None:
    """A stamp far from our clock is not believed: a delay ends by the time of arrival."""
    made = account(tmp_path)
    made.frame(book(), NOW_MS)
    taker = order(kind=OrderKind.FAK, cents=42, shares=50)
    made.place(taker, NOW_MS, NOW_MS)
    made.frame(change(3_600_000, "0.42", "90", "SELL", ("0.40", "0.42")), NOW_MS + 10)
    assert made.exchange.state.fills == []
    made.frame(change(-3_600_000, "0.42", "80", "SELL", ("0.40", "0.42")), NOW_MS + 300)
    assert len(made.exchange.state.fills) == 1


class _Public:
    """Answers of the venue to a look, one after the other."""

    def __init__(self, *answers: VenueState | Unknown) -> None:
        self._answers = list(answers)

    async def state(self) -> VenueState | Unknown:
        if not self._answers:
            raise asyncio.CancelledError
        return self._answers.pop(0)


def test_a_tick_that_changes_while_the_market_is_open_is_the_one_that_orders_are_held_to(
    tmp_path: Path,
) -> None:
    made = account(tmp_path)
    frame = {
        "event_type": "tick_size_change",
        "market": "0xc",
        "asset_id": "1",
        "old_tick_size": "0.01",
        "new_tick_size": "0.001",
        "timestamp": str(NOW_MS),
    }
    assert made.frame(json.dumps(frame), NOW_MS)
    assert made.terms(MARKET).tick_micro_usd == 1_000


@pytest.mark.parametrize("seen_by", ["the stream", "nobody"])
def test_an_order_on_the_fine_tick_is_signed_once_the_tick_is_fine(
    tmp_path: Path, seen_by: str
) -> None:
    """The stream tells a new tick; one that it told while it was lost is read anew."""

    async def work() -> None:
        configure(tmp_path)
        venue = PaperVenue(load_config(str(tmp_path)), 1.0)
        fine = msgspec.structs.replace(MARKET, tick_micro_usd=1_000)
        venue._terms["0xc"] = MARKET
        venue._account = account(tmp_path / "paper")
        if seen_by == "the stream":
            venue._account.follow(fine, NOW_MS)
        venue._public = Terms(fine if seen_by == "nobody" else Unknown(reason="no answer"))
        wanted = UnsignedOrder(
            condition_id="0xc",
            token_id="1",
            side=Side.BUY,
            style=Style.REST,
            price=PriceMicroUsd(388_000),
            shares=MicroShares(10 * MICRO),
        )
        assert isinstance(await venue.sign(wanted), SignedOrder)
        odd = msgspec.structs.replace(wanted, price=PriceMicroUsd(388_500))
        assert isinstance(await venue.sign(odd), Unsignable)
        assert venue._account.terms(MARKET).tick_micro_usd == 1_000

    asyncio.run(work())


class Terms:
    """The venue's public side, asked for a market's terms."""

    def __init__(self, terms: PaperMarket | Unknown) -> None:
        self._terms = terms

    async def terms(self, _condition_id: str) -> PaperMarket | Unknown:
        return self._terms


def test_a_restart_of_the_venue_is_followed_by_a_post_only_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(public_venue, "STATE_S", 0.0)
    seen: list[VenueState] = []
    public = _Public(
        VenueState.OPEN,
        VenueState.RESTARTING,
        Unknown(reason="no answer"),
        VenueState.OPEN,
        VenueState.CANCEL_ONLY,
    )
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(follow_state(public, seen.append))
    assert seen == [
        VenueState.OPEN,
        VenueState.RESTARTING,
        VenueState.POST_ONLY,
        VenueState.CANCEL_ONLY,
    ]


def test_no_spoilt_frame_raises_anything_but_its_own_error() -> None:
    chance = random.Random(7)
    frames = [
        book(),
        change(1, "0.41", "5", "BUY", ("0.41", "0.42")),
        traded(1, "0.4", "3", "SELL"),
    ]
    tokens = {"1": MARKET, "2": MARKET}
    for _ in range(30_000):
        data = bytearray(chance.choice(frames).encode())
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(data))
            data[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 2))
        try:
            for seen in read_frames(bytes(data), tokens):
                assert seen.condition_id
        except FrameError:
            continue


# ---- a clock that is set back between two starts ------------------------------------------------

BACK_MS = 60_000


def test_after_a_clock_that_was_set_back_nothing_rests_whose_heartbeats_are_not_known(
    tmp_path: Path,
) -> None:
    first = account(tmp_path)
    first.frame(book(), NOW_MS)
    first.place(order(), NOW_MS, NOW_MS)
    first.beat(NOW_MS)
    first.close(NOW_MS)
    second = account(tmp_path, -BACK_MS)
    assert tuple(second.exchange.state.active()) == ()
    second.tick(NOW_MS - BACK_MS, NOW_MS - BACK_MS)
    assert [e.change for e in told(second) if isinstance(e, OrderEvent)] == [
        OrderChange.CANCELLATION
    ]


@pytest.mark.parametrize("text", ["", "x", "17\x00"])
def test_a_heartbeat_that_cannot_be_read_lets_orders_die_and_none_that_never_came(
    tmp_path: Path, text: str
) -> None:
    first = account(tmp_path)
    first.frame(book(), NOW_MS)
    first.place(order(), NOW_MS, NOW_MS)
    first.close(NOW_MS)
    kept = account(tmp_path, 20)
    assert open_orders(kept.exchange.state), "no heartbeat was ever sent"
    kept.close(NOW_MS + 20)
    (tmp_path / BEAT).write_text(text)
    assert open_orders(account(tmp_path, 30).exchange.state) == ()


def test_a_fill_of_before_the_clock_was_set_back_is_final(tmp_path: Path) -> None:
    first = account(tmp_path)
    first.frame(book(), NOW_MS)
    first.place(order(), NOW_MS, NOW_MS)
    first.frame(traded(10, "0.40", "103", "SELL"), NOW_MS + 10)
    first.close(NOW_MS + 20)
    second = account(tmp_path, -BACK_MS)
    [fill] = trades_since(second.exchange.state, 0, NOW_MS - BACK_MS)
    assert fill.status is TradeStatus.CONFIRMED


def test_a_delayed_order_of_before_the_clock_was_set_back_ends_at_once(tmp_path: Path) -> None:
    first = account(tmp_path)
    first.frame(book(), NOW_MS)
    taker = order(cents=43, kind=OrderKind.FAK)
    placed = first.place(taker, NOW_MS, NOW_MS)
    assert not isinstance(placed, Rejected)
    first.close(NOW_MS + 20)
    second = account(tmp_path, -BACK_MS)
    second.tick(NOW_MS - BACK_MS, NOW_MS - BACK_MS)
    assert tuple(second.exchange.state.active()) == ()
