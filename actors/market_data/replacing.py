"""Take in a whole history of another source, in place of the one that was known. Pure."""

import msgspec

from actors.market_data.buffers import merge_candles, merge_funding, merge_open_interest
from actors.market_data.events import HistoryReplaced
from actors.market_data.inputs import Odd
from actors.market_data.plausible import (
    fit_candles,
    fit_funding,
    fit_next_funding,
    fit_open_interest,
)
from actors.market_data.receiving import refuse
from actors.market_data.state import AssetFeeds, MarketDataState, Now, empty_candles


def replace_history(state: MarketDataState, event: HistoryReplaced, now: Now) -> MarketDataState:
    """Judge it as any other datum is; an interval that is refused is empty, and asked for again."""
    known = state.feeds[event.asset]
    wrong: list[Odd] = []
    candles = dict(known.candles)
    for fresh in event.candles:
        empty = empty_candles(fresh.interval)
        odd = fit_candles(fresh, empty, now.market_ms)
        wrong += [] if odd is None else [odd]
        candles[fresh.interval] = merge_candles(empty, fresh) if odd is None else empty
    feeds = msgspec.structs.replace(known, candles=candles, source=event.source)
    feeds, odd_rest = _with_rest(feeds, event, now)
    state = msgspec.structs.replace(state, feeds=state.feeds | {event.asset: feeds})
    return refuse(state, str(event.asset), [*wrong, *odd_rest], now)


def _with_rest(feeds: AssetFeeds, event: HistoryReplaced, now: Now) -> tuple[AssetFeeds, list[Odd]]:
    """Replace what the new source has; what it does not have stays, and ages."""
    wrong: list[Odd] = []
    if event.funding:
        points, odd = fit_funding(event.funding, now.market_ms)
        next_ms, odd_next = fit_next_funding(event.next_funding_ms, now.market_ms)
        wrong += [*odd, *odd_next]
        feeds = msgspec.structs.replace(
            feeds, funding=merge_funding((), points), next_funding_ms=next_ms
        )
    if event.open_interest:
        interest, odd = fit_open_interest(event.open_interest, (), now.market_ms)
        wrong += odd
        feeds = msgspec.structs.replace(feeds, open_interest=merge_open_interest((), interest))
    return feeds, wrong
