"""The venue's rules for a new order, in the order in which it judges them. Pure."""

from enum import StrEnum
from typing import Final

from actors.venue.paper.book import PaperBook
from actors.venue.paper.matching import hits, whole
from actors.venue.paper.records import OrderKind, PaperMarket, PaperOrder
from actors.venue.paper.state import PaperState, cash_needed
from actors.venue.port import Rejected, Unavailable, UnavailableKind
from signals.market import Side
from signals.units import MICRO, SIZE_STEP_MICRO_SHARES

MIN_TAKING_MICRO_USD: Final = MICRO
"""An immediate order trades at least one dollar."""
DOLLAR_STEP: Final = 10_000
"""An immediate buy names whole cents."""
RETRY_MS: Final = 2_000
"""Wire, told where the venue is stopped or its book is not known here."""
CROSSES: Final = Rejected(
    code="post_only_would_cross", message="paper: invalid post-only order: order crosses book"
)


class VenueState(StrEnum):
    """What the venue takes now, as its public answers show."""

    OPEN = "open"
    RESTARTING = "restarting"
    POST_ONLY = "post_only"
    CANCEL_ONLY = "cancel_only"


Refusal = Rejected | Unavailable


def refusal(
    state: PaperState,
    market: PaperMarket,
    book: PaperBook,
    order: PaperOrder,
    venue: VenueState,
    market_ms: int,
) -> Refusal | None:
    """Return why the venue would not take an order now, or None."""
    return (
        _stopped(order, venue)
        or _unreadable(market, order, market_ms)
        or _unknown_book(book)
        or _crossing(book, order)
        or _funds(state, market, order)
    )


def _stopped(order: PaperOrder, venue: VenueState) -> Unavailable | None:
    match venue:
        case VenueState.OPEN:
            return None
        case VenueState.POST_ONLY if order.post_only:
            return None
        case _:
            return Unavailable(kind=UnavailableKind(venue.value), retry_after_ms=RETRY_MS)


def _unreadable(market: PaperMarket, order: PaperOrder, market_ms: int) -> Rejected | None:
    if market_ms >= market.close_ms:
        return Rejected(code="market_closed", message="paper: the market's window has ended")
    if not market.tick_micro_usd <= order.price <= MICRO - market.tick_micro_usd:
        return Rejected(code="off_tick", message=f"paper: no price of this market: {order.price}")
    if order.price % market.tick_micro_usd:
        return Rejected(
            code="off_tick",
            message=f"paper: {order.price} breaks minimum tick size {market.tick_micro_usd}",
        )
    return _size(market, order)


def _size(market: PaperMarket, order: PaperOrder) -> Rejected | None:
    if order.shares <= 0 or order.shares % SIZE_STEP_MICRO_SHARES:
        return Rejected(code="invalid_amounts", message="paper: sizes have two decimals")
    if order.post_only and order.kind.immediate:
        return Rejected(code="refused", message="paper: an immediate order cannot be post-only")
    worth = order.price * order.shares // MICRO
    if not order.kind.immediate:
        # documents disagree whether the minimum is of shares or of dollars: both are asked for
        if order.shares < market.min_order_shares:
            return Rejected(code="too_small", message="paper: lower than the minimum size")
        return None
    if worth < MIN_TAKING_MICRO_USD:
        return Rejected(code="too_small", message="paper: an immediate order is at least 1 USD")
    if order.side is Side.BUY and worth % DOLLAR_STEP:
        return Rejected(code="invalid_amounts", message="paper: a market buy names whole cents")
    return None


def _unknown_book(book: PaperBook) -> Unavailable | None:
    """Without a book there is no fill and no place in a queue."""
    if book.known:
        return None
    return Unavailable(kind=UnavailableKind.RESTARTING, retry_after_ms=RETRY_MS)


def _crossing(book: PaperBook, order: PaperOrder) -> Rejected | None:
    best = book.best(bid=not order.is_bid)
    if order.post_only:
        crosses = best is not None and (
            best <= order.up_price if order.is_bid else best >= order.up_price
        )
        return CROSSES if crosses else None
    found = hits(book, order)
    if order.kind is OrderKind.FAK and not found:
        return Rejected(code="fak_not_filled", message="paper: no orders found to match")
    if order.kind is OrderKind.FOK and not whole(order, found):
        return Rejected(code="fok_not_filled", message="paper: it could not be filled whole")
    return None


def _funds(state: PaperState, market: PaperMarket, order: PaperOrder) -> Rejected | None:
    if order.side is Side.SELL:
        enough = state.free_shares(order.token_id) >= order.shares
    else:
        enough = state.free_cash() >= cash_needed(order, market)
    if enough:
        return None
    return Rejected(code="not_enough_balance", message="paper: not enough balance")
