"""What one exchange knows at one moment: the sandbox's prices, as its faults leave them."""

from collections.abc import Callable
from typing import Final

import msgspec

from cluster.sandbox.model import FundingRate, Kline, OpenInterest
from cluster.sandbox.prices.klines import Klines
from cluster.sandbox.prices.path import PRICE_SCALE
from cluster.sandbox.prices.source import Prices
from cluster.sandbox.standins.faults import CLOCK_OFF_MS, Fault, FaultBoard, Switch

PRICE_SHARE: Final = {
    "binance_usdm": 1.0,
    "okx": 1 + 1e-5,
    "bybit": 1 + 2e-5,
    "hyperliquid": 1 - 1e-5,
    "binance_spot": 1 + 4e-4,
    "coinbase": 1 + 4.2e-4,
}
"""Against the sandbox's price: the same hour closes some tenths of a basis point apart."""
VOLUME_SHARE: Final = {
    "binance_usdm": 1.0,
    "okx": 0.3,
    "bybit": 0.35,
    "hyperliquid": 0.1,
    "binance_spot": 0.15,
    "coinbase": 0.05,
}
BASIS_POINT: Final = 1e-4
HOUR_MS: Final = 3_600_000
INTEREST_STEP_MS: Final = 300_000
FUNDING_HOURS: Final = {"hyperliquid": 1}
"""Where the interval is the same for all; elsewhere it is the sandbox's own."""


class Data:
    """The prices that all stand-ins share."""

    def __init__(self, prices: Prices, market_ms: Callable[[], int]) -> None:
        self.prices = prices
        self.klines = Klines(prices)
        self.market_ms = market_ms
        self.faults = FaultBoard()

    def view(self, exchange: str) -> "View":
        return View(self, exchange)


class View:
    """One exchange's data as of now, or as of when it froze."""

    def __init__(self, data: Data, exchange: str) -> None:
        self._data = data
        self.exchange = exchange
        now_ms = data.market_ms()
        frozen_ms = data.faults.since_ms(exchange, Fault.FREEZE)
        self.market_ms = now_ms if frozen_ms is None else frozen_ms
        off = self.fault(Fault.CLOCK_OFF)
        self.clock_ms = now_ms + (0 if off is None else off.value or CLOCK_OFF_MS)
        """What it says of the time."""

    def fault(self, fault: Fault) -> Switch | None:
        return self._data.faults.on(self.exchange, fault)

    @property
    def assets(self) -> tuple[str, ...]:
        """What it trades."""
        gone = self.fault(Fault.DELISTED)
        return tuple(
            asset
            for asset in self._data.prices.assets
            if (gone is None or asset != gone.asset)
            and not (asset == "hype" and self.exchange == "binance_spot")
        )

    def stamp(self, time_ms: int) -> int:
        """Return a stamp of an exchange that writes milliseconds."""
        return time_ms // 1_000 if self.fault(Fault.SECONDS) else time_ms

    def stamp_seconds(self, time_ms: int) -> int:
        """Return a stamp of an exchange that writes seconds."""
        return time_ms if self.fault(Fault.SECONDS) else time_ms // 1_000

    def klines(
        self,
        asset: str,
        interval: str,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> tuple[Kline, ...]:
        """Return candles oldest first, the forming one included."""
        rows = self._data.klines.between(
            asset, interval, self.market_ms, start_ms=start_ms, end_ms=end_ms, limit=limit
        )
        if self.fault(Fault.HOLE) and len(rows) > 3:  # noqa: PLR2004 the one before the last
            rows = (*rows[:-3], *rows[-2:])
        return tuple(self._scaled(row) for row in rows)

    def _scaled(self, row: Kline) -> Kline:
        price, volume = self._price_share(), VOLUME_SHARE[self.exchange]
        taker = row.taker_buy
        return msgspec.structs.replace(
            row,
            open=row.open * price,
            high=row.high * price,
            low=row.low * price,
            close=row.close * price,
            volume=row.volume * volume,
            taker_buy=None if taker is None else taker * volume,
        )

    def _price_share(self) -> float:
        wrong = self.fault(Fault.WRONG_PRICE)
        share = PRICE_SHARE[self.exchange]
        return share if wrong is None else share * (1 + wrong.value * BASIS_POINT)

    def forming(self, asset: str, interval: str) -> Kline:
        return self.klines(asset, interval, limit=1)[-1]

    def is_closed(self, row: Kline) -> bool:
        """Return the exchange's closed flag of a candle."""
        if self.fault(Fault.FLAG_LIES):
            return True
        return row.close_market_ms < self.market_ms

    def mark(self, asset: str) -> float:
        spot = self._data.prices.spot(asset, self.market_ms) / PRICE_SCALE
        return spot * self._price_share()

    def funding_ms(self, asset: str) -> int:
        hours = FUNDING_HOURS.get(self.exchange)
        own_ms = self._data.prices.funding[asset].period_ms
        return own_ms if hours is None else hours * HOUR_MS

    def funding(self, asset: str, count: int, until_ms: int | None = None) -> list[FundingRate]:
        """Return charged rates, oldest first; hourly ones are eighths of the sandbox's own."""
        end_ms = self.market_ms if until_ms is None else until_ms
        step_ms = self.funding_ms(asset)
        series = self._data.prices.funding[asset]
        share = step_ms / series.period_ms
        last_ms = end_ms - end_ms % step_ms
        found = []
        for time_ms in range(last_ms - (count - 1) * step_ms, last_ms + 1, step_ms):
            of_ms = time_ms - time_ms % series.period_ms
            rate = series.rates(of_ms, of_ms)[-1].rate
            found.append(FundingRate(time_ms, round(rate * share, 10)))
        return found

    def predicted(self, asset: str) -> dict[str, object]:
        """Return what an exchange with the sandbox's own interval will charge next."""
        series = self._data.prices.funding[asset]
        last_ms = self.market_ms - self.market_ms % series.period_ms
        return {
            "fundingRate": f"{series.rates(last_ms, last_ms)[-1].rate:.8f}",
            "nextFundingTime": self.stamp(last_ms + series.period_ms),
            "fundingIntervalHours": series.period_ms // HOUR_MS,
        }

    def next_funding_ms(self, asset: str) -> int:
        step_ms = self.funding_ms(asset)
        return self.market_ms - self.market_ms % step_ms + step_ms

    def open_interest(self, asset: str, at_ms: int | None = None) -> OpenInterest:
        found = self._data.prices.open_interest[asset].at(
            self.market_ms if at_ms is None else at_ms
        )
        return OpenInterest(found.market_ms, found.base_units * VOLUME_SHARE[self.exchange])

    def interest_history(
        self, asset: str, count: int, step_ms: int = 300_000
    ) -> list[OpenInterest]:
        last_ms = self.market_ms - self.market_ms % step_ms
        times = range(last_ms - (count - 1) * step_ms, last_ms + 1, step_ms)
        return [OpenInterest(at, self.open_interest(asset, at).base_units) for at in times]
