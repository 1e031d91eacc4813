"""The tape: five-minute candles, funding and open interest per asset, recorded or generated."""

import math
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cluster.try_signal.errors import TapeError
from signals.market import ASSET_NAME, CYCLE_MS, Asset
from signals.snapshot import Candles, FundingPoint, Interval, OpenInterestPoint

KLINES: Final = "klines.parquet"
FUNDING: Final = "funding.parquet"
OPEN_INTEREST: Final = "open_interest.parquet"
GENERATED_START_MS: Final = 1_767_225_600_000
"""2026-01-01."""
GENERATED_CANDLES: Final = 12 * 288
"""Twelve days: seven of them feed the time-of-day averages."""
GENERATED_PRICES: Final = {
    Asset.BTC: 90_000.0,
    Asset.ETH: 3_000.0,
    Asset.SOL: 140.0,
    Asset.XRP: 2.0,
    Asset.DOGE: 0.14,
    Asset.BNB: 850.0,
    Asset.HYPE: 25.0,
    Asset.ZEC: 400.0,
}
"""Round orders of magnitude."""
OTHER_PRICE: Final = 5.0
"""Of any other asset."""
MARKET_SHARE: Final = 0.7
"""Share of a generated move that all assets have in common: a correlation of about one half."""
CANDLE_VOLATILITY: Final = 0.0015


class AssetTape(msgspec.Struct, frozen=True, kw_only=True):
    asset: Asset
    candles: Candles
    """5m, gap-free or not; `open_time_ms` says."""
    funding: tuple[FundingPoint, ...]
    open_interest: tuple[OpenInterestPoint, ...]


class Tape(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    """Said in every report."""
    assets: tuple[AssetTape, ...]


def read_tape(folder: Path) -> Tape:
    """Read the recorded candles of every asset, with funding and open interest where there is any.

    Raises `TapeError` naming the file that is missing or unreadable.
    """
    rows = pc.field("interval") == Interval.M5.value
    klines = _rows(folder / KLINES, rows)
    names = sorted({str(row["asset"]) for row in klines})
    known = [Asset(name.lower()) for name in names if ASSET_NAME.fullmatch(name.lower())]
    if not known:
        raise TapeError(f"{folder / KLINES} holds no 5m candle of an asset, e.g. BTC")
    funding = _rows(folder / FUNDING) if (folder / FUNDING).exists() else []
    interest = _rows(folder / OPEN_INTEREST) if (folder / OPEN_INTEREST).exists() else []
    return Tape(
        source=f"recorded candles, funding and open interest from {folder.name}",
        assets=tuple(
            AssetTape(
                asset=asset,
                candles=_to_candles([row for row in klines if row["asset"] == asset.upper()]),
                funding=tuple(
                    FundingPoint(time_ms=row["funding_time_ms"], rate=row["rate"])
                    for row in funding
                    if row["asset"] == asset.upper()
                ),
                open_interest=tuple(
                    OpenInterestPoint(time_ms=row["time_ms"], base_units=row["open_interest_base"])
                    for row in interest
                    if row["asset"] == asset.upper()
                ),
            )
            for asset in known
        ),
    )


def _rows(path: Path, keep: pc.Expression | None = None) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = pq.read_table(path, filters=keep).to_pylist()
    except (OSError, ValueError) as error:  # pyarrow's own errors are subclasses of these two
        raise TapeError(f"tape file {path} cannot be read: {error}") from error
    return rows


def _to_candles(rows: list[dict[str, Any]]) -> Candles:
    rows = sorted(rows, key=lambda row: int(row["open_time_ms"]))
    return Candles(
        interval=Interval.M5,
        open_time_ms=tuple(row["open_time_ms"] for row in rows),
        open=tuple(row["open"] for row in rows),
        high=tuple(row["high"] for row in rows),
        low=tuple(row["low"] for row in rows),
        close=tuple(row["close"] for row in rows),
        volume=tuple(row["volume"] for row in rows),
        taker_buy=tuple(row["taker_buy_base"] for row in rows),
    )


def generate_tape(seed: int, assets: Iterable[Asset] = ()) -> Tape:
    """Make twelve days of correlated random walks with all inputs; no edge is in them.

    `assets`: those that are generated beside the default ones.
    """
    others = dict.fromkeys(sorted(set(assets) - GENERATED_PRICES.keys()), OTHER_PRICE)
    rng = random.Random(seed)  # noqa: S311 a tape, not a secret
    common = [rng.gauss(0, 1) for _ in range(GENERATED_CANDLES)]
    return Tape(
        source=f"GENERATED random walks, seed {seed}",
        assets=tuple(
            AssetTape(
                asset=asset,
                candles=_generated_candles(price, common, rng),
                funding=tuple(_generated_funding(rng)),
                open_interest=tuple(_generated_interest(rng)),
            )
            for asset, price in (GENERATED_PRICES | others).items()
        ),
    )


def _generated_candles(price: float, common: list[float], rng: random.Random) -> Candles:
    rows = []
    own = math.sqrt(1 - MARKET_SHARE**2)
    for index, shared in enumerate(common):
        move = CANDLE_VOLATILITY * (MARKET_SHARE * shared + own * rng.gauss(0, 1))
        after = price * math.exp(move)
        wick = price * CANDLE_VOLATILITY / 2
        volume = rng.lognormvariate(6, 0.5) * (1 + 0.5 * math.sin(index / 288 * math.tau))
        rows.append(
            {
                "open_time_ms": GENERATED_START_MS + index * CYCLE_MS,
                "open": price,
                "high": max(price, after) + wick * rng.random(),
                "low": min(price, after) - wick * rng.random(),
                "close": after,
                "volume": volume,
                "taker_buy_base": volume * min(max(rng.gauss(0.5, 0.1), 0.0), 1.0),
            }
        )
        price = after
    return _to_candles(rows)


def _generated_funding(rng: random.Random) -> Iterator[FundingPoint]:
    rate = 0.0001
    for index in range(GENERATED_CANDLES // 96 + 1):
        rate = 0.7 * rate + rng.gauss(0.00002, 0.00008)
        yield FundingPoint(time_ms=GENERATED_START_MS + index * 96 * CYCLE_MS, rate=rate)


def _generated_interest(rng: random.Random) -> Iterator[OpenInterestPoint]:
    units = 100_000.0
    for index in range(GENERATED_CANDLES):
        units *= math.exp(rng.gauss(0, 0.001))
        yield OpenInterestPoint(time_ms=GENERATED_START_MS + index * CYCLE_MS, base_units=units)
