"""The sandbox's own fair value of a market that settles on a 60-second average."""

import math
from typing import Final

from cluster.sandbox.model import SECOND_MS, Market
from cluster.sandbox.prices.path import PRICE_SCALE
from cluster.sandbox.prices.source import LOOKBACK_SECONDS, Prices

EDGE: Final = 1e-4
"""Closest to a certainty that a fair value is stated."""


def fair_up(prices: Prices, market: Market, seen_market_ms: int) -> float:
    """Return P(Up) as far as it could be known at `seen_market_ms`.

    A diffusion with the recent volatility v (USD squared per second) and tau seconds to the close;
    with L seconds of averaging the closing average has the mean S and the variance
    v (tau - 2L/3) before its look-back begins, and inside it, where the mean A of its first part
    is known, the mean ((L - tau) A + tau S) / L and the variance v tau^3 / (3 L^2).
    """
    if seen_market_ms < market.open_market_ms:
        return 0.5
    seen_ms = min(seen_market_ms, market.close_market_ms)
    seen_ms -= seen_ms % SECOND_MS
    look_back = LOOKBACK_SECONDS
    strike = prices.twap_sum(market.asset, market.open_market_ms) / look_back
    spot = float(prices.spot(market.asset, seen_ms))
    left = (market.close_market_ms - seen_ms) // SECOND_MS
    relative = prices.sigma_per_root_second(market.asset, seen_ms)
    variance_rate = (relative * spot) ** 2
    if left >= look_back:
        mean, variance = spot, variance_rate * (left - 2 * look_back / 3)
    else:
        past = look_back - left
        total = float(prices.last_seconds(market.asset, seen_ms, past).sum())
        mean = (total + left * spot) / look_back
        variance = variance_rate * left**3 / (3 * look_back**2)
    return _probability(mean - strike, math.sqrt(variance))


def _probability(lead: float, deviation: float) -> float:
    if deviation < PRICE_SCALE * 1e-12:
        return 1 - EDGE if lead >= 0 else EDGE
    found = 0.5 * (1 + math.erf(lead / (deviation * math.sqrt(2))))
    return min(max(found, EDGE), 1 - EDGE)
