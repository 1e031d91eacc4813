"""Read numbers and stamps that strangers wrote: in a plausible range, or not at all. Pure."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from actors.market_data.inputs import INPUTS, QUOTE_SHARE, Name
from actors.market_data.sources.port import Candle, Cause, SourceName
from actors.market_data.state import INTERVAL_MS, last_boundary_ms
from signals.market import Asset
from signals.snapshot import Interval

STAMP_MS_MIN: Final = 1_400_000_000_000
"""2014; a stamp in seconds is far below it."""
STAMP_MS_MAX: Final = 4_100_000_000_000
"""2099."""
SECOND_MS: Final = 1_000
FLAG_EARLY_MS: Final = 2_000
"""A closed flag may come so much before the end by a Date header, which is cut to seconds."""
RATE_MAX: Final = INPUTS[Name.FUNDING_RATE].high
INTERVALS_OF_FUNDING_MS: Final = tuple(hours * 3_600_000 for hours in (1, 2, 4, 8))
Number = str | int | float
"""Most services write numbers as text, some as numbers."""


_T = TypeVar("_T")


class Unreadable(Exception):  # noqa: N818 an answer's state, raised and caught inside one source
    """The answer is not in the source's format: nothing of it is used."""


class SourceFault(Exception):  # noqa: N818 an answer's state, raised and caught inside one source
    """The source answered with an error of its own."""

    def __init__(self, cause: Cause, reason: str, wait_ms: int | None = None) -> None:
        super().__init__(reason)
        self.cause = cause
        self.wait_ms = wait_ms


def decode(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable(f"{error}; it begins {body[:80]!r}") from error


def decoded_or_none(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """Read a body that may well be something else."""
    try:
        return decode(decoder, body)
    except Unreadable:
        return None


def converted(data: object, kind: type[_T]) -> _T:
    """Read a part of an answer whose shape depends on another part."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise Unreadable(str(error)) from error


# ---- single values ----------------------------------------------------------------------------


def number(value: Number | None) -> float:
    if isinstance(value, bool) or value is None:
        raise Unreadable(f"{value!r} is not a number")
    if isinstance(value, str) and not value.isascii():
        raise Unreadable(f"{value!r} is not a number")
    try:
        found = float(value)
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"{value!r} is not a number") from error
    if not math.isfinite(found):
        raise Unreadable(f"{value!r} is not finite")
    return found


def _ranged(name: Name, value: Number | None) -> float:
    found = number(value)
    if not INPUTS[name].holds(found):
        raise Unreadable(f"{found!r} {INPUTS[name].unit} is out of range")
    return found


def price(value: Number | None) -> float:
    return _ranged(Name.CANDLE_PRICE, value)


def quantity(value: Number | None) -> float:
    return _ranged(Name.CANDLE_VOLUME, value)


def interest(value: Number | None) -> float:
    return _ranged(Name.INTEREST, value)


def rate(value: Number | None) -> float:
    return _ranged(Name.FUNDING_RATE, value)


def maybe_rate(value: Number | None) -> float | None:
    """Read a rate that may not be there: null and empty text mean that."""
    return None if value is None or value == "" else rate(value)


def stamp_ms(value: Number | None) -> int:
    """Read a stamp in milliseconds; one in seconds is another format."""
    found = number(value)
    if STAMP_MS_MIN // SECOND_MS <= found <= STAMP_MS_MAX // SECOND_MS:
        raise Unreadable(f"{value!r}: seconds where milliseconds belong")
    if not STAMP_MS_MIN <= found <= STAMP_MS_MAX or found != int(found):
        raise Unreadable(f"{value!r} is no stamp")
    return int(found)


def stamp_of_seconds(value: Number | None) -> int:
    """Read a stamp in whole seconds."""
    return stamp_ms(number(value) * SECOND_MS)


def stamp_of_either(value: Number | None) -> int:
    """Read a stamp of a source that writes both: which one it is cannot be mistaken."""
    found = number(value)
    return stamp_ms(found if found >= STAMP_MS_MIN else found * SECOND_MS)


def maybe_stamp(value: Number | None) -> int | None:
    """Read a stamp that may not be there: null, empty text and 0 mean that."""
    return None if value is None or value in ("", "0", 0) else stamp_ms(value)


def funding_interval_ms(value_ms: float) -> int:
    for known_ms in INTERVALS_OF_FUNDING_MS:
        if abs(value_ms - known_ms) <= SECOND_MS:
            return known_ms
    raise Unreadable(f"funding every {value_ms:g} ms")


# ---- candles ----------------------------------------------------------------------------------


class Row(NamedTuple):
    """One candle as a source wrote it."""

    open_ms: int
    open: Number | None
    high: Number | None
    low: Number | None
    close: Number | None
    base: Number | None
    quote: Number | None = None
    """Volume in quote units, where it is said: names the price a second time."""
    taker_buy: Number | None = None
    closed: bool | None = None
    """The exchange's flag; None where there is none."""


class Series(NamedTuple):
    """Whose candles are read, and the exchange's time when it answered."""

    source: SourceName
    asset: Asset
    interval: Interval
    clock_ms: int


def candle(row: Row, series: Series, *, closed: bool) -> Candle:
    """Read one candle; a flag that closes it before its end by the exchange's clock is no flag."""
    end_ms = row.open_ms + INTERVAL_MS[series.interval]
    if closed and series.clock_ms and end_ms > series.clock_ms + FLAG_EARLY_MS:
        raise Unreadable(f"a {series.interval} candle is called closed, {end_ms} is its end")
    found = Candle(
        source=series.source,
        asset=series.asset,
        interval=series.interval,
        open_time_ms=row.open_ms,
        open=price(row.open),
        high=price(row.high),
        low=price(row.low),
        close=price(row.close),
        volume=quantity(row.base),
        taker_buy=None if row.taker_buy is None else quantity(row.taker_buy),
        closed=closed,
    )
    _check(found, row.quote)
    return found


def _check(found: Candle, quote: Number | None) -> None:
    if last_boundary_ms(found.interval, found.open_time_ms) != found.open_time_ms:
        raise Unreadable(f"{found.open_time_ms} opens no {found.interval} candle")
    inner = (found.open, found.close)
    if not found.low <= min(inner) or not max(inner) <= found.high:
        raise Unreadable(f"open or close outside {found.low:g} .. {found.high:g}")
    if found.taker_buy is not None and found.taker_buy > found.volume * (1 + 1e-6):
        raise Unreadable(f"takers bought {found.taker_buy:g} of {found.volume:g}")
    if quote is None or not found.volume:
        return
    low, high = found.volume * found.low, found.volume * found.high
    if not low * (1 - QUOTE_SHARE) <= quantity(quote) <= high * (1 + QUOTE_SHARE):
        raise Unreadable(f"volume {found.volume:g} and quote volume {quote} name another price")


def candles(rows: Iterable[Row], series: Series) -> tuple[Candle, ...]:
    """Read rows in any order; return them oldest first, each with what is known of its end."""
    in_order = sorted(set(rows), key=lambda row: row.open_ms)
    length_ms = INTERVAL_MS[series.interval]
    if any(later.open_ms - row.open_ms < length_ms for row, later in pairwise(in_order)):
        raise Unreadable(f"{series.interval} candles overlap")
    found = []
    for place, row in enumerate(in_order):
        ended = row.open_ms + length_ms <= series.clock_ms
        closed = row.closed
        if closed is None:
            closed = place + 1 < len(in_order) or ended
        found.append(candle(row, series, closed=closed))
    return tuple(found)


def joined(found: Sequence[Candle], interval: Interval) -> tuple[Candle, ...]:
    """Join candles of a shorter interval into whole ones of `interval`.

    A leading part is left out; so is one with a hole in it: it would look like a whole candle.
    """
    parts: dict[int, list[Candle]] = {}
    for one in found:
        parts.setdefault(last_boundary_ms(interval, one.open_time_ms), []).append(one)
    whole = []
    for open_ms, pieces in sorted(parts.items()):
        wanted = INTERVAL_MS[interval] // INTERVAL_MS[pieces[0].interval]
        if len(pieces) == wanted and all(piece.closed for piece in pieces):
            whole.append(_one(pieces, interval, open_ms))
    return tuple(whole)


def _one(pieces: Sequence[Candle], interval: Interval, open_ms: int) -> Candle:
    takers = [piece.taker_buy for piece in pieces]
    known = [taker for taker in takers if taker is not None]
    return msgspec.structs.replace(
        pieces[0],
        interval=interval,
        open_time_ms=open_ms,
        high=max(piece.high for piece in pieces),
        low=min(piece.low for piece in pieces),
        close=pieces[-1].close,
        volume=sum(piece.volume for piece in pieces),
        taker_buy=sum(known) if len(known) == len(takers) else None,
    )
