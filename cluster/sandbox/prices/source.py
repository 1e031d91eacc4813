"""All prices of the sandbox, by asset and market time: candles, seconds, averages, ticks."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cluster.sandbox.model import ASSETS, CYCLE_MS, SECOND_MS, PriceTick
from cluster.sandbox.prices.derivatives import HOUR_MS, Funding, OpenInterestSeries
from cluster.sandbox.prices.path import PRICE_SCALE, SECONDS, Spots, second_spots
from cluster.sandbox.prices.recorded import RecordedCandles, Tape
from cluster.sandbox.prices.shapes import (
    CANDLES_PER_WEEK,
    candle_index,
    candle_open_ms,
    shape_of,
)
from cluster.sandbox.prices.walk import Walk

Floats = NDArray[np.float64]

GENERATED_START_MS: Final = 1_791_201_600_000
"""2026-10-05 12:00 UTC, a Monday after the 60 s average became the rule of settlement."""
LOOKBACK_SECONDS: Final = 60
E18_PER_SPOT: Final = 10**18 // PRICE_SCALE
TICKS_PER_WIRE_SECOND: Final = 5
SECONDS_CACHED: Final = 8
"""Candles of one asset whose seconds are kept: the last few windows."""
WEEKS_CACHED: Final = 40
"""Of one asset."""
QUIET_AHEAD_MS: Final = 6 * HOUR_MS
"""A tape starts where its open interest has no gap for this long."""


class Prices:
    """A pure function of (seed, tape): any moment, in any order, always the same."""

    def __init__(self, seed: int, tape: Tape | None, assets: Sequence[str] = ASSETS) -> None:
        self.seed = seed
        self.assets = assets
        self._recorded: dict[str, RecordedCandles] = tape.candles if tape else {}
        self._longer = tape.longer if tape else {}
        self.funding = {
            asset: Funding(seed, asset, tape.funding.get(asset) if tape else None)
            for asset in assets
        }
        self.open_interest = {
            asset: OpenInterestSeries(seed, asset, tape.open_interest.get(asset) if tape else None)
            for asset in assets
        }
        self.start_market_ms = self._tape_start_ms() if tape else GENERATED_START_MS
        self._before: dict[str, Walk] = {}
        self._after: dict[str, Walk] = {}
        for asset in assets:
            self._hang(asset)
        self._weeks: OrderedDict[tuple[str, int], Floats] = OrderedDict()
        self._seconds: OrderedDict[tuple[str, int], Spots] = OrderedDict()

    # ---- candles

    def rows(self, asset: str, first: int, end: int) -> Floats:
        """Return 5-minute candles [first, end) as rows of open, high, low, close, volume, taker."""
        weeks = range(first // CANDLES_PER_WEEK, (end - 1) // CANDLES_PER_WEEK + 1)
        blocks = [self._week(asset, week) for week in weeks]
        start = weeks[0] * CANDLES_PER_WEEK
        joined = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
        rows: Floats = joined[first - start : end - start]
        return rows

    def longer(self, asset: str, length_ms: int, open_ms: int) -> Floats | None:
        """Return a recorded candle longer than five minutes, as one row; None: make it."""
        row = self._longer.get(asset, {}).get(length_ms, {}).get(open_ms)
        return None if row is None else np.asarray([row])

    def recorded(self, asset: str) -> tuple[int, int] | None:
        """Return the range [from, until) of recorded candles in market ms."""
        found = self._recorded.get(asset)
        if found is None:
            return None
        return candle_open_ms(found.first_index), candle_open_ms(found.end_index)

    def sigma_per_root_second(self, asset: str, market_ms: int, candles: int = 24) -> float:
        """Return the recent volatility as a fraction per square root of a second."""
        index = candle_index(market_ms)
        closes = self.rows(asset, index - candles - 1, index)[:, 3]
        returns = np.diff(np.log(closes))
        return float(np.sqrt(np.mean(returns**2) / SECONDS))

    # ---- seconds

    def spots(self, asset: str, index: int) -> Spots:
        """Return the spot of each second of a 5-minute candle, in 1e-10 USD."""
        key = (asset, index)
        found = self._seconds.get(key)
        if found is None:
            row = self.rows(asset, index, index + 1)[0]
            found = second_spots(self.seed, asset, index, row)
            self._seconds[key] = found
            if len(self._seconds) > SECONDS_CACHED * len(self.assets):
                self._seconds.popitem(last=False)
        return found

    def spot(self, asset: str, market_ms: int) -> int:
        """Return the settlement spot of the second that contains `market_ms`, in 1e-10 USD."""
        return int(self.spots(asset, candle_index(market_ms))[_second(market_ms)])

    def last_seconds(self, asset: str, market_ms: int, count: int) -> Spots:
        """Return the spots of the `count` (at most 300) seconds that end at `market_ms`."""
        index, second = candle_index(market_ms), _second(market_ms)
        if second + 1 >= count:
            return self.spots(asset, index)[second + 1 - count : second + 1]
        rest = count - second - 1
        before = self.spots(asset, index - 1)[SECONDS - rest :]
        return np.concatenate((before, self.spots(asset, index)[: second + 1]))

    def twap_sum(self, asset: str, market_ms: int) -> int:
        """Sum the 60 one-second spots that end at `market_ms`: compares like their average."""
        return int(self.last_seconds(asset, market_ms, LOOKBACK_SECONDS).sum())

    def tick(self, asset: str, observed_market_ms: int) -> PriceTick:
        total = self.twap_sum(asset, observed_market_ms)
        return PriceTick(
            asset=asset,
            observed_market_ms=observed_market_ms,
            spot_e18=self.spot(asset, observed_market_ms) * E18_PER_SPOT,
            twap_e18=total * E18_PER_SPOT // LOOKBACK_SECONDS,
            window_seconds=LOOKBACK_SECONDS,
        )

    # ---- inside

    def _week(self, asset: str, week: int) -> Floats:
        key = (asset, week)
        found = self._weeks.get(key)
        if found is None:
            found = self._weeks[key] = self._make_week(asset, week)
            if len(self._weeks) > WEEKS_CACHED * len(self.assets):
                self._weeks.popitem(last=False)
        return found

    def _make_week(self, asset: str, week: int) -> Floats:
        first = week * CANDLES_PER_WEEK
        end = first + CANDLES_PER_WEEK
        recorded = self._recorded.get(asset)
        if recorded is None:
            return self._before[asset].block(week)
        low = min(max(recorded.first_index, first), end)
        high = max(min(recorded.end_index, end), low)
        parts: list[Floats] = []
        if low > first and recorded.first_index > first:
            parts.append(self._before[asset].block(week)[: low - first])
        if high > low:
            at = recorded.first_index
            parts.append(np.asarray(recorded.rows[low - at : high - at]))
        if recorded.end_index < end:
            keep = max(recorded.end_index, first)
            parts.append(self._after[asset].block(week)[keep - first :])
        return np.concatenate(parts)

    def _hang(self, asset: str) -> None:
        recorded = self._recorded.get(asset)
        if recorded is None:
            anchor = candle_index(self.start_market_ms)
            walk = Walk(self.seed, asset, anchor, shape_of(asset).price)
            self._before[asset] = self._after[asset] = walk
            return
        opened, closed = float(recorded.rows[0][0]), float(recorded.rows[-1][3])
        self._before[asset] = Walk(self.seed, asset, recorded.first_index, opened)
        self._after[asset] = Walk(self.seed, asset, recorded.end_index, closed)

    def _tape_start_ms(self) -> int:
        """Find where klines, funding and open interest are all recorded and go on for a while."""
        ranges = [
            span
            for asset in self.assets
            for span in (
                self.recorded(asset),
                self.funding[asset].recorded_range,
                self.open_interest[asset].recorded_range,
            )
            if span is not None
        ]
        start = max(low for low, _ in ranges)
        gaps = [gap for asset in self.assets for gap in self.open_interest[asset].gaps()]
        for gap_start, gap_end in sorted(gaps):
            if gap_start < start + QUIET_AHEAD_MS and gap_end > start:
                start = gap_end
        if start + CYCLE_MS > min(high for _, high in ranges):
            start = max(low for low, _ in ranges)
        return -(-start // HOUR_MS) * HOUR_MS


def tick_step_ms(speed: int) -> int:
    """Return the feed's grid: whole seconds that divide 5 minutes, at most 5 per wire second."""
    needed = speed * SECOND_MS // TICKS_PER_WIRE_SECOND
    seconds = next(s for s in range(1, SECONDS + 1) if SECONDS % s == 0 and s * SECOND_MS >= needed)
    return seconds * SECOND_MS


def _second(market_ms: int) -> int:
    return (market_ms - candle_open_ms(candle_index(market_ms))) // SECOND_MS
