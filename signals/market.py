"""Assets, timeframes, slots, windows and decision points: the fleet's calendar, as pure functions.

All times are UTC milliseconds of market time.
"""

import re
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec


class Asset(StrEnum):
    """What a market is about.

    Those with a name here are the default. A configuration may list others: each is an `Asset`.
    """

    BTC = "btc"
    ETH = "eth"
    SOL = "sol"
    XRP = "xrp"
    DOGE = "doge"
    BNB = "bnb"
    HYPE = "hype"
    ZEC = "zec"

    @classmethod
    def _missing_(cls, value: object) -> "Asset | None":
        """Make any other asset from its name: letters and digits, as the venue writes them."""
        if not isinstance(value, str) or ASSET_NAME.fullmatch(value) is None:
            return None
        if value not in _others and len(_others) < OTHER_ASSETS_MAX:
            other = str.__new__(cls, value)
            other._name_, other._value_ = value.upper(), value
            _others[value] = other
        return _others.get(value)


ASSET_NAME: Final = re.compile(r"[a-z][a-z0-9]{1,9}")
OTHER_ASSETS_MAX: Final = 1_024
"""Of one process. The configuration's are made first; names from a stranger's data end here."""
_others: Final[dict[str, Asset]] = {}
"""One object for one name, so that `is` compares assets."""


class Timeframe(StrEnum):
    """How long a market lasts.

    The rule is the same for all: the average at the close against the one at the open.
    """

    M5 = "5m"
    M15 = "15m"
    H4 = "4h"

    @property
    def length_ms(self) -> int:
        return LENGTHS_MS[self]


LENGTHS_MS: Final = {
    Timeframe.M5: 300_000,
    Timeframe.M15: 900_000,
    Timeframe.H4: 14_400_000,
}


class Outcome(StrEnum):
    """The two claims of a market. The venue calls them Up and Down, never Yes and No."""

    UP = "Up"
    DOWN = "Down"

    @property
    def opposite(self) -> "Outcome":
        return Outcome.DOWN if self is Outcome.UP else Outcome.UP


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


CYCLE_MS: Final = 300_000
"""Every slot decides once per cycle by default; all windows open and close on cycle boundaries."""
DAY_MS: Final = 86_400_000
EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


class Slot(msgspec.Struct, frozen=True, order=True):
    """A permanent seat: one asset and one timeframe. It outlives every process."""

    asset: Asset
    timeframe: Timeframe

    def __str__(self) -> str:
        return f"{self.asset}-{self.timeframe}"

    @classmethod
    def parse(cls, name: str) -> "Slot":
        """Read ``btc-5m``; raise `ValueError` naming what is allowed."""
        asset, _, timeframe = name.partition("-")
        try:
            return cls(Asset(asset), Timeframe(timeframe))
        except ValueError:
            frames = ", ".join(Timeframe)
            raise ValueError(
                f"{name!r} is not a slot; write asset-timeframe, e.g. btc-5m; timeframes: {frames}"
            ) from None

    @classmethod
    def is_name(cls, text: str) -> bool:
        """Tell whether a text names a slot: an asset and a timeframe, as the venue writes them."""
        asset, _, timeframe = text.partition("-")
        return bool(ASSET_NAME.fullmatch(asset)) and timeframe in LENGTHS_MS

    @property
    def place(self) -> tuple[int, int, str]:
        """Return where it stands in a list: by timeframe, the default assets first."""
        return list(Timeframe).index(self.timeframe), *asset_place(self.asset)


def asset_place(asset: Asset) -> tuple[int, str]:
    """Return where an asset stands in a list: the default ones first, then by name."""
    assets = list(Asset)
    return assets.index(asset) if asset in assets else len(assets), str(asset)


DEFAULT_SLOTS: Final = tuple(
    Slot(asset, timeframe) for timeframe in (Timeframe.M5, Timeframe.M15) for asset in Asset
)
"""What a configuration without slots means."""
SLOTS_MAX: Final = 64
"""Of one fleet: one machine's Ray starts a process for each."""


class Window(msgspec.Struct, frozen=True, order=True):
    """A market's interval [open, close)."""

    open_ms: int
    timeframe: Timeframe

    @property
    def close_ms(self) -> int:
        return self.open_ms + self.timeframe.length_ms

    @classmethod
    def at(cls, time_ms: int, timeframe: Timeframe) -> "Window":
        return cls(time_ms - time_ms % timeframe.length_ms, timeframe)


class DecisionPoint(msgspec.Struct, frozen=True, order=True):
    """A moment inside a window at which a slot decides."""

    due_ms: int
    window: Window


def market_slug(asset: Asset | str, window: Window) -> str:
    """Name the venue's market, e.g. ``btc-updown-5m-1767225600`` (open in Unix seconds)."""
    return f"{asset}-updown-{window.timeframe}-{window.open_ms // 1000}"


def decision_points(
    timeframe: Timeframe, offsets_ms: tuple[int, ...], after_ms: int
) -> Iterator[DecisionPoint]:
    """Yield, without end, the decision points with due time strictly later than `after_ms`.

    `offsets_ms`: ascending, each in [0, CYCLE_MS), counted from each 5-minute cycle's boundary.
    """
    cycle_ms = after_ms - after_ms % CYCLE_MS
    while True:
        for offset_ms in offsets_ms:
            due_ms = cycle_ms + offset_ms
            if due_ms > after_ms:
                yield DecisionPoint(due_ms, Window.at(due_ms, timeframe))
        cycle_ms += CYCLE_MS


def deadline_ms(point: DecisionPoint, next_point: DecisionPoint) -> int:
    """Return when a decision counts as missed: the next decision point or its window's close."""
    return min(next_point.due_ms, point.window.close_ms)


def day_start_ms(day: str) -> int:
    """Return when a day of `day_of` begins; raise `ValueError` where the text names none."""
    return (date.fromisoformat(day).toordinal() - EPOCH_ORDINAL) * DAY_MS


def day_of(time_ms: int) -> str:
    """Return the UTC day as ``YYYY-MM-DD``."""
    return date.fromordinal(EPOCH_ORDINAL + time_ms // DAY_MS).isoformat()
