"""Immediate paper orders: the delay, the book of its end, what is taken once."""

from actors.venue.paper.exchange import MATURE_GRACE_MS, TAKER_DELAY_MS
from actors.venue.paper.records import (
    EndReason,
    OrderKind,
)
from actors.venue.port import Rejected, Unavailable
from tests.actors.venue.paper_market import (
    NOW_MS,
    ended_as,
    exchange,
    fills,
    level,
    order,
    place,
    show,
)


def test_a_taker_gets_the_book_of_the_moment_after_the_delay() -> None:
    made = exchange({40: 100}, {42: 10, 43: 100})
    place(made, order(kind=OrderKind.FAK, cents=43, shares=100))
    level(made, 42, 0, bid=False, at=TAKER_DELAY_MS - 10)
    level(made, 41, 1_000, bid=False, at=TAKER_DELAY_MS + 10)
    assert fills(made)[0][1] == 43
    assert ended_as(made, "a") is not None


def test_a_taker_without_news_is_filled_after_the_grace() -> None:
    made = exchange()
    place(made, order(kind=OrderKind.FAK, cents=42, shares=50))
    made.tick(NOW_MS + TAKER_DELAY_MS + MATURE_GRACE_MS - 1, NOW_MS)
    assert fills(made) == []
    made.tick(NOW_MS + TAKER_DELAY_MS + MATURE_GRACE_MS, NOW_MS)
    assert fills(made) == [("a", 42, 50)]
    [fill] = made.state.fills
    assert fill.wire_ms == NOW_MS + TAKER_DELAY_MS
    assert fill.fee_micro_usd == 852_600  # 50 x 0.07 x 0.42 x 0.58, five decimals


def test_dollars_are_spent_not_shares() -> None:
    made = exchange({10: 1}, {20: 1_000, 50: 1_000})
    place(made, order(kind=OrderKind.FAK, cents=50, shares=100))
    made.tick(NOW_MS + 1_000, NOW_MS)
    assert fills(made) == [("a", 20, 250)]


def test_what_was_taken_is_not_there_again_until_the_level_is_fresh() -> None:
    made = exchange()
    for name, at in (("a", 0), ("b", 1_000)):
        place(made, order(name, kind=OrderKind.FAK, cents=42, shares=60), at=at)
        made.tick(NOW_MS + at + 1_000, NOW_MS)
    assert fills(made) == [("a", 42, 60), ("b", 42, 40)]
    assert isinstance(place(made, order("c", kind=OrderKind.FAK, cents=42)), Rejected)
    level(made, 42, 0, bid=False, at=3_000)
    level(made, 42, 70, bid=False, at=3_010)
    assert not isinstance(place(made, order("d", kind=OrderKind.FAK, cents=42), at=3_020), Rejected)


def test_a_fill_or_kill_is_whole_or_nothing() -> None:
    made = exchange()
    whole = place(made, order("a", kind=OrderKind.FOK, cents=42, shares=101))
    assert isinstance(whole, Rejected)
    assert whole.code == "fok_not_filled"
    place(made, order("b", kind=OrderKind.FOK, cents=42, shares=100))
    level(made, 42, 99, bid=False, at=10)
    made.tick(NOW_MS + 1_000, NOW_MS)
    assert fills(made) == []
    assert ended_as(made, "b") is EndReason.KILLED


def test_a_missing_side_gives_no_taker_fill() -> None:
    made = exchange({40: 100}, {})
    refused = place(made, order(kind=OrderKind.FAK, cents=99))
    assert isinstance(refused, Rejected)
    made = exchange()
    place(made, order("late", kind=OrderKind.FAK, cents=42))
    show(made, {40: 100}, {}, at=10)
    made.tick(NOW_MS + 1_000, NOW_MS)
    assert fills(made) == []


def test_a_book_that_is_not_known_fills_nobody() -> None:
    made = exchange()
    place(made, order("waits", kind=OrderKind.FAK, cents=42))
    place(made, order("rests"))
    made.lost("0xc")
    made.tick(NOW_MS + 1_000, NOW_MS)
    assert fills(made) == []
    assert isinstance(place(made, order("new")), Unavailable)
    show(made, {40: 100}, {42: 100}, at=2_000)
    assert not isinstance(place(made, order("newer"), at=2_000), Unavailable)


def test_a_delayed_taker_cannot_be_cancelled() -> None:
    made = exchange()
    place(made, order(kind=OrderKind.FAK, cents=42))
    assert made.cancel("a", NOW_MS, EndReason.CANCELLED) is not None
    made.tick(NOW_MS + 1_000, NOW_MS)
    assert len(made.state.fills) == 1
