"""A hole in the history is found and mended by asking for all of it."""

import msgspec

from actors.market_data.events import FetchKlines, KlinesReceived
from actors.market_data.jobs import start_due_jobs
from actors.market_data.state import CANDLES_KEPT, INTERVAL_MS, MarketDataState
from actors.market_data.step import step
from signals.market import Asset
from signals.snapshot import Interval
from tests.actors.market_data.builders import at, candles, fresh_state

BTC = Asset("btc")
KEPT = CANDLES_KEPT[Interval.M5]
LENGTH_MS = INTERVAL_MS[Interval.M5]


def _filled(*, hole: bool) -> MarketDataState:
    first = candles(Interval.M5, -(KEPT + 1) * LENGTH_MS, KEPT + 1)
    if hole:
        columns = {
            name: getattr(first, name)[:5] + getattr(first, name)[6:]
            for name in ("open_time_ms", "open", "high", "low", "close", "volume", "taker_buy")
        }
        first = msgspec.structs.replace(first, **columns)
    state = fresh_state()
    return step(state, KlinesReceived(asset=BTC, candles=first), at(1_000))[0]


def _limit(state: MarketDataState) -> int:
    job = msgspec.structs.replace(state.jobs["klines/btc/5m"], due_ms=0, not_before_wire_ms=0)
    _, fetches = start_due_jobs(
        msgspec.structs.replace(state, jobs={"klines/btc/5m": job}), at(LENGTH_MS + 1_000)
    )
    (fetch,) = fetches
    assert isinstance(fetch, FetchKlines)
    return fetch.limit


def test_a_whole_history_is_continued_with_the_newest_alone() -> None:
    assert _limit(_filled(hole=False)) < 10


def test_a_history_with_a_hole_is_asked_for_as_a_whole() -> None:
    assert _limit(_filled(hole=True)) == KEPT + 1
