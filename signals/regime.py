"""Regime: funding flipped negative while open interest and price part ways.

``regime_shift`` begins when, within `flip_hold_ms` of a flip of funding from positive to negative,
open interest and price moved in opposite directions by more than their minima; it holds for
`hold_ms` after the last such moment. Params carry a second set of weights for it.
"""

from enum import StrEnum

import msgspec

from signals.params import Params
from signals.snapshot import FundingPoint, Interval, Snapshot

NUMBER_MAX = 1e15
"""No price and no open interest is larger; also keeps out NaN and infinity."""


class Regime(StrEnum):
    NORMAL = "normal"
    REGIME_SHIFT = "regime_shift"


class FundingHistory(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy remembers of funding beyond the points of one snapshot."""

    sign: int = 0
    """Of the newest nonzero rate: -1, 0 (none seen), 1."""
    flip_ms: int | None = None
    """When funding last changed sign; `sign` says to which."""
    seen_ms: int = 0
    """Newest funding time taken in."""
    shift_ms: int | None = None
    """When the condition of a regime shift last held."""


class InterestMove(msgspec.Struct, frozen=True):
    """Change of open interest and of price over the same span, as fractions."""

    interest: float
    price: float


def follow_funding(history: FundingHistory, points: tuple[FundingPoint, ...]) -> FundingHistory:
    """Take in points newer than `seen_ms`; a zero rate has no sign and changes nothing."""
    sign, flip_ms, seen_ms = history.sign, history.flip_ms, history.seen_ms
    for point in points:
        if point.time_ms <= seen_ms:
            continue
        seen_ms = point.time_ms
        now = (point.rate > 0) - (point.rate < 0)
        if now and sign and now != sign:
            flip_ms = point.time_ms
        sign = now or sign
    return msgspec.structs.replace(history, sign=sign, flip_ms=flip_ms, seen_ms=seen_ms)


def interest_move(snapshot: Snapshot, look_back_ms: int) -> InterestMove | None:
    """Compare now with about `look_back_ms` ago; None if either series does not reach back.

    Half the look-back is enough; the price is the 5m candles' close over the same span.
    """
    points, candles = snapshot.open_interest, snapshot.series(Interval.M5)
    if candles is None or not points:
        return None
    latest_ms = points[-1].time_ms
    span = [point for point in points if point.time_ms >= latest_ms - look_back_ms]
    if latest_ms - span[0].time_ms < look_back_ms / 2:
        return None
    count = max(1, round((latest_ms - span[0].time_ms) / 300_000))
    if len(candles) <= count:
        return None
    then, now = candles.close[-1 - count], candles.close[-1]
    units_then, units_now = span[0].base_units, span[-1].base_units
    if not all(0 < value < NUMBER_MAX for value in (then, now, units_then, units_now)):
        return None
    return InterestMove(interest=units_now / units_then - 1, price=1 - then / now)


def read_regime(
    history: FundingHistory, snapshot: Snapshot, params: Params
) -> tuple[Regime | None, FundingHistory]:
    """Return the regime, None where funding was never seen, and the history that goes on."""
    history = follow_funding(history, snapshot.funding)
    now_ms = snapshot.taken_ms
    if _shifts(history, snapshot, params):
        history = msgspec.structs.replace(history, shift_ms=now_ms)
    if history.sign == 0:
        return None, history
    held = history.shift_ms is not None and now_ms - history.shift_ms <= params.regime.hold_ms
    return (Regime.REGIME_SHIFT if held else Regime.NORMAL), history


def _shifts(history: FundingHistory, snapshot: Snapshot, params: Params) -> bool:
    limits = params.regime
    if history.sign >= 0 or history.flip_ms is None:
        return False
    if snapshot.taken_ms - history.flip_ms > limits.flip_hold_ms:
        return False
    move = interest_move(snapshot, params.positioning.interest_look_back_ms)
    if move is None:
        return False
    large = (
        abs(move.interest) >= limits.interest_change_min
        and abs(move.price) >= limits.price_change_min
    )
    return large and (move.interest > 0) != (move.price > 0)
