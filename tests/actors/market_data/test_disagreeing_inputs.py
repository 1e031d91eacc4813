"""Inputs that disagree with each other are no data: every input has a sister."""

from typing import Any

import msgspec
import pytest

from actors.market_data.events import (
    Timer,
)
from actors.market_data.state import INTERVAL_MS, MarketDataState, Now
from actors.market_data.step import step
from signals.decision import Action, Position
from signals.market import Asset, Timeframe
from signals.params import Params
from signals.snapshot import (
    Candles,
    Feed,
    Interval,
)
from signals.strategies import five_factor
from signals.units import MicroUsd
from tests.actors.market_data.believing import NOW, after, taken, tick, told_of, with_feeds
from tests.actors.market_data.builders import T0, at, candles, market, slug, ticks
from tests.actors.market_data.journeys import warm_state


def deciding(state: MarketDataState, now: Now = NOW) -> tuple[Action, str]:
    position = Position(allocation_micro_usd=MicroUsd(100_000_000))
    decision, _ = five_factor.decide(
        taken(state, now), Timeframe.M5, position, five_factor.Memory(), Params()
    )
    return decision.action, decision.reason


def with_ticks(*pairs: tuple[int, float]) -> MarketDataState:
    """A state whose ticks came in past the door, as from an older release's buffers."""
    return with_feeds(warm_state(), ticks=ticks(*pairs))


def ready() -> MarketDataState:
    return after(warm_state(), tick(9_000, 100.5))


def with_candles(interval: Interval, fields: Candles) -> MarketDataState:
    state = ready()
    return with_feeds(state, candles=state.feeds[Asset.BTC].candles | {interval: fields})


def with_book(token: str, **changes: Any) -> MarketDataState:
    state = ready()
    known = msgspec.structs.replace(state.books[token], **changes)
    return msgspec.structs.replace(state, books=state.books | {token: known})


def with_strike(strike: float, *, opening: bool = True) -> MarketDataState:
    state = with_feeds(warm_state(), ticks=ticks())
    state = after(state, *([tick(0, 100.0)] if opening else []), tick(9_000, 100.5))
    known = msgspec.structs.replace(market(), price_to_beat=strike)
    return msgspec.structs.replace(state, markets=state.markets | {slug(known): known})


def late(interval: Interval) -> Candles:
    """Closes two intervals and more before the newest boundary."""
    length = INTERVAL_MS[interval]
    week_ms = 345_600_000
    closed = T0 - (T0 - week_ms) % length if interval is Interval.W1 else T0
    return candles(interval, closed - T0 - 6 * length, 3)


DISAGREE: list[tuple[MarketDataState, Feed, str]] = [
    (with_ticks((9_000, 100.0), (70_000, 100.0)), Feed.TICKS, "tick_time"),
    (with_ticks((8_000, 100.0), (9_000, 120.0)), Feed.TICKS, "tick_price"),
    (with_ticks((9_000, 1e4)), Feed.TICKS, "tick_price"),
    (
        with_ticks(*((1_000 * second, 100.0) for second in range(-130, 10))),
        Feed.TICKS,
        "tick_price",
    ),
    (with_candles(Interval.M5, candles(Interval.M5, 0, 1)), Feed.CANDLES, "candle_time"),
    (
        with_candles(Interval.M15, candles(Interval.M15, -900_000, 1, price=100.2)),
        Feed.CANDLES,
        "candle_price",
    ),
    *(
        (with_candles(interval, late(interval)), Feed.CANDLES, "candle_time")
        for interval in (Interval.M15, Interval.M30, Interval.H1, Interval.H4)
    ),
    (with_book("up5m0", bids={500_000: 1}, asks={490_000: 1}), Feed.BOOKS, "book_price"),
    (
        with_book("up5m0", bids={500_000: 1}, asks={490_000: 1}, suspect=True),
        Feed.BOOKS,
        "book_in_doubt",
    ),
    (with_book("up5m0", bids={500_000: 1}, asks={510_000: 1}), Feed.BOOKS, "book_price"),
    (with_book("up5m0", bids={300_000: 1}, asks={310_000: 1}), Feed.BOOKS, "book_price"),
    (with_book("up5m0", bids={441_500: 1}, asks={460_000: 1}), Feed.BOOKS, "tick_size"),
    (with_strike(100.0 * 1.0002), Feed.MARKETS, "price_to_beat"),  # the spot print
    (with_strike(10_000.0), Feed.MARKETS, "price_to_beat"),
    (with_strike(10_000.0, opening=False), Feed.MARKETS, "price_to_beat"),
    (with_strike(1.0, opening=False), Feed.MARKETS, "price_to_beat"),
]


@pytest.mark.parametrize(("state", "feed", "name"), DISAGREE)
def test_inputs_that_disagree_are_no_data_before_the_first_bet(
    state: MarketDataState, feed: Feed, name: str
) -> None:
    age = taken(state).age(feed)
    assert age.fault.startswith(f"{name}: ")
    assert age.age_ms is None
    assert not age.fresh, "an older release reads it as never seen"
    action, reason = deciding(state)
    assert action is Action.NO_TRADE
    assert reason.startswith(f"no_data: inputs disagree: {feed}: {name}")
    state, _ = step(state, Timer(), at(20_000))
    assert any(key.endswith(name) for key in state.refused), "counted at the decision point"


def test_a_strike_that_is_the_average_at_the_open_agrees() -> None:
    assert told_of(with_strike(100.0), Feed.MARKETS) == ""
    assert told_of(with_strike(100.0 * (1 + 1e-9)), Feed.MARKETS) == ""
    assert told_of(with_strike(101.0, opening=False), Feed.MARKETS) == "", "the open was not seen"
