"""What a state believes of its inputs after some events."""

from typing import Any

import msgspec

from actors.market_data.events import (
    Event,
    TicksReceived,
)
from actors.market_data.snapshot import build_snapshot
from actors.market_data.state import MarketDataState, Now
from actors.market_data.step import step
from signals.market import Asset
from signals.risk_gate import understated_age
from signals.snapshot import (
    Feed,
    Snapshot,
)
from tests.actors.market_data.builders import at, ticks

NOW = at(10_000)


def after(state: MarketDataState, *events: Event, now: Now = NOW) -> MarketDataState:
    for event in events:
        state, _ = step(state, event, now)
    return state


def refused(state: MarketDataState) -> set[str]:
    return set(state.refused)


def taken(state: MarketDataState, now: Now = NOW) -> Snapshot:
    snapshot = build_snapshot(state, Asset.BTC, now.market_ms, now.market_ms)
    assert understated_age(snapshot) is None
    return snapshot


def told_of(state: MarketDataState, feed: Feed, now: Now = NOW) -> str:
    return taken(state, now).age(feed).fault


def tick(ms: int, value: float = 100.0) -> TicksReceived:
    return TicksReceived(asset=Asset.BTC, ticks=ticks((ms, value)))


def with_feeds(state: MarketDataState, **changes: Any) -> MarketDataState:
    feeds = msgspec.structs.replace(state.feeds[Asset.BTC], **changes)
    return msgspec.structs.replace(state, feeds=state.feeds | {Asset.BTC: feeds})
