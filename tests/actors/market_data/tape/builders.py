"""Rows of a tape for tests: states that grow by ticks, and what a file holds."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from actors.market_data.events import TicksReceived
from actors.market_data.state import MarketDataState
from actors.market_data.step import step
from signals.market import Asset
from tests.actors.market_data.builders import at, ticks

DAY = "2026-01-01"
BTC = f"{DAY}/btc"


def ticked(state: MarketDataState, *pairs: tuple[int, float]) -> MarketDataState:
    return step(state, TicksReceived(asset=Asset.BTC, ticks=ticks(*pairs)), at(pairs[-1][0]))[0]


def rows_of(folder: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / name, partitioning=None).to_pylist()
    return rows
