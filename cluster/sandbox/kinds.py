"""Constants, choices and the instant: what every other value of the sandbox is made of."""

import re
from enum import StrEnum
from typing import Final

import msgspec

MICRO: Final = 1_000_000
"""One USD in micro-USD, one share in micro-shares, and the price of certainty."""
SECOND_MS: Final = 1_000
CYCLE_MS: Final = 300_000
"""Windows open and close on 5-minute boundaries."""


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class Outcome(StrEnum):
    UP = "Up"
    DOWN = "Down"

    @property
    def opposite(self) -> "Outcome":
        return Outcome.DOWN if self is Outcome.UP else Outcome.UP


class OrderType(StrEnum):
    GTC = "GTC"
    GTD = "GTD"
    FOK = "FOK"
    FAK = "FAK"


class Timeframe(StrEnum):
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
ASSETS: Final = ("btc", "eth", "sol", "xrp", "doge", "bnb", "hype", "zec")
"""Listed where no others are asked for."""
TIMEFRAMES: Final = (Timeframe.M5, Timeframe.M15)
"""The same of timeframes."""
ASSET_NAME: Final = re.compile(r"[a-z][a-z0-9]{1,9}")


class Now(msgspec.Struct, frozen=True):
    """One instant in both times; `clock.Clock.at` makes it."""

    wire_ms: int
    market_ms: int


class OrderState(StrEnum):
    LIVE = "live"
    DELAYED = "delayed"
    """Marketable, waiting out the taker delay; cannot be cancelled meanwhile."""
    MATCHED = "matched"
    """Completely filled."""
    CANCELED = "canceled"
    EXPIRED = "expired"
    KILLED = "killed"
    """Fill-or-kill or fill-and-kill (remainder)."""
    REFUSED = "refused"


class CancelReason(StrEnum):
    USER = "user"
    CANCEL_ALL = "cancel_all"
    CANCEL_MARKET = "cancel_market"
    HEARTBEAT = "heartbeat"
    """No heartbeat for ten seconds after one armed the account."""
    CLOSE = "close"
    """The market stopped accepting orders."""
    EXPIRED = "expired"
    KILLED = "killed"
    SELF_TRADE = "self_trade"
    """The account's own newer order would have hit it."""
    FUNDS = "funds"
    """Balance was gone when the taker delay ended."""
    ADMIN = "admin"


class TradeStatus(StrEnum):
    MATCHED = "MATCHED"
    MINED = "MINED"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"

    @property
    def final(self) -> bool:
        return self in {TradeStatus.CONFIRMED, TradeStatus.FAILED}


class MarketTime(StrEnum):
    """Where market time comes from."""

    OWN = "own"
    """It starts with the tape, or on a date of its own, and runs at the speed."""
    WALL = "wall"
    """It is the wall's, as at the venue; only at speed 1."""


class VenueMode(StrEnum):
    OPEN = "open"
    RESTARTING = "restarting"
    """425 for everything that concerns orders."""
    POST_ONLY = "post_only"
    """503 with code ``post_only_mode`` for takers; cancels pass."""
    DISABLED = "disabled"
    """503 for orders and for cancels."""
    CANCEL_ONLY = "cancel_only"
