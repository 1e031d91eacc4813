"""Vetoes: each reason by its code."""

import msgspec
import pytest

from signals.market import Outcome, Timeframe, Window
from signals.param_sections import GateParams
from signals.risk_gate import AGE_SLACK_MS, NEEDED, input_veto, market_veto, understated_age
from signals.snapshot import Book, Feed, MarketView
from tests.signals.altered import without
from tests.signals.builders import DUE_MS, make_book, make_market, make_snapshot

GATE = GateParams()
WINDOW = Window.at(DUE_MS, Timeframe.M5)
MARKET = make_market(WINDOW)


def test_a_fresh_snapshot_and_a_tight_book_pass() -> None:
    assert input_veto(make_snapshot()) is None
    assert market_veto(MARKET, DUE_MS, GATE) is None


@pytest.mark.parametrize("feed", Feed)
def test_a_needed_input_that_was_never_seen_is_no_data(feed: Feed) -> None:
    reason = input_veto(without(make_snapshot(), feed))
    assert reason == (f"no_data: {feed} never seen" if feed in NEEDED else None)


@pytest.mark.parametrize("feed", Feed)
def test_a_needed_input_that_is_too_old_is_stale(feed: Feed) -> None:
    snapshot = make_snapshot()
    limit_ms = snapshot.age(feed).limit_ms

    def aged(age_ms: int) -> str | None:
        ages = tuple(
            msgspec.structs.replace(age, age_ms=age_ms) if age.feed is feed else age
            for age in snapshot.ages
        )
        return input_veto(msgspec.structs.replace(snapshot, ages=ages))

    assert aged(limit_ms) is None
    if feed in NEEDED:
        assert aged(limit_ms + 1) == f"stale: {feed} {limit_ms + 1} ms old, limit {limit_ms}"
    else:
        assert aged(limit_ms + 1) is None


def test_a_feed_that_the_snapshot_does_not_list_is_no_data() -> None:
    assert input_veto(msgspec.structs.replace(make_snapshot(), ages=())) is not None


def with_down(book: Book | None) -> MarketView:
    return msgspec.structs.replace(MARKET, down_book=book)


def test_each_unfit_market_is_named() -> None:
    one_sided = msgspec.structs.replace(make_book(0.5), asks=())
    crossed = msgspec.structs.replace(make_book(0.5), asks=make_book(0.4).asks)
    halted = msgspec.structs.replace(MARKET, accepting_orders=False)
    cases = (
        (MARKET, WINDOW.open_ms - 1, "gate: before the open"),
        (MARKET, WINDOW.close_ms - 29_999, "gate: 29999 ms to the close, need 30000"),
        (MARKET, WINDOW.close_ms + 1, "gate: -1 ms to the close, need 30000"),
        (halted, DUE_MS, "gate: market takes no orders"),
        (with_down(None), DUE_MS, "no_data: no Down book"),
        (with_down(one_sided), DUE_MS, "gate: one-sided Down book"),
        (with_down(crossed), DUE_MS, "gate: crossed Down book"),
        (with_down(make_book(0.5, spread_ticks=7)), DUE_MS, "gate: Down spread 0.070, limit 0.06"),
        (with_down(make_book(0.5, shares=0.9)), DUE_MS, "gate: thin Down book"),
    )
    for market, now_ms, reason in cases:
        assert market_veto(market, now_ms, GATE) == reason
    assert market_veto(MARKET, WINDOW.close_ms - 30_000, GATE) is None
    assert market_veto(with_down(make_book(0.5, spread_ticks=6)), DUE_MS, GATE) is None


@pytest.mark.parametrize("outcome", Outcome)
def test_both_books_are_judged(outcome: Outcome) -> None:
    name = "up_book" if outcome is Outcome.UP else "down_book"
    reason = market_veto(msgspec.structs.replace(MARKET, **{name: None}), DUE_MS, GATE)
    assert reason == f"no_data: no {outcome} book"


@pytest.mark.parametrize("later_ms", [AGE_SLACK_MS + 1, 300_000])
def test_a_snapshot_that_says_less_than_its_own_stamps_is_not_traded_on(later_ms: int) -> None:
    """An old view that is handed out as a new one, with every age set to what it was."""
    honest = make_snapshot()
    assert understated_age(honest) is None
    again = msgspec.structs.replace(honest, taken_ms=honest.taken_ms + later_ms)
    assert understated_age(again) is not None
    reason = input_veto(again)
    assert reason is not None
    assert reason.startswith("stale: ticks are ")


@pytest.mark.parametrize("feed", Feed)
def test_each_input_is_compared_with_its_own_stamps(feed: Feed) -> None:
    """Markets alone have none."""

    def later(said_ms: int | None) -> str | None:
        ages = tuple(
            msgspec.structs.replace(
                age, age_ms=said_ms if age.feed is feed else (age.age_ms or 0) + 10_000
            )
            for age in honest.ages
        )
        taken_ms = honest.taken_ms + 10_000
        return understated_age(msgspec.structs.replace(honest, taken_ms=taken_ms, ages=ages))

    honest = make_snapshot()
    assert later(None) is None, "an input that is not believed has no age"
    assert later((honest.age(feed).age_ms or 0) + 20_000) is None, "overstated"
    assert (later(0) or "").startswith("" if feed is Feed.MARKETS else f"{feed} are ")
    assert (later(0) is None) == (feed is Feed.MARKETS)


def test_one_old_book_of_four_is_enough() -> None:
    honest = make_snapshot()
    first, *others = honest.markets
    assert first.down_book is not None
    old = msgspec.structs.replace(
        first.down_book, received_ms=first.down_book.received_ms - AGE_SLACK_MS - 1
    )
    markets = (msgspec.structs.replace(first, down_book=old), *others)
    said = understated_age(msgspec.structs.replace(honest, markets=markets))
    assert said == "books are 2001 ms old by their own stamps, the snapshot says 1000"
