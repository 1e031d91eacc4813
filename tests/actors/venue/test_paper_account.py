"""The paper account with its store: frames in, durable fills and user events out."""

import random
from pathlib import Path

import pytest

from actors.venue.paper.account import HEARTBEAT_MS
from actors.venue.paper.frames import FrameError, read_frames
from actors.venue.paper.listings import CONFIRM_MS, open_orders, trades_since
from actors.venue.paper.records import EndReason, OrderKind
from actors.venue.paper.store import StoreHeldError
from actors.venue.port import (
    OrderChange,
    OrderEvent,
    TradeStatus,
    VenueTrade,
)
from checkpoints.errors import StorageError
from tests.actors.venue.paper_account import MICRO, account, book, change, told, traded
from tests.actors.venue.paper_market import MARKET, NOW_MS, order


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
