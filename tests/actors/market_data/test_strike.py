"""The price to beat: observed at the open, or unknown; kept for all of a 4h window."""

from typing import Any

import msgspec
import pytest

from actors.market_data.events import (
    MarketFound,
    SnapshotAsked,
    TicksReceived,
)
from actors.market_data.handoff import encode_buffers, restored_state
from actors.market_data.step import step
from signals.fair_value import NoData, read_settlement
from signals.market import Asset, Slot, Timeframe
from signals.params import Params
from tests.actors.market_data.builders import BTC_5M, T0, at, market, slug, ticks
from tests.actors.market_data.journeys import fresh_state, settle, snapshots, warm_state


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


FOUR_HOURS = Slot(Asset.BTC, Timeframe.H4)
HOUR_MS = 3_600_000
LATE_MS = 4 * HOUR_MS - 20_000


def four_hours_later() -> Any:
    """Return a state that saw a 4h market's open, and nothing but ticks for almost all of it."""
    state = fresh_state(FOUR_HOURS)
    state, _ = settle(state, at(0))
    found = market(FOUR_HOURS, 0, 0)
    state, _ = settle(state, at(0), [MarketFound(slug=slug(found), market=found)])
    state = with_ticks(state, (0, 100.2), (1_000, 100.4))
    for ms in range(HOUR_MS // 4, LATE_MS, HOUR_MS // 4):
        state = with_ticks(state, (ms, 104.0), (ms + 1_000, 104.1))
    return with_ticks(state, (LATE_MS, 104.0))


def of_4h(state: Any, ms: int) -> Any:
    made = shown(state, ms)
    return next(view for view in made.markets if view.window.timeframe is Timeframe.H4)


def test_a_4h_market_keeps_its_strike_when_the_tick_at_its_open_is_long_gone() -> None:
    state = four_hours_later()
    oldest_ms = state.feeds[Asset.BTC].ticks.observed_ms[0]
    assert oldest_ms > T0 + HOUR_MS, "the tick of the open is gone"
    assert of_4h(state, LATE_MS).price_to_beat == 100.2


def test_a_market_that_is_read_again_and_a_successor_keep_that_strike() -> None:
    state = four_hours_later()
    found = market(FOUR_HOURS, 0, LATE_MS)
    again, _ = step(state, MarketFound(slug=slug(found), market=found), at(LATE_MS))
    assert of_4h(again, LATE_MS).price_to_beat == 100.2
    data = encode_buffers(again, at(LATE_MS))
    next_one = restored_state(state.settings, at(LATE_MS), data)
    assert of_4h(next_one, LATE_MS).price_to_beat == 100.2


@pytest.mark.parametrize(("published_price", "fits"), [(100.2, "fits"), (104.0, "differs")])
def test_hours_later_a_published_price_is_still_held_against_the_open(
    published_price: float, fits: str
) -> None:
    state = four_hours_later()
    found = market(FOUR_HOURS, 0, LATE_MS, price_to_beat=published_price)
    state, _ = step(state, MarketFound(slug=slug(found), market=found), at(LATE_MS))
    assert ("price_to_beat" in str(shown(state, LATE_MS).ages)) is (fits == "differs")


def test_buffers_of_a_release_that_kept_no_openings_are_read() -> None:
    state = four_hours_later()
    plain = msgspec.msgpack.decode(encode_buffers(state, at(LATE_MS)))
    for known in plain["markets"].values():
        del known["opening"]
    old = restored_state(state.settings, at(LATE_MS), msgspec.msgpack.encode(plain))
    assert of_4h(old, LATE_MS).price_to_beat is None
