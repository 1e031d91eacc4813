"""The veto: reasons not to trade that no probability can outweigh.

Returns a coded reason or None. Codes: ``stale`` (an input is too old), ``no_data`` (an input was
never there), ``gate`` (the market is not fit to trade in).
"""

from typing import Final

from signals.book_price import depth_shares, spread_usd
from signals.market import Outcome
from signals.param_sections import GateParams
from signals.snapshot import Feed, Interval, MarketView, Snapshot

NEEDED: Final = (Feed.MARKETS, Feed.TICKS, Feed.CANDLES, Feed.BOOKS)
"""Without these no trade. Funding and open interest only leave their part of a factor out."""


AGE_SLACK_MS: Final = 1_000
"""Market ms by which a snapshot's word for an input's age may differ from the input's own stamp."""
CANDLE_MS: Final = 300_000


def understated_age(snapshot: Snapshot) -> str | None:
    """Name the first input that is older by its own stamps than the snapshot says, or None."""
    candles = snapshot.series(Interval.M5)
    newest_ms = {
        Feed.TICKS: snapshot.ticks.observed_ms[-1] if snapshot.ticks.observed_ms else None,
        Feed.CANDLES: candles.open_time_ms[-1] + CANDLE_MS if candles is not None else None,
    }
    for feed, newest in newest_ms.items():
        said_ms = snapshot.age(feed).age_ms
        if newest is None or said_ms is None:
            continue
        real_ms = snapshot.taken_ms - newest
        if real_ms > said_ms + AGE_SLACK_MS:
            return f"{feed} are {real_ms} ms old by their own stamps, the snapshot says {said_ms}"
    return None


def input_veto(snapshot: Snapshot) -> str | None:
    """Name the first needed input that is missing or stale."""
    understated = understated_age(snapshot)
    if understated is not None:
        return f"stale: {understated}"
    for feed in NEEDED:
        age = snapshot.age(feed)
        if age.fault:
            return f"no_data: inputs disagree: {feed}: {age.fault}"
        if age.age_ms is None:
            return f"no_data: {feed} never seen"
        if not age.fresh:
            return f"stale: {feed} {age.age_ms} ms old, limit {age.limit_ms}"
    return None


def market_veto(market: MarketView, now_ms: int, params: GateParams) -> str | None:
    """Name the first reason why this market is not traded now."""
    left_ms = market.window.close_ms - now_ms
    if now_ms < market.window.open_ms:
        return "gate: before the open"
    if left_ms < params.time_left_min_ms:
        return f"gate: {left_ms} ms to the close, need {params.time_left_min_ms}"
    if not market.accepting_orders:
        return "gate: market takes no orders"
    for outcome in Outcome:
        reason = _book_veto(market, outcome, params)
        if reason:
            return reason
    return None


def _book_veto(market: MarketView, outcome: Outcome, params: GateParams) -> str | None:
    book = market.book(outcome)
    if book is None:
        return f"no_data: no {outcome} book"
    wide = spread_usd(book)
    if wide is None:
        return f"gate: one-sided {outcome} book"
    if wide <= 0:
        return f"gate: crossed {outcome} book"
    if wide > params.spread_max + 1e-9:
        return f"gate: {outcome} spread {wide:.3f}, limit {params.spread_max}"
    if min(depth_shares(book.bids), depth_shares(book.asks)) < params.depth_min_shares:
        return f"gate: thin {outcome} book"
    return None
