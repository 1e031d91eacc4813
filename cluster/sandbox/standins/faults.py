"""What can be wrong with a stand-in, switched on and off while it serves."""

from enum import StrEnum
from typing import Final

import msgspec

EXCHANGES: Final = ("binance_usdm", "binance_spot", "okx", "bybit", "hyperliquid", "coinbase")
CLOCK_OFF_MS: Final = 60_000
"""How far a stand-in's clock is off where the fault does not say it."""


class Fault(StrEnum):
    KILL = "kill"
    """Every connection is cut without a byte."""
    FREEZE = "freeze"
    """Answers and frames say what was true when it began; the clock goes on."""
    TOO_MANY = "429"
    BANNED = "418"
    COUNTRY = "451"
    FORBIDDEN = "403"
    CLIENT = "1010"
    """403 with the words of a network that refuses the client itself."""
    HTML = "html"
    """A web page with HTTP 200."""
    EMPTY = "empty"
    """HTTP 200 and nothing."""
    OLD_FORMAT = "old format"
    """The answer inside an envelope that nobody speaks any more."""
    REVERSED = "reversed"
    """Rows in the other order."""
    FLAG_LIES = "flag lies"
    """A candle that still forms is said to be closed."""
    SECONDS = "seconds"
    """Stamps in seconds where milliseconds belong, and the other way round."""
    DELISTED = "delisted"
    """One asset is not traded."""
    CLOCK_OFF = "clock off"
    """By `value` ms."""
    WRONG_PRICE = "wrong price"
    """Every price is `value` basis points too high."""
    HOLE = "hole"
    """The candle before the last one is missing."""
    ENVELOPE = "envelope"
    """The exchange's own error, with HTTP 200 where it does that."""


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """One order of the admin door."""

    exchange: str
    fault: Fault
    on: bool = True
    asset: str = ""
    """Of `delisted`; of others: all."""
    value: int = 0
    """Of `clock off`: ms; of `wrong price`: basis points; of `429`: seconds to wait."""


class FaultBoard:
    """Which faults are on."""

    def __init__(self) -> None:
        self._on: dict[tuple[str, Fault], tuple[Switch, int]] = {}

    def set(self, switch: Switch, market_ms: int) -> None:
        key = (switch.exchange, switch.fault)
        if switch.on:
            self._on[key] = (switch, market_ms)
        else:
            self._on.pop(key, None)

    def clear(self) -> None:
        self._on.clear()

    def on(self, exchange: str, fault: Fault) -> Switch | None:
        found = self._on.get((exchange, fault))
        return None if found is None else found[0]

    def since_ms(self, exchange: str, fault: Fault) -> int | None:
        """Return the market time when a fault began."""
        found = self._on.get((exchange, fault))
        return None if found is None else found[1]
