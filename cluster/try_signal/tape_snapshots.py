"""Snapshots from a tape: what market data would have served at a decision point."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import Final

from actors.config import FeedLimits
from actors.market_data.state import (
    CANDLES_KEPT,
    FUNDING_KEPT,
    INTERVAL_MS,
    MONDAY_MS,
    OPEN_INTEREST_KEPT,
)
from cluster.try_signal.model_market import LOOK_BACK_SECONDS, ModelMarket
from cluster.try_signal.price_path import PricePath
from cluster.try_signal.tape import AssetTape
from signals.market import CYCLE_MS, Timeframe, Window
from signals.snapshot import (
    Candles,
    Feed,
    FundingPoint,
    InputAge,
    Interval,
    OpenInterestPoint,
    Snapshot,
    Ticks,
)

TICK_SECONDS: Final = 400
EIGHT_HOURS_MS: Final = 28_800_000


def resampled(candles: Candles, interval: Interval) -> Candles:
    """Join 5m candles into longer ones; a longer one with a gap is left out."""
    length = INTERVAL_MS[interval]
    if length == CYCLE_MS:
        return candles
    shift = MONDAY_MS if interval is Interval.W1 else 0
    groups: dict[int, list[int]] = {}
    for place, open_ms in enumerate(candles.open_time_ms):
        groups.setdefault((open_ms - shift) // length * length + shift, []).append(place)
    whole = [item for item in groups.items() if len(item[1]) == length // CYCLE_MS]
    taker = [[candles.taker_buy[place] for place in places] for _, places in whole]
    return Candles(
        interval=interval,
        open_time_ms=tuple(open_ms for open_ms, _ in whole),
        open=tuple(candles.open[places[0]] for _, places in whole),
        high=tuple(max(candles.high[place] for place in places) for _, places in whole),
        low=tuple(min(candles.low[place] for place in places) for _, places in whole),
        close=tuple(candles.close[places[-1]] for _, places in whole),
        volume=tuple(sum(candles.volume[place] for place in places) for _, places in whole),
        taker_buy=tuple(
            None if None in values else sum(value or 0.0 for value in values) for values in taker
        ),
    )


class TapeSnapshots:
    """Builds the snapshot of one asset at any decision point of the tape."""

    def __init__(
        self,
        tape: AssetTape,
        path: PricePath,
        market: ModelMarket,
        timeframes: Sequence[Timeframe],
    ) -> None:
        self._timeframes = timeframes
        self._tape = tape
        self._path = path
        self._market = market
        self._series = tuple(resampled(tape.candles, interval) for interval in Interval)
        self._funding_ms = [point.time_ms for point in tape.funding]
        self._interest_ms = [point.time_ms for point in tape.open_interest]
        self._limits = FeedLimits()
        self.lacking: Counter[Feed] = Counter()
        """Decision points at which the tape has nothing fresh of an input."""

    def at(self, due_ms: int) -> Snapshot | None:
        """Return the snapshot at `due_ms`; None where the tape has no price or no market."""
        windows = [Window.at(due_ms, timeframe) for timeframe in self._timeframes]
        views = [self._market.view(window, due_ms) for window in windows]
        markets = tuple(view for view in views if view is not None)
        ticks = self._ticks(due_ms - 1000)
        if not markets or ticks is None:
            return None
        candles = tuple(closed_by(series, due_ms) for series in self._series)
        funding = self._tape.funding[: bisect_right(self._funding_ms, due_ms)][-FUNDING_KEPT:]
        known = bisect_right(self._interest_ms, due_ms)
        interest = self._tape.open_interest[max(0, known - OPEN_INTEREST_KEPT) : known]
        if not self._fresh(Feed.FUNDING, funding, due_ms, self._limits.funding_ms):
            funding = ()
        if not self._fresh(Feed.OPEN_INTEREST, interest, due_ms, self._limits.open_interest_ms):
            interest = ()
        newest = candles[0].open_time_ms[-1] + CYCLE_MS if len(candles[0]) else None
        return Snapshot(
            asset=self._tape.asset,
            due_ms=due_ms,
            taken_ms=due_ms,
            candles=candles,
            ticks=ticks,
            funding=funding,
            next_funding_ms=due_ms - due_ms % EIGHT_HOURS_MS + EIGHT_HOURS_MS if funding else None,
            open_interest=interest,
            markets=markets,
            ages=(
                _age(Feed.CANDLES, newest, due_ms, self._limits.candles_ms),
                _age(Feed.TICKS, due_ms - 1000, due_ms, self._limits.ticks_ms),
                _age(
                    Feed.FUNDING,
                    funding[-1].time_ms if funding else due_ms,
                    due_ms,
                    self._limits.funding_ms,
                ),
                _age(
                    Feed.OPEN_INTEREST,
                    interest[-1].time_ms if interest else due_ms,
                    due_ms,
                    self._limits.open_interest_ms,
                ),
                _age(Feed.BOOKS, due_ms, due_ms, self._limits.books_ms),
                _age(Feed.MARKETS, due_ms, due_ms, self._limits.markets_ms),
            ),
        )

    def _fresh(
        self,
        feed: Feed,
        points: Sequence[FundingPoint | OpenInterestPoint],
        due_ms: int,
        limit_ms: int,
    ) -> bool:
        """Say whether the newest point is fresh; count a lack.

        A tape may hold no funding or no open interest, or have gaps. The strategy then gets none
        of it, and its age counts as fresh: a trial decides on what the tape has. The fleet would
        call the input stale.
        """
        fresh = bool(points) and due_ms - points[-1].time_ms <= limit_ms
        if not fresh:
            self.lacking[feed] += 1
        return fresh

    def _ticks(self, last_ms: int) -> Ticks | None:
        first_ms = last_ms - 1000 * (TICK_SECONDS + LOOK_BACK_SECONDS - 1)
        known = [price for price in self._path.series(first_ms, last_ms) if price is not None]
        if len(known) < TICK_SECONDS + LOOK_BACK_SECONDS:
            return None
        running = sum(known[:LOOK_BACK_SECONDS])
        averages = [running / LOOK_BACK_SECONDS]
        for gone, come in zip(known, known[LOOK_BACK_SECONDS:], strict=False):
            running += come - gone
            averages.append(running / LOOK_BACK_SECONDS)
        count = len(averages)
        return Ticks(
            observed_ms=tuple(last_ms - 1000 * (count - 1 - place) for place in range(count)),
            twap=tuple(averages),
            spot=tuple(known[-count:]),
        )


def closed_by(series: Candles, now_ms: int) -> Candles:
    """Return the candles that have closed by `now_ms`, as many as a snapshot carries."""
    length = INTERVAL_MS[series.interval]
    end = bisect_left(series.open_time_ms, now_ms - length + 1)
    part = slice(max(0, end - CANDLES_KEPT[series.interval]), end)
    return Candles(
        interval=series.interval,
        open_time_ms=series.open_time_ms[part],
        open=series.open[part],
        high=series.high[part],
        low=series.low[part],
        close=series.close[part],
        volume=series.volume[part],
        taker_buy=series.taker_buy[part],
    )


def _age(feed: Feed, newest_ms: int | None, now_ms: int, limit_ms: int) -> InputAge:
    age_ms = None if newest_ms is None else now_ms - newest_ms
    return InputAge(feed=feed, age_ms=age_ms, limit_ms=limit_ms)
