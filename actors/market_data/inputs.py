"""Every number that reaches a decision: its unit, its range, how fast it may change, its sister.

One table. `actors.market_data.plausible` holds what comes in against it, datum by datum;
`actors.market_data.agreement` holds a snapshot's inputs against each other. What fails is counted
and named, and the snapshot says of its feed that it has no data. docs/inputs.md is made from it.
"""

from enum import StrEnum
from typing import Final

import msgspec

from signals.snapshot import Feed, Interval


class Name(StrEnum):
    """What an input is called in counts, alarms and reasons."""

    CANDLE_PRICE = "candle_price"
    CANDLE_VOLUME = "candle_volume"
    CANDLE_TAKER = "candle_taker_buy"
    CANDLE_TIME = "candle_time"
    TICK_PRICE = "tick_price"
    TICK_TIME = "tick_time"
    FUNDING_RATE = "funding_rate"
    FUNDING_TIME = "funding_time"
    FUNDING_NEXT = "funding_next"
    INTEREST = "open_interest"
    INTEREST_TIME = "open_interest_time"
    BOOK_PRICE = "book_price"
    BOOK_SHARES = "book_shares"
    BOOK_STAMP = "book_stamp"
    BOOK_DOUBT = "book_in_doubt"
    STRIKE = "price_to_beat"
    TICK_SIZE = "tick_size"
    MIN_ORDER = "min_order_shares"
    LOOK_BACK = "twap_lookback"
    FEE = "fee"
    VENUE_CLOCK = "venue_clock"
    MARKET_RULE = "market_rule"


class Input(msgspec.Struct, frozen=True, kw_only=True):
    name: Name
    feed: Feed | None
    """Whose data it is; None: the gateway judges it."""
    unit: str
    low: float
    high: float
    """A value outside low .. high is refused. Times: ms behind and ahead of market time."""
    change: str = "-"
    """How far it may move, and in which time."""
    sister: str = "-"
    """What must agree with it."""

    def holds(self, value: float) -> bool:
        """Tell whether a value is in range; NaN is not."""
        return self.low <= value <= self.high


DAY_MS: Final = 86_400_000
AHEAD_MS: Final = 2_000
"""Market ms that a datum may be stamped ahead of us: as much as clocks may differ."""
STAMP_AHEAD_MS: Final = 10_000
"""Wire ms that a book may be stamped ahead: a stamp decides only which message is the newer."""
PRICE_MAX: Final = 1e8
PRICE_MIN: Final = 1e-8
CANDLE_LEAP: Final = {
    Interval.M5: 1.5,
    Interval.M15: 1.5,
    Interval.M30: 1.5,
    Interval.H1: 2.0,
    Interval.H4: 2.0,
    Interval.D1: 3.0,
    Interval.W1: 5.0,
}
"""Ratio of two closes in a row; the largest recorded one of 5 minutes is 1.03. Cents are 100."""
CANDLE_CANDLE: Final = 1e-3
"""Log distance of two intervals' closes at one instant: they are made of the same trades."""
TICK_LEAP: Final = 0.1
"""Log distance of two averages within a minute; the largest recorded one is 0.002."""
TICK_CANDLE: Final = 0.1
"""Log distance of the settlement price and the last close, at most 5.5 minutes older. A market that
leaps so far is one to stay out of."""
TICK_FROZEN_MS: Final = 120_000
"""An average that does not move for so long is repeated; the longest recorded is 7 s."""
INTEREST_LEAP: Final = 1.6
"""Ratio of two amounts within 15 minutes; the largest recorded is 1.06. A side counted once instead
of twice is 2, USD for base units is the price."""
INTEREST_NEAR_MS: Final = 900_000
STRIKE_TICK: Final = 5e-5
"""Relative; the price to beat is the average observed at the open. The spot price there differs by
2e-4 in quiet minutes, and settles another market."""
QUOTE_SHARE: Final = 0.01
"""By which quote volume may lie outside volume times the candle's range."""
PAIR_MICRO_USD: Final = 20_000
"""Two coarse ticks: what the books of Up and Down may cross each other by while one is behind."""
TICK_SIZES: Final = (100, 1_000, 10_000, 100_000)
"""Micro-USD; the venue has no others."""


def _table() -> tuple[Input, ...]:
    return (
        Input(
            name=Name.CANDLE_PRICE,
            feed=Feed.CANDLES,
            change="close to close: a factor of 1.5 (to 30 m), 2 (4 h), 3 (1 d), 5 (1 w)",
            sister="low <= open, close <= high; other intervals' close of that instant (0.1 %)",
            unit="USD",
            low=PRICE_MIN,
            high=PRICE_MAX,
        ),
        Input(
            name=Name.CANDLE_VOLUME,
            feed=Feed.CANDLES,
            unit="base units",
            low=0.0,
            high=1e14,
            sister="quote volume: volume times a price inside the candle (1 %)",
        ),
        Input(
            name=Name.CANDLE_TAKER,
            feed=Feed.CANDLES,
            unit="base units",
            low=0.0,
            high=1e14,
            sister="at most the volume",
        ),
        Input(
            name=Name.CANDLE_TIME,
            feed=Feed.CANDLES,
            unit="ms, open time",
            low=-300 * DAY_MS,
            high=0,
            change="on the interval's grid, ascending, not every second one",
            sister="closes when its interval is over, by a later row or 3 s of the clock",
        ),
        Input(
            name=Name.TICK_PRICE,
            feed=Feed.TICKS,
            change="10 % within a minute; not the same for 120 s",
            sister="last 5 m close (10 %)",
            unit="USD",
            low=PRICE_MIN,
            high=PRICE_MAX,
        ),
        Input(
            name=Name.TICK_TIME,
            feed=Feed.TICKS,
            unit="ms, observation",
            low=-DAY_MS,
            high=AHEAD_MS,
            change="one value an instant",
        ),
        Input(
            name=Name.FUNDING_RATE,
            feed=Feed.FUNDING,
            unit="fraction per interval",
            low=-0.05,
            high=0.05,
        ),
        Input(
            name=Name.FUNDING_TIME,
            feed=Feed.FUNDING,
            unit="ms",
            low=-60 * DAY_MS,
            high=AHEAD_MS,
        ),
        Input(
            name=Name.FUNDING_NEXT,
            feed=Feed.FUNDING,
            unit="ms",
            low=-3_600_000,
            high=9 * 3_600_000,
        ),
        Input(
            name=Name.INTEREST,
            feed=Feed.OPEN_INTEREST,
            unit="base units",
            low=1e-6,
            high=1e14,
            change="a factor of 1.6 within 15 minutes",
        ),
        Input(
            name=Name.INTEREST_TIME,
            feed=Feed.OPEN_INTEREST,
            unit="ms",
            low=-30 * DAY_MS,
            high=AHEAD_MS,
        ),
        Input(
            name=Name.BOOK_PRICE,
            feed=Feed.BOOKS,
            unit="micro-USD",
            low=1,
            high=999_999,
            change="on the market's tick; best bid below best ask",
            sister="the other outcome's book: Up and Down cost 1 USD together (0.02)",
        ),
        Input(
            name=Name.BOOK_SHARES,
            feed=Feed.BOOKS,
            unit="micro-shares",
            low=0,
            high=1e16,
        ),
        Input(
            name=Name.BOOK_STAMP,
            feed=Feed.BOOKS,
            unit="wire ms",
            low=-DAY_MS,
            high=STAMP_AHEAD_MS,
            sister="a message that repeats a stamp is not fresh",
        ),
        Input(
            name=Name.BOOK_DOUBT,
            feed=Feed.BOOKS,
            unit="books",
            low=0,
            high=0,
            sister="the stream's own best prices after each change; else it is taken anew by REST",
        ),
        Input(
            name=Name.STRIKE,
            feed=Feed.MARKETS,
            sister="what was said before and the average at the open (0.005 %), else now's (10 %)",
            unit="USD",
            low=PRICE_MIN,
            high=PRICE_MAX,
        ),
        Input(
            name=Name.TICK_SIZE,
            feed=Feed.MARKETS,
            unit="micro-USD",
            low=100,
            high=100_000,
            change="0.0001, 0.001, 0.01 or 0.1 USD",
            sister="every price of the book is on it; one that is not has the book taken anew",
        ),
        Input(
            name=Name.MIN_ORDER,
            feed=Feed.MARKETS,
            unit="micro-shares",
            low=1,
            high=1e9,
        ),
        Input(
            name=Name.LOOK_BACK,
            feed=Feed.MARKETS,
            unit="seconds",
            low=1,
            high=900,
            sister="the market says that it settles on an average",
        ),
        Input(
            name=Name.FEE,
            feed=Feed.MARKETS,
            unit="rate of p (1 - p)",
            low=0,
            high=1,
            sister="exponent 1, takers only; a market that says anything else is refused",
        ),
        Input(
            name=Name.VENUE_CLOCK,
            feed=None,
            unit="wire ms from ours",
            low=-2_000,
            high=2_000,
            sister="this machine's clock and the fleet's time; the limit is configured",
        ),
        Input(
            name=Name.MARKET_RULE,
            feed=Feed.MARKETS,
            unit="contradictions",
            low=0,
            high=0,
            change="a market whose rule changes is not traded any more",
            sister="slug, series, times, asset, duration, average and its 60 s, source, fee form",
        ),
    )


INPUTS: Final = {row.name: row for row in _table()}


class Odd(msgspec.Struct, frozen=True, kw_only=True):
    """A datum that was refused, and why."""

    name: Name
    cause: str


def odd(name: Name, cause: str) -> Odd:
    return Odd(name=name, cause=cause)


def odd_of(fault: str) -> Odd | None:
    """Read back what a snapshot says of an input that it does not believe."""
    name, _, cause = fault.partition(": ")
    return Odd(name=Name(name), cause=cause) if fault else None
