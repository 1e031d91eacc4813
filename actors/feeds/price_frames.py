"""Frames of the venue's price socket (PolyBolt): averages by symbol, numbered by channel. Pure."""

import math
from decimal import Decimal
from typing import Final

import msgspec

from actors.feeds.books import read_stamp
from actors.feeds.http import UNREADABLE, Malformed
from actors.market_data.events import TicksReceived
from actors.venue.polymarket.market_rule import LOOK_BACK_S
from signals.market import Asset
from signals.snapshot import Ticks

CHANNEL: Final = "price.crypto.twap"
QUOTE: Final = "usd"
SOURCE: Final = "chainlink"
NEAR: Final = 1e-6
"""Relative: a float and its exact text are one value, or one of them has another scale."""
POINTS_MAX: Final = 10_000
"""Of one frame: two minutes by the second are 120."""
TEXT_MAX: Final = 60


class Subscribe(msgspec.Struct):
    """One frame asks for all symbols: the venue counts frames, and lets a batch count once."""

    subscriptions: list["Wanted"]
    op: str = "subscribe"
    rid: str = "s1"


class Filter(msgspec.Struct):
    symbol: str
    window_seconds: int = LOOK_BACK_S


class Wanted(msgspec.Struct):
    filter: Filter
    channel: str = CHANNEL


def subscriptions(assets: tuple[Asset, ...], op: str = "subscribe") -> str:
    wanted = [Wanted(filter=Filter(symbol=f"{asset}{QUOTE}")) for asset in assets]
    return msgspec.json.encode(Subscribe(subscriptions=wanted, op=op)).decode()


class _Point(msgspec.Struct):
    timestamp: int | None = None
    value: float | None = None
    full_accuracy_value: str | None = None


class _Payload(_Point):
    symbol: str = ""
    source: str | None = None
    window_seconds: int | None = None
    data: list[_Point] | None = None


class _Frame(msgspec.Struct):
    channel: str | None = None
    seq: int | None = None
    dropped: int | None = None
    payload: _Payload | None = None
    op: str | None = None
    code: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """What the venue says to a request: `authed`, `subscribed`, `pong`, or an error's code."""

    op: str
    code: str = ""


class Averages(msgspec.Struct, frozen=True):
    received: TicksReceived
    channel: str
    sequence: int | None
    dropped: int
    """Frames that the venue says it left out before this one."""


_decoder = msgspec.json.Decoder(_Frame)


def read_price_frame(frame: bytes) -> Averages | Answer | None:
    """Read one frame; None for other channels. Raises `Malformed`."""
    try:
        found = _decoder.decode(frame)
    except UNREADABLE as error:
        raise Malformed(f"{error}; it begins {frame[:80]!r}") from error
    if found.op is not None:
        return Answer(found.op[:40], (found.code or "")[:40])
    if found.channel != CHANNEL or found.payload is None:
        return None
    return Averages(
        received=_ticks(found.payload),
        channel=found.channel,
        sequence=found.seq,
        dropped=max(0, found.dropped or 0),
    )


def _ticks(payload: _Payload) -> TicksReceived:
    symbol = payload.symbol.lower()
    try:
        asset = Asset(symbol.removesuffix(QUOTE))
    except ValueError as error:
        raise Malformed(f"a symbol {symbol[:20]!r}") from error
    if not symbol.endswith(QUOTE) or payload.source not in (None, SOURCE):
        raise Malformed(f"{symbol[:20]!r} from {payload.source!r}")
    if payload.window_seconds not in (None, LOOK_BACK_S):
        raise Malformed(f"an average over {payload.window_seconds} s, asked for {LOOK_BACK_S}")
    points: list[_Point] = [payload] if payload.data is None else payload.data
    if len(points) > POINTS_MAX:
        raise Malformed(f"{len(points)} points in one frame")
    pairs = [(_stamp(point), _value(point)) for point in points]
    return TicksReceived(
        asset=asset,
        ticks=Ticks(
            observed_ms=tuple(time_ms for time_ms, _ in pairs),
            twap=tuple(value for _, value in pairs),
            spot=(),
        ),
    )


def _stamp(point: _Point) -> int:
    if point.timestamp is None:
        raise Malformed("a point without a time")
    return read_stamp(point.timestamp)


def _value(point: _Point) -> float:
    """Read the exact text where there is one; it must be the same value as the rounded number."""
    text, rounded = point.full_accuracy_value, point.value
    if text is None and rounded is None:
        raise Malformed("a point without a value")
    try:
        value = rounded if text is None else float(Decimal(text[:TEXT_MAX]))
    except ArithmeticError as error:
        raise Malformed(f"a value {text!r}") from error
    if value is None or not math.isfinite(value) or value <= 0:
        raise Malformed(f"a value {value}")
    if rounded is not None and not math.isclose(value, rounded, rel_tol=NEAR):
        raise Malformed(f"a value {rounded} that is {text} in full")
    return value


class Sequences:
    """Finds frames that are missing: numbers go up by one in a channel, or in each of its symbols.

    The venue numbers by channel; where each symbol has its own row, that is no gap either. The
    first frame of a symbol has its history, so nothing can be missing before it.
    """

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def lost(self, frame: Averages) -> int:
        """Return how many frames are missing before this one."""
        if frame.sequence is None:
            return frame.dropped
        symbol = f"{frame.channel}/{frame.received.asset}"
        rows = (frame.channel, symbol) if symbol in self._last else ()
        gaps = [frame.sequence - self._last[row] - 1 for row in rows]
        self._last[frame.channel] = self._last[symbol] = frame.sequence
        missing = min((max(0, gap) for gap in gaps if gap >= -1), default=0)
        return max(frame.dropped, missing)
