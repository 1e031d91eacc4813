"""What tests of several adapters share: one hour, one asset, and questions about it."""

from actors.market_data.sources.exchange import Answered
from actors.market_data.sources.port import Candle, CandlesAsk, Value
from signals.market import Asset
from signals.snapshot import Interval

HOUR_MS = 3_600_000
OPEN_MS = 1_791_201_600_000
"""A Monday's noon."""
BTC_HOURS = CandlesAsk(asset=Asset("btc"), interval=Interval.H1, count=2)


def answered(*bodies: bytes, clock_ms: int = OPEN_MS + 5 * HOUR_MS) -> Answered:
    return Answered(bodies, clock_ms)


def candles_of(values: tuple[Value, ...]) -> list[Candle]:
    return [value for value in values if isinstance(value, Candle)]
