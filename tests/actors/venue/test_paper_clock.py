"""A clock that is set back between two starts of a paper account."""

from pathlib import Path

import pytest

from actors.venue.paper.listings import open_orders, trades_since
from actors.venue.paper.records import OrderKind
from actors.venue.paper.store import BEAT
from actors.venue.port import (
    OrderChange,
    OrderEvent,
    Rejected,
    TradeStatus,
)
from tests.actors.venue.paper_account import account, book, told, traded
from tests.actors.venue.paper_market import NOW_MS, order

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
