"""The price to beat: observed at the open, or unknown."""

from typing import Any

import msgspec
import pytest

from actors.market_data.events import (
    MarketFound,
    SnapshotAsked,
    TicksReceived,
)
from actors.market_data.step import step
from signals.fair_value import NoData, read_settlement
from signals.market import Asset
from signals.params import Params
from tests.actors.market_data.builders import BTC_5M, T0, at, market, slug, ticks
from tests.actors.market_data.journeys import snapshots, warm_state


def shown(state: Any, ms: int) -> Any:
    _, effects = step(state, SnapshotAsked(asset=Asset.BTC, due_ms=T0 + ms), at(ms))
    return snapshots(effects)[0]


def with_ticks(state: Any, *pairs: tuple[int, float]) -> Any:
    return step(state, TicksReceived(asset=Asset.BTC, ticks=ticks(*pairs)), at(pairs[-1][0]))[0]


def published(state: Any, ms: int, price: float | None) -> Any:
    found = market(BTC_5M, 0, ms, price_to_beat=price)
    return step(state, MarketFound(slug=slug(found), market=found), at(ms))[0]


def strike(made: Any) -> float | None:
    [view] = [view for view in made.markets if view.window.timeframe == "5m"]
    beat: float | None = view.price_to_beat
    return beat


def bare() -> Any:
    """Return a state that has seen no average at the open."""
    state = warm_state()
    feeds = state.feeds[Asset.BTC]
    feeds = msgspec.structs.replace(feeds, ticks=ticks())
    return msgspec.structs.replace(state, feeds=state.feeds | {Asset.BTC: feeds})


def test_the_strike_is_the_average_observed_exactly_at_the_open() -> None:
    state = with_ticks(bare(), (-1_000, 100.0), (0, 100.2), (1_000, 100.4))
    assert strike(shown(state, 2_000)) == 100.2
    again = with_ticks(state, (0, 100.9), (3_000, 100.5))
    assert strike(shown(again, 4_000)) == 100.2, "what was observed first counts"
    assert strike(shown(published(state, 3_000, 100.2004), 4_000)) == 100.2


def test_without_that_average_the_strike_is_unknown_and_nothing_is_decided() -> None:
    state = with_ticks(bare(), (-1_000, 100.0), (1_000, 100.4), (2_000, 100.3))
    made = shown(state, 2_000)
    assert strike(made) is None
    [view] = [view for view in made.markets if view.window.timeframe == "5m"]
    said = read_settlement(made, view, Params().fair)
    assert isinstance(said, NoData)
    assert said.reason.startswith("strike unknown")


@pytest.mark.parametrize("wrong", [100.3, 3_000.0, 0.1, 100.22])
def test_a_published_price_that_is_not_the_observed_one_stops_the_market(wrong: float) -> None:
    state = published(with_ticks(bare(), (0, 100.2), (1_000, 100.4)), 3_000, wrong)
    assert "price_to_beat" in str(shown(state, 4_000).ages)


def test_a_published_price_that_changes_is_not_believed_any_more() -> None:
    state = with_ticks(bare(), (1_000, 100.2), (2_000, 100.2))
    state = published(state, 3_000, 100.2)
    assert strike(shown(state, 3_500)) == 100.2
    state = published(state, 4_000, 101.9)
    assert strike(shown(state, 4_500)) is None
    assert "before it was" in state.refused["btc/price_to_beat"].cause
    state = published(published(state, 5_000, 101.9), 6_000, 100.2)
    assert strike(shown(state, 6_500)) is None, "neither of the two, however often they are said"
