"""Values of the price feeds: candles, funding, open interest, ticks, and where they are from."""

import msgspec


class Kline(msgspec.Struct, frozen=True, kw_only=True):
    open_market_ms: int
    close_market_ms: int
    """Last millisecond of the candle."""
    open: float
    high: float
    low: float
    close: float
    volume: float
    taker_buy: float | None
    """Base units bought by takers; None where the recording does not say."""
    trades: int = 0


class FundingRate(msgspec.Struct, frozen=True):
    market_ms: int
    rate: float


class OpenInterest(msgspec.Struct, frozen=True):
    market_ms: int
    base_units: float


class Premium(msgspec.Struct, frozen=True, kw_only=True):
    """The premium index answer."""

    market_ms: int
    mark_price: float
    index_price: float
    last_funding_rate: float
    next_funding_market_ms: int


class PriceTick(msgspec.Struct, frozen=True, kw_only=True):
    """One observation of the settlement feed."""

    asset: str
    observed_market_ms: int
    spot_e18: int
    """USD times 10^18."""
    twap_e18: int
    """Average of the 60 one-second spots that end at the observation."""
    window_seconds: int = 60


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where one series of one asset comes from: said in output, never papered over."""

    asset: str
    series: str
    """``klines``, ``taker_buy``, ``funding`` or ``open_interest``."""
    source: str
    """``tape`` or ``generated``; a series may have several ranges."""
    from_market_ms: int
    until_market_ms: int | None
    """None: without end."""
    note: str = ""
