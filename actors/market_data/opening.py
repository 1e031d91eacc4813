"""The average at a window's open, kept for as long as its market lasts. Pure.

Ticks are kept for a quarter of an hour; a 4h market needs its strike for all of its window.
"""

from bisect import bisect_left

import msgspec

from actors.market_data.state import KnownMarket
from signals.market import Asset
from signals.snapshot import Ticks


def observed_at(ticks: Ticks, time_ms: int) -> float | None:
    """Return the average observed exactly at an instant."""
    place = bisect_left(ticks.observed_ms, time_ms)
    if ticks.observed_ms[place : place + 1] == (time_ms,):
        return ticks.twap[place]
    return None


def opening_of(market: KnownMarket, ticks: Ticks) -> float | None:
    """Return the average observed at the market's open, now or before."""
    if market.opening is not None:
        return market.opening
    return observed_at(ticks, market.window.open_ms)


def with_opening(market: KnownMarket, ticks: Ticks, known: KnownMarket | None) -> KnownMarket:
    """Keep what was observed of a market that is listed anew."""
    before = market if known is None else known
    return msgspec.structs.replace(market, opening=opening_of(before, ticks))


def with_openings(
    markets: dict[str, KnownMarket], asset: Asset, ticks: Ticks
) -> dict[str, KnownMarket]:
    """Keep the openings that an asset's ticks show; the same dict where there is no new one."""
    found = {
        slug: with_opening(market, ticks, None)
        for slug, market in markets.items()
        if market.asset is asset
        and market.opening is None
        and observed_at(ticks, market.window.open_ms) is not None
    }
    return markets | found if found else markets
