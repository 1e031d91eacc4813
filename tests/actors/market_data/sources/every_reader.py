"""Put one body through every reader of an exchange, and hold what comes out against its range."""

from collections.abc import Callable, Iterator
from typing import Any

from actors.market_data.inputs import INPUTS, Name
from actors.market_data.sources.binance import BinanceSpot
from actors.market_data.sources.binance_usdm import BinanceUsdm
from actors.market_data.sources.bybit import Bybit
from actors.market_data.sources.coinbase import Coinbase
from actors.market_data.sources.exchange import Answered, Exchange
from actors.market_data.sources.hyperliquid import Hyperliquid
from actors.market_data.sources.okx import Okx
from actors.market_data.sources.port import (
    Ask,
    Candle,
    CandlesAsk,
    Funding,
    FundingAsk,
    InterestAsk,
    Mark,
    NextFunding,
    OpenInterest,
    PredictedAsk,
    Trade,
    Value,
)
from actors.market_data.sources.reading import STAMP_MS_MAX, STAMP_MS_MIN, SourceFault, Unreadable
from actors.market_data.state import last_boundary_ms
from signals.market import Asset
from signals.snapshot import Interval

EXCHANGES: dict[str, Exchange] = {
    "binance_usdm": BinanceUsdm(),
    "binance_spot": BinanceSpot(),
    "okx": Okx(),
    "bybit": Bybit(),
    "hyperliquid": Hyperliquid(),
    "coinbase": Coinbase(),
}
BTC = Asset("btc")
LONG_AGO_MS = 1_791_201_600_000
"""Later than every recorded body of 2026-10 and before: its candles are all closed."""
ASKS: tuple[Ask, ...] = (
    *(CandlesAsk(asset=BTC, interval=interval, count=3) for interval in Interval),
    FundingAsk(asset=BTC, count=3),
    FundingAsk(asset=Asset("hype"), count=3),
    InterestAsk(asset=BTC, history=3),
    InterestAsk(asset=BTC, history=0),
    PredictedAsk(asset=BTC),
)


def readers(exchange: Exchange, other: bytes) -> Iterator[tuple[str, Callable[[bytes], Any]]]:
    """Yield every reader; where one reads several bodies, the rest of them are `other`."""
    for ask in ASKS:
        try:
            wanted = len(exchange.requests(ask, LONG_AGO_MS))
        except SourceFault:
            continue
        for place in range(wanted):

            def read(body: bytes, ask: Ask = ask, place: int = place, wanted: int = wanted) -> Any:
                bodies = [other] * wanted
                bodies[place] = body
                return exchange.read(ask, Answered(bodies, LONG_AGO_MS))

            yield f"{ask} body {place}", read
    yield "frame", exchange.read_frame
    yield "clock", exchange.read_clock
    yield "instruments", lambda body: exchange.instruments([body], tuple(Asset)).found
    yield "refusal", exchange.refusal


def read_all(exchange: Exchange, body: bytes) -> dict[str, Any]:
    """Return what each reader made of a body; raise whatever is not a refusal of it."""
    found = {}
    for name, read in readers(exchange, body):
        try:
            got = read(body)
        except (Unreadable, SourceFault):
            continue
        if name.startswith(("Candles", "Funding", "Interest", "Predicted", "frame")):
            for value in got:
                check(value)
        if got:
            found[name] = got
    return found


def check(value: Value) -> None:
    """Hold a value against its plausible range."""
    assert isinstance(value.asset, Asset)
    match value:
        case Candle():
            _stamp(value.open_time_ms)
            assert last_boundary_ms(value.interval, value.open_time_ms) == value.open_time_ms
            for price in (value.open, value.high, value.low, value.close):
                assert INPUTS[Name.CANDLE_PRICE].holds(price)
                assert value.low <= price <= value.high
            assert INPUTS[Name.CANDLE_VOLUME].holds(value.volume)
            taker = value.taker_buy
            assert taker is None or 0 <= taker <= value.volume * 1.001
        case Funding():
            _stamp(value.time_ms)
            assert INPUTS[Name.FUNDING_RATE].holds(value.rate)
        case NextFunding():
            assert value.due_ms is None or _stamp(value.due_ms)
            assert value.rate is None or INPUTS[Name.FUNDING_RATE].holds(value.rate)
        case OpenInterest():
            _stamp(value.time_ms)
            assert INPUTS[Name.INTEREST].holds(value.base_units)
        case Trade() | Mark():
            _stamp(value.time_ms)
            assert INPUTS[Name.CANDLE_PRICE].holds(value.price)


def _stamp(time_ms: int) -> bool:
    assert isinstance(time_ms, int)
    assert STAMP_MS_MIN <= time_ms <= STAMP_MS_MAX
    return True
