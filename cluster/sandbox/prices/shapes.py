"""What each asset looks like when its prices are invented: sizes fitted to recorded 5m candles."""

import zlib
from typing import Final

import msgspec

from cluster.sandbox.model import ASSETS

CANDLE_MS: Final = 300_000
WEEK_MS: Final = 604_800_000
MONDAY_MS: Final = 345_600_000
"""The first Monday after the Unix epoch: weekly candles open on Mondays, 00:00 UTC."""
CANDLES_PER_WEEK: Final = WEEK_MS // CANDLE_MS
INTERVALS_MS: Final = {
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "4h": 14_400_000,
    "1d": 86_400_000,
    "1w": 604_800_000,
}
"""Of candles: name and length."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    price: float
    """USD where a generated series is anchored."""
    sigma_5m: float
    """Standard deviation of a 5-minute log return."""
    volume: float
    """Mean base units per 5 minutes."""
    open_interest: float
    """Base units."""
    funding_hours: int
    decimals: int
    """Of a traded price."""


SHAPES: Final[dict[str, Shape]] = {
    "btc": Shape(
        price=91_000,
        sigma_5m=0.00104,
        volume=440,
        open_interest=94_900,
        funding_hours=8,
        decimals=1,
    ),
    "eth": Shape(
        price=3_110,
        sigma_5m=0.0014,
        volume=11_400,
        open_interest=2_270_000,
        funding_hours=8,
        decimals=2,
    ),
    "sol": Shape(
        price=134,
        sigma_5m=0.00166,
        volume=72_800,
        open_interest=10_700_000,
        funding_hours=8,
        decimals=2,
    ),
    "xrp": Shape(
        price=2.05,
        sigma_5m=0.00179,
        volume=1_910_000,
        open_interest=230_000_000,
        funding_hours=8,
        decimals=4,
    ),
    "doge": Shape(
        price=0.138,
        sigma_5m=0.00217,
        volume=18_800_000,
        open_interest=1_770_000_000,
        funding_hours=8,
        decimals=5,
    ),
    "bnb": Shape(
        price=892,
        sigma_5m=0.00102,
        volume=1_790,
        open_interest=550_000,
        funding_hours=8,
        decimals=2,
    ),
    "hype": Shape(
        price=25.5,
        sigma_5m=0.0025,
        volume=32_800,
        open_interest=40_000_000,
        funding_hours=4,
        decimals=3,
    ),
    "zec": Shape(
        price=410,
        sigma_5m=0.0027,
        volume=9_500,
        open_interest=1_900_000,
        funding_hours=8,
        decimals=2,
    ),
}
"""Sizes of the seven recorded assets are those of 2025-12-28 .. 2026-01-15; zec is a guess."""


OTHER: Final = Shape(
    price=5.0,
    sigma_5m=0.002,
    volume=500_000,
    open_interest=50_000_000,
    funding_hours=8,
    decimals=4,
)
"""Any other asset: invented, of the size of a middling one."""


def shape_of(asset: str) -> Shape:
    return SHAPES.get(asset, OTHER)


def asset_number(asset: str) -> int:
    """Number an asset for its dice; that of an asset beside the eight comes from its name alone."""
    return ASSETS.index(asset) if asset in ASSETS else 1_000 + zlib.crc32(asset.encode())


def candle_index(market_ms: int) -> int:
    """Number the 5-minute candle that contains `market_ms`, from the first Monday on."""
    return (market_ms - MONDAY_MS) // CANDLE_MS


def candle_open_ms(index: int) -> int:
    return MONDAY_MS + index * CANDLE_MS
