"""The sandbox's own makers: what they would quote, as a pure function.

PLANTED EDGE: they see prices `LAG_MS` late, lean towards one half and err by seeded noise, so that
an honest rule finds trades here. Real makers do none of this; profit against them means nothing.
"""

import math
import zlib
from typing import Final

import msgspec

from cluster.sandbox.model import MICRO, SECOND_MS, Level, Market

PLANTED_EDGE: Final = (
    "PLANTED EDGE: the sandbox's makers quote 15 s of market time late, lean towards one half and"
    " err by seeded noise; profit made here means nothing"
)
LAG_MS: Final = 15_000
"""Market ms by which the makers' view of prices is old."""
LEAN: Final = 0.9
"""Their log-odds are this share of the fair ones."""
NOISE_LOG_ODDS: Final = 0.22
"""Standard deviation of their error; about five cents at one half."""
NOISE_KNOT_MS: Final = 40_000
"""Errors are drawn on this grid and interpolated."""
LEVELS: Final = 7
SIZE_MEDIAN: Final = 210
"""Shares at the best level, as in the recorded books."""
SIZE_BUCKET_MS: Final = 60_000
SPREADS: Final = (1, 1, 1, 2, 2, 3)
"""Ticks between best bid and best ask, drawn evenly; the recorded median is one."""
ONE_SIDED_SHARE: Final = ((10, 0.68), (30, 0.38), (60, 0.21), (120, 0.07), (900, 0.004))
"""(up to seconds left, share of recorded books without one side)."""
THINNING: Final = ((10, 0.25), (30, 0.4), (60, 0.7))
"""(up to seconds left, factor on all sizes)."""
SIZE_STEP: Final = 10_000
SMALLEST: Final = 5 * MICRO


class Quotes(msgspec.Struct, frozen=True, kw_only=True):
    """Up prices and sizes, best first."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


def makers_view(seed: int, market: Market, fair: float, market_ms: int) -> float:
    """Return the makers' P(Up): the fair one, late already, leaned and noised."""
    log_odds = LEAN * math.log(fair / (1 - fair)) + _noise(seed, market.slug, market_ms)
    return 1 / (1 + math.exp(-log_odds))


def quotes(seed: int, market: Market, view: float, market_ms: int) -> Quotes:
    """Return what the makers want on the book around their view."""
    tick = market.tick_micro_usd
    left_s = max(0, market.close_market_ms - market_ms) // SECOND_MS
    dice = f"{seed}/{market.slug}/{market_ms // NOISE_KNOT_MS}"
    spread = SPREADS[int(_uniform(dice + "/spread") * len(SPREADS))]
    middle = view * MICRO / tick
    last = MICRO // tick - 1
    best_bid = min(max(math.floor(middle - (spread - 1) / 2), 1), last - 1)
    best_ask = min(best_bid + spread, last)
    factor = next((f for limit, f in THINNING if left_s <= limit), 1.0)
    keep_bids, keep_asks = _sides(seed, market, view, market_ms, left_s)
    bids = [n for n in range(best_bid, best_bid - LEVELS, -1) if 1 <= n <= last]
    asks = [n for n in range(best_ask, best_ask + LEVELS) if 1 <= n <= last]
    bucket = f"{seed}/{market.slug}/{market_ms // SIZE_BUCKET_MS}"
    return Quotes(
        bids=_levels(bucket + "/b", bids, tick, factor) if keep_bids else (),
        asks=_levels(bucket + "/a", asks, tick, factor) if keep_asks else (),
    )


def _sides(
    seed: int, market: Market, view: float, market_ms: int, left_s: int
) -> tuple[bool, bool]:
    """Near the close nobody sells the likely winner: drop that side as often as recorded."""
    share = next((s for limit, s in ONE_SIDED_SHARE if left_s <= limit), 0.0)
    dice = f"{seed}/{market.slug}/{market_ms // (10 * SECOND_MS)}/sides"
    if _uniform(dice) >= share:
        return True, True
    return (True, False) if view >= 0.5 else (False, True)  # noqa: PLR2004 - even odds


def _levels(dice: str, ticks: list[int], tick: int, factor: float) -> tuple[Level, ...]:
    levels = []
    for depth, number in enumerate(ticks):
        draw = _uniform(f"{dice}/{number}")
        median = SIZE_MEDIAN * factor * (1 + 0.4 * depth)
        shares = int(median * math.exp(1.2 * (draw - 0.5)) * MICRO)
        levels.append(Level(number * tick, max(SMALLEST, shares - shares % SIZE_STEP)))
    return tuple(levels)


def _noise(seed: int, slug: str, market_ms: int) -> float:
    """Return a smooth seeded error at a moment."""
    number, rest = divmod(market_ms, NOISE_KNOT_MS)
    share = rest / NOISE_KNOT_MS
    here, then = (_gauss(f"{seed}/{slug}/noise/{n}") for n in (number, number + 1))
    scale = NOISE_LOG_ODDS / math.hypot(1 - share, share)
    return scale * (here * (1 - share) + then * share)


def _gauss(text: str) -> float:
    radius = math.sqrt(-2 * math.log(1 - _uniform(text + "/r")))
    return radius * math.cos(2 * math.pi * _uniform(text + "/a"))


def _uniform(text: str) -> float:
    """Return a seeded number in [0, 1).

    CRC-32 alone is linear (two texts that differ in one letter give related numbers), so its value
    goes through the finishing steps of MurmurHash3.
    """
    value = zlib.crc32(text.encode())
    value = (value ^ value >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    value = (value ^ value >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return (value ^ value >> 16) / 2**32
