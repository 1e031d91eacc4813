"""What a tape holds once it is read: kept apart from Parquet, which only a tape needs."""

from typing import Any, Final

import msgspec

TAPE_FILES: Final = ("klines.parquet", "funding.parquet", "open_interest.parquet")


class TapeError(Exception):
    """The tape folder cannot be used; the message says what is missing."""


class RecordedCandles(msgspec.Struct, frozen=True, kw_only=True):
    first_index: int
    rows: Any
    """Floats of shape (n, 6): open, high, low, close, volume, taker buy (NaN: not recorded)."""

    @property
    def end_index(self) -> int:
        return self.first_index + len(self.rows)


class RecordedSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Times ascending, with a value each."""

    market_ms: Any
    values: Any


class Tape(msgspec.Struct, frozen=True, kw_only=True):
    candles: dict[str, RecordedCandles]
    funding: dict[str, RecordedSeries]
    open_interest: dict[str, RecordedSeries]
    longer: dict[str, dict[int, dict[int, Any]]] = {}
    """Candles longer than five minutes: asset -> length in ms -> open time in ms -> row."""
