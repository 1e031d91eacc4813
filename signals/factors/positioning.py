"""Positioning: funding against the crowd, open interest against price, weighed by session.

Positive funding means longs pay: a crowd to fade, more so the nearer the reset at which they pay.
Rising open interest confirms a price move with new money; a move on falling open interest is
positions being closed, and is faded at half strength.
"""

from signals.factors.case import Part, clip, lean, no_data
from signals.market import DAY_MS
from signals.param_sections import PositioningParams
from signals.regime import FundingHistory, interest_move
from signals.snapshot import Feed, Interval, Snapshot

INTERVAL_MS = 28_800_000
"""Eight hours between resets; assets with four are treated as half way there."""
FAR_FROM_RESET = 0.5
"""Strength of funding right after a reset."""
FLIP_BONUS = 0.3
UNWIND = 0.5
EPOCH_WEEKDAY = 3
"""1 January 1970 was a Thursday; Monday is 0."""
SATURDAY = 5
EUROPE_FROM_HOUR = 7
US_FROM_HOUR = 13
US_TO_HOUR = 21
HOUR_MS = 3_600_000


def parts(
    snapshot: Snapshot, history: FundingHistory, params: PositioningParams
) -> tuple[Part, ...]:
    name, session = session_weight(snapshot.taken_ms, params)
    return (
        _funding(snapshot, history, session, params),
        _interest(snapshot, (name, session), params),
    )


def session_weight(time_ms: int, params: PositioningParams) -> tuple[str, float]:
    """Return the session by UTC hour and its weight: thin hours make positioning say less."""
    if (time_ms // DAY_MS + EPOCH_WEEKDAY) % 7 >= SATURDAY:
        return "weekend", params.session_weekend
    hour = time_ms % DAY_MS // HOUR_MS
    if EUROPE_FROM_HOUR <= hour < US_FROM_HOUR:
        return "europe", params.session_europe
    if US_FROM_HOUR <= hour < US_TO_HOUR:
        return "us", params.session_us
    return "asia", params.session_asia


def _funding(
    snapshot: Snapshot, history: FundingHistory, session: float, params: PositioningParams
) -> Part:
    share = params.funding_share
    if not snapshot.funding or not snapshot.age(Feed.FUNDING).fresh:
        return no_data(share, "funding")
    rate = snapshot.funding[-1].rate
    if not -1 < rate < 1:
        return no_data(share, f"a funding rate that is one, not {rate}")
    near = FAR_FROM_RESET
    if snapshot.next_funding_ms is not None:
        left = clip((snapshot.next_funding_ms - snapshot.taken_ms) / INTERVAL_MS, 0.0)
        near = 1 - (1 - FAR_FROM_RESET) * left
    value = -clip(rate / params.funding_full) * near
    why = f"funding {rate * 1e4:+.2f} bp"
    age_ms = snapshot.taken_ms - history.flip_ms if history.flip_ms is not None else None
    if age_ms is not None and age_ms <= params.flip_hold_ms:
        value -= FLIP_BONUS * history.sign
        why += f", flipped {age_ms // 60_000} min ago"
    return lean(share, value * session, why)


def _interest(snapshot: Snapshot, session: tuple[str, float], params: PositioningParams) -> Part:
    share = 1 - params.funding_share
    if not snapshot.age(Feed.OPEN_INTEREST).fresh or not snapshot.age(Feed.CANDLES).fresh:
        return no_data(share, "open interest")
    move = interest_move(snapshot, params.interest_look_back_ms)
    if move is None or snapshot.series(Interval.M5) is None:
        return no_data(share, "an hour of open interest with candles")
    grown = clip(move.interest / params.interest_change_full)
    moved = clip(move.price / params.move_full)
    value = moved * grown * (1.0 if grown >= 0 else UNWIND)
    why = f"open interest {move.interest:+.4f}, price {move.price:+.4f}, {session[0]}"
    return lean(share, value * session[1], why)
