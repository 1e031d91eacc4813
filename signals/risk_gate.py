"""The veto: reasons not to trade that no probability can outweigh.

Returns a coded reason or None. Codes: ``stale`` (an input is too old), ``no_data`` (an input was
never there), ``gate`` (the market is not fit to trade in).
"""

from typing import Final

from signals.book_price import depth_shares, spread_usd
from signals.market import Outcome, Timeframe
from signals.param_sections import GateParams
from signals.snapshot import Feed, Interval, MarketView, Snapshot

NEEDED: Final = (Feed.MARKETS, Feed.TICKS, Feed.CANDLES, Feed.BOOKS)
"""Without these no trade. Funding and open interest only leave their part of a factor out."""
AGE_SLACK_MS: Final = 1_000
"""Market ms by which a snapshot's word for an input's age may differ from the input's own stamp."""


def understated_age(snapshot: Snapshot) -> str | None:
    """Name the first input that is older by its own stamps than the snapshot says, or None.

    Not markets: a snapshot holds no time at which the venue was last asked for them. Of candles the
    5m series counts, whose age it is; where a longer one ends depends on its source.
    """
    for feed, stamp_ms in _stamps_ms(snapshot).items():
        said_ms = snapshot.age(feed).age_ms
        if stamp_ms is None or said_ms is None:
            continue
        real_ms = snapshot.taken_ms - stamp_ms
        if real_ms > said_ms + AGE_SLACK_MS:
            return f"{feed} are {real_ms} ms old by their own stamps, the snapshot says {said_ms}"
    return None


def _stamps_ms(snapshot: Snapshot) -> dict[Feed, int | None]:
    """Return each feed's newest stamp, of books the oldest book's; None: there is no datum."""
    candles = snapshot.series(Interval.M5)
    books = [book for one in snapshot.markets for book in (one.up_book, one.down_book) if book]
    observed_ms, funding, interest = (
        snapshot.ticks.observed_ms,
        snapshot.funding,
        snapshot.open_interest,
    )
    return {
        Feed.TICKS: observed_ms[-1] if observed_ms else None,
        Feed.CANDLES: candles.open_time_ms[-1] + Timeframe.M5.length_ms if candles else None,
        Feed.BOOKS: min((book.received_ms for book in books), default=None),
        Feed.FUNDING: funding[-1].time_ms if funding else None,
        Feed.OPEN_INTEREST: interest[-1].time_ms if interest else None,
    }


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
