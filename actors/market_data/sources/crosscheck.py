"""Do sources agree, and does each still move? Pure.

Two that differ do not say which one is wrong: a third one decides.
"""

import statistics
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from actors.market_data.sources.port import Candle, NextFunding, SourceName
from actors.market_data.state import INTERVAL_MS
from signals.snapshot import Interval

CLOSE_SHARE: Final = 5e-4
"""Five basis points: the same hour of three exchanges closed 0.3 apart."""
FUNDING_GAP: Final = 5e-5
"""Half a basis point: two readings of one running estimate, some seconds apart."""
LATE_MS: Final = 4_000
"""Market ms after its end until a closed candle must be there, and followed by the next one."""
CLOCK_LIMIT_MS: Final = 1_000
"""Of market time, beyond half the round trip."""


class Verdict(StrEnum):
    AGREE = "agree"
    FROZEN = "frozen"
    """The other has what this one should have."""
    DISAGREE = "disagree"
    UNKNOWN = "unknown"
    """Nothing to compare."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    cause: str = ""


def closed(found: Sequence[Candle]) -> list[Candle]:
    return [one for one in found if one.closed]


def reaches(found: Sequence[Candle], boundary_ms: int) -> bool:
    """Tell whether the candle that ended at the boundary is there, closed."""
    return any(end_ms(one) >= boundary_ms for one in closed(found))


def is_followed(found: Sequence[Candle], boundary_ms: int) -> bool:
    """Tell whether a candle after the boundary has begun: then the one before it is whole.

    A source that froze inside a candle shows a part of it, which a clock alone calls closed.
    """
    return any(one.open_time_ms >= boundary_ms for one in found)


def proven(found: Sequence[Candle], now_ms: int) -> tuple[Candle, ...]:
    """Return the closed candles; a newest one that nothing follows only after a while."""
    whole = closed(found)
    if not whole:
        return ()
    newest_end_ms = end_ms(whole[-1])
    if is_followed(found, newest_end_ms) or now_ms - newest_end_ms > LATE_MS:
        return tuple(whole)
    return tuple(whole[:-1])


def end_ms(candle: Candle) -> int:
    return candle.open_time_ms + INTERVAL_MS[candle.interval]


def holes(found: Sequence[Candle], interval: Interval) -> tuple[int, ...]:
    """Return the open times that are missing between the first candle and the last."""
    if not found:
        return ()
    length_ms = INTERVAL_MS[interval]
    there = {one.open_time_ms for one in found}
    wanted = range(found[0].open_time_ms, found[-1].open_time_ms, length_ms)
    return tuple(time_ms for time_ms in wanted if time_ms not in there)


def compare(mine: Sequence[Candle], theirs: Sequence[Candle], boundary_ms: int) -> Compared:
    """Hold a source's newest candles against another's, after a boundary."""
    if reaches(theirs, boundary_ms) and is_followed(theirs, boundary_ms):
        lacking = not reaches(mine, boundary_ms)
        if lacking or not is_followed(mine, boundary_ms):
            told = "has no candle of" if lacking else "shows nothing after"
            return Compared(
                verdict=Verdict.FROZEN, cause=f"{told} {boundary_ms}, {theirs[0].source} does"
            )
    other = {one.open_time_ms: one for one in closed(theirs)}
    pairs = [(one, other[one.open_time_ms]) for one in closed(mine) if one.open_time_ms in other]
    if not pairs:
        return Compared(verdict=Verdict.UNKNOWN)
    for one, their in pairs:
        if not close_enough(one.close, their.close):
            told = f"closed {one.open_time_ms} at {one.close:g}, {their.source} at {their.close:g}"
            return Compared(verdict=Verdict.DISAGREE, cause=told)
    return Compared(verdict=Verdict.AGREE)


def close_enough(one: float, other: float) -> bool:
    return abs(one - other) <= CLOSE_SHARE * min(one, other)


def outvoted(closes: Mapping[SourceName, float]) -> SourceName | None:
    """Name the one of three or more that is away from the others; None: no majority."""
    if len(closes) < 3:  # noqa: PLR2004 two do not say which is wrong
        return None
    alone = [
        name
        for name, value in closes.items()
        if not any(close_enough(value, other) for who, other in closes.items() if who != name)
    ]
    return alone[0] if len(alone) == 1 else None


def funding_differs(own: NextFunding, predicted: NextFunding) -> bool:
    """Tell whether another source says something else of this one's next funding."""
    if own.rate is None or predicted.rate is None or own.due_ms != predicted.due_ms:
        return False
    return abs(own.rate - predicted.rate) > FUNDING_GAP


def odd_clocks(offsets_ms: Mapping[SourceName, int], slack_ms: int) -> tuple[SourceName, ...]:
    """Name the sources whose clock is away from the others'. Ours has no vote: it may be set."""
    if len(offsets_ms) < 3:  # noqa: PLR2004 two do not say which is wrong
        return ()
    middle = statistics.median(offsets_ms.values())
    limit_ms = CLOCK_LIMIT_MS + slack_ms
    return tuple(
        name for name, offset_ms in offsets_ms.items() if abs(offset_ms - middle) > limit_ms
    )
