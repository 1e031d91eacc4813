"""Synthetic snapshots for tests: seeded, complete by default, each part replaceable.

`make_snapshot()` is a full snapshot 20 s into a window; `tests.signals.altered` changes it.
"""

import math
import random
from collections.abc import Sequence

import msgspec

from signals.market import CYCLE_MS, Asset, Timeframe, Window
from signals.snapshot import (
    Book,
    BookLevel,
    Candles,
    Feed,
    FundingPoint,
    InputAge,
    Interval,
    MarketView,
    OpenInterestPoint,
    Snapshot,
    Ticks,
)
from signals.units import MICRO, MicroShares, PriceMicroUsd

DUE_MS = 1_767_225_620_000
"""2026-01-01 00:00:20 UTC, 20 s after a boundary of both timeframes."""
COUNTS = {
    Interval.M5: 60,
    Interval.M15: 40,
    Interval.M30: 336,
    Interval.H1: 40,
    Interval.H4: 40,
    Interval.D1: 40,
    Interval.W1: 20,
}
LENGTH_MS = {
    Interval.M5: 300_000,
    Interval.M15: 900_000,
    Interval.M30: 1_800_000,
    Interval.H1: 3_600_000,
    Interval.H4: 14_400_000,
    Interval.D1: 86_400_000,
    Interval.W1: 604_800_000,
}
SIGMA_PER_ROOT_SECOND = 0.0001
"""Fraction of the price: 1 bp per square root of a second, lively for BTC."""
AGE_LIMIT_MS = {
    Feed.CANDLES: 330_000,
    Feed.TICKS: 5_000,
    Feed.FUNDING: 32_400_000,
    Feed.OPEN_INTEREST: 600_000,
    Feed.BOOKS: 30_000,
    Feed.MARKETS: 600_000,
}


def make_candles(  # every part of a candle series can be set
    interval: Interval = Interval.M5,
    *,
    closes: Sequence[float],
    end_ms: int = DUE_MS,
    opens: Sequence[float] | None = None,
    highs: Sequence[float] | None = None,
    lows: Sequence[float] | None = None,
    volumes: Sequence[float] | None = None,
    taker_buy: Sequence[float | None] | None = None,
) -> Candles:
    """Make closed candles that end at or before `end_ms`; opens follow the previous close."""
    length = LENGTH_MS[interval]
    first_ms = end_ms - end_ms % length - len(closes) * length
    opens = opens or [closes[0], *closes[:-1]]
    return Candles(
        interval=interval,
        open_time_ms=tuple(first_ms + index * length for index in range(len(closes))),
        open=tuple(opens),
        high=tuple(highs or map(max, opens, closes)),
        low=tuple(lows or map(min, opens, closes)),
        close=tuple(closes),
        volume=tuple(volumes or [100.0] * len(closes)),
        taker_buy=tuple(taker_buy or [50.0] * len(closes)),
    )


def walk_candles(
    interval: Interval, count: int, *, price: float, end_ms: int, rng: random.Random
) -> Candles:
    """Make a random walk that ends near `price`, with wicks, volume and taker-buy."""
    step = price * min(0.03, SIGMA_PER_ROOT_SECOND * math.sqrt(LENGTH_MS[interval] / 1000))
    closes = [price]
    for _ in range(count):
        closes.append(max(price * 0.1, closes[-1] - rng.gauss(0, step)))
    closes.reverse()
    opens, closes = closes[:-1], closes[1:]
    volumes = [rng.uniform(50, 150) for _ in closes]
    return make_candles(
        interval,
        closes=closes,
        end_ms=end_ms,
        opens=opens,
        highs=[max(o, c) + rng.uniform(0, step / 2) for o, c in zip(opens, closes, strict=True)],
        lows=[min(o, c) - rng.uniform(0, step / 2) for o, c in zip(opens, closes, strict=True)],
        volumes=volumes,
        taker_buy=[volume * rng.uniform(0.3, 0.7) for volume in volumes],
    )


def make_ticks(
    *, taken_ms: int, price: float, rng: random.Random, seconds: int = 960, look_back: int = 60
) -> Ticks:
    """Make one tick a second whose newest is 1 s old at `taken_ms`, spot and its average."""
    last_ms = taken_ms - taken_ms % 1000 - 1000
    spot = [price]
    for _ in range(seconds + look_back - 1):
        spot.append(spot[-1] - rng.gauss(0, price * SIGMA_PER_ROOT_SECOND))
    spot.reverse()
    twap = [
        math.fsum(spot[end - look_back + 1 : end + 1]) / look_back
        for end in range(look_back, len(spot))
    ]
    count = len(twap)
    return Ticks(
        observed_ms=tuple(last_ms - 1000 * (count - 1 - index) for index in range(count)),
        twap=tuple(twap),
        spot=tuple(spot[-count:]),
    )


def make_book(
    mid: float,
    *,
    spread_ticks: int = 2,
    tick_micro_usd: int = 10_000,
    shares: float = 200.0,
    levels: int = 5,
    received_ms: int = DUE_MS,
) -> Book:
    """Make a book around `mid` (0 .. 1); levels that leave (0, 1) are not there."""
    bid = int(mid * MICRO - spread_ticks * tick_micro_usd / 2)
    bid -= bid % tick_micro_usd
    ask = bid + spread_ticks * tick_micro_usd
    size = MicroShares(int(shares * MICRO))

    def side(best: int, step: int) -> tuple[BookLevel, ...]:
        prices = (best + step * index for index in range(levels))
        return tuple(
            BookLevel(price=PriceMicroUsd(price), shares=size)
            for price in prices
            if tick_micro_usd <= price <= MICRO - tick_micro_usd
        )

    return Book(
        bids=side(bid, -tick_micro_usd),
        asks=side(ask, tick_micro_usd),
        tick_micro_usd=tick_micro_usd,
        received_ms=received_ms,
    )


def make_market(
    window: Window,
    *,
    mid_up: float = 0.5,
    price_to_beat: float | None = None,
    received_ms: int = DUE_MS,
    spread_ticks: int = 2,
    shares: float = 200.0,
) -> MarketView:
    name = f"{window.timeframe}-{window.open_ms}"
    up = make_book(mid_up, spread_ticks=spread_ticks, shares=shares, received_ms=received_ms)
    return MarketView(
        window=window,
        condition_id=f"0xcondition-{name}",
        up_token_id=f"up-{name}",
        down_token_id=f"down-{name}",
        up_book=up,
        down_book=opposite_book(up),
        accepting_orders=True,
        fee_rate="0.07",
        min_order_shares=MicroShares(5 * MICRO),
        twap_lookback_seconds=60,
        price_to_beat=price_to_beat,
    )


def opposite_book(book: Book) -> Book:
    """Return the other outcome's book: a bid at p is an ask at 1 - p."""

    def flip(levels: tuple[BookLevel, ...]) -> tuple[BookLevel, ...]:
        return tuple(
            BookLevel(price=PriceMicroUsd(MICRO - level.price), shares=level.shares)
            for level in levels
        )

    return msgspec.structs.replace(book, bids=flip(book.asks), asks=flip(book.bids))


def make_ages(age_ms: int = 1_000, **others_ms: int) -> tuple[InputAge, ...]:
    """Say the same age of every feed, but for those that are named, e.g. ``candles=20_000``."""
    said = dict.fromkeys(Feed, age_ms) | {Feed(name): said for name, said in others_ms.items()}
    return tuple(
        InputAge(feed=feed, age_ms=said[feed], limit_ms=AGE_LIMIT_MS[feed]) for feed in Feed
    )


def make_snapshot(
    *,
    asset: Asset = Asset.BTC,
    due_ms: int = DUE_MS,
    price: float = 60_000.0,
    price_to_beat: float | None = None,
    mid_up: float = 0.5,
    spread_ticks: int = 2,
    funding: Sequence[float] = (0.0001,) * 6,
    seed: int = 1,
) -> Snapshot:
    """Make a complete snapshot taken at its due time. `price_to_beat` None: as not yet published.

    Replace a part with ``msgspec.structs.replace(snapshot, candles=(), ...)``.
    """
    rng = random.Random(seed)
    ticks = make_ticks(taken_ms=due_ms, price=price, rng=rng)
    reset_ms = due_ms - due_ms % 28_800_000
    return Snapshot(
        asset=asset,
        due_ms=due_ms,
        taken_ms=due_ms,
        candles=tuple(
            walk_candles(interval, count, price=price, end_ms=due_ms, rng=rng)
            for interval, count in COUNTS.items()
        ),
        ticks=ticks,
        funding=tuple(
            FundingPoint(time_ms=reset_ms - 28_800_000 * (len(funding) - 1 - index), rate=rate)
            for index, rate in enumerate(funding)
        ),
        next_funding_ms=reset_ms + 28_800_000,
        open_interest=tuple(
            OpenInterestPoint(
                time_ms=due_ms - 60_000 * (60 - index),
                base_units=100_000.0 * (1 + 0.0002 * index) + rng.uniform(-5, 5),
            )
            for index in range(60)
        ),
        markets=tuple(
            make_market(
                Window.at(due_ms, timeframe),
                mid_up=mid_up,
                price_to_beat=price_to_beat,
                received_ms=due_ms - 1_000,
                spread_ticks=spread_ticks,
            )
            for timeframe in Timeframe
        ),
        ages=make_ages(candles=due_ms % CYCLE_MS, funding=due_ms - reset_ms, open_interest=60_000),
    )
