"""Prices read from the books: midpoint, price, spread, last trade, history."""

from collections.abc import Callable
from typing import Final

import msgspec
from starlette.responses import Response

from cluster.sandbox.model import BookView, Side
from cluster.sandbox.numbers import whole_number
from cluster.sandbox.server.calls import BAD_PAYLOAD, Call, Entry, decode_exactly
from cluster.sandbox.server.clob_markets import BOOKS_MAX, NO_BOOK, TOKEN_MAX, UNKNOWN_ID
from cluster.sandbox.server.wire import answer, decimal_number, decimal_text, refuse

BAD_SIDE: Final = "Invalid side"
STAMP_S_MAX: Final = 10**11
NO_TRADE: Final = 500_000
"""What the venue tells as the last price of a token that has not traded."""

Read = Callable[[BookView], str | None]


class PriceAsk(msgspec.Struct, frozen=True, kw_only=True):
    token_id: str
    side: Side = Side.BUY


class LastTradeBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    token_id: str | None = None
    price: str
    side: str


class HistoryPoint(msgspec.Struct, frozen=True, kw_only=True):
    t: int
    p: float


class HistoryBody(msgspec.Struct, frozen=True, kw_only=True):
    history: list[HistoryPoint]


def _best(view: BookView) -> tuple[int, int] | None:
    if not view.bids or not view.asks:
        return None
    return view.bids[0].price, view.asks[0].price


def _mid(view: BookView) -> str | None:
    best = _best(view)
    return None if best is None else decimal_text(sum(best) // 2)


def _spread(view: BookView) -> str | None:
    best = _best(view)
    return None if best is None else decimal_text(best[1] - best[0])


def _price(view: BookView, side: Side) -> str | None:
    """Return the best bid for BUY and the best ask for SELL, as the venue names them."""
    levels = view.bids if side is Side.BUY else view.asks
    return decimal_text(levels[0].price) if levels else None


def _view(call: Call) -> BookView | Response:
    token_id = call.query.get("token_id", "")
    if whole_number(token_id, TOKEN_MAX) is None:
        return refuse(400, UNKNOWN_ID)
    view = call.world.exchange.book(token_id, call.now)
    return refuse(404, NO_BOOK) if view is None else view


def _one(call: Call, name: str, read: Read) -> Response:
    view = _view(call)
    if isinstance(view, Response):
        return view
    found = read(view)
    return refuse(404, NO_BOOK) if found is None else answer({name: found})


def _asked(call: Call) -> tuple[PriceAsk, ...]:
    asks = decode_exactly(call.body, tuple[PriceAsk, ...], BAD_PAYLOAD)
    return asks[:BOOKS_MAX]


def _several(call: Call, read: Read) -> Response:
    found: dict[str, str] = {}
    for ask in _asked(call):
        view = call.world.exchange.book(ask.token_id, call.now)
        text = None if view is None else read(view)
        if text is not None:
            found[ask.token_id] = text
    return answer(found)


def midpoint(call: Call) -> Response:
    return _one(call, "mid", _mid)


def midpoints(call: Call) -> Response:
    return _several(call, _mid)


def spread(call: Call) -> Response:
    return _one(call, "spread", _spread)


def spreads(call: Call) -> Response:
    return _several(call, _spread)


def price(call: Call) -> Response:
    side = call.query.get("side", "")
    if side not in set(Side):
        return refuse(400, BAD_SIDE)
    return _one(call, "price", lambda view: _price(view, Side(side)))


def prices(call: Call) -> Response:
    found: dict[str, dict[str, str]] = {}
    for ask in _asked(call):
        view = call.world.exchange.book(ask.token_id, call.now)
        text = None if view is None else _price(view, ask.side)
        if text is not None:
            found.setdefault(ask.token_id, {})[ask.side] = text
    return answer(found)


def _last(view: BookView, *, named: bool) -> LastTradeBody:
    traded = NO_TRADE if view.last_trade_price is None else view.last_trade_price
    return LastTradeBody(
        token_id=view.token_id if named else None,
        price=decimal_text(traded),
        side="" if view.last_trade_side is None else view.last_trade_side,
    )


def last_trade_price(call: Call) -> Response:
    view = _view(call)
    return view if isinstance(view, Response) else answer(_last(view, named=False))


def last_trades_prices(call: Call) -> Response:
    views = (call.world.exchange.book(ask.token_id, call.now) for ask in _asked(call))
    traded = [view for view in views if view is not None and view.last_trade_side is not None]
    return answer([_last(view, named=True) for view in traded])


def prices_history(call: Call) -> Response:
    """Trades of a live market by market time, oldest first; a paid market has none left."""
    token_id = call.query.get("market", "")
    if whole_number(token_id, TOKEN_MAX) is None:
        return refuse(400, UNKNOWN_ID)
    since_s = whole_number(call.query.get("startTs", "0"), STAMP_S_MAX)
    until_s = whole_number(call.query.get("endTs", str(STAMP_S_MAX)), STAMP_S_MAX)
    if since_s is None or until_s is None:
        return refuse(400, "invalid startTs or endTs")
    points = call.world.exchange.price_history(token_id)
    shown = [
        HistoryPoint(t=market_ms // 1_000, p=decimal_number(found))
        for market_ms, found in points
        if since_s <= market_ms // 1_000 <= until_s
    ]
    return answer(HistoryBody(history=shown))


PRICE_TABLE: Final = (
    Entry("GET", "/midpoint", midpoint),
    Entry("POST", "/midpoints", midpoints),
    Entry("GET", "/price", price),
    Entry("POST", "/prices", prices),
    Entry("GET", "/spread", spread),
    Entry("POST", "/spreads", spreads),
    Entry("GET", "/last-trade-price", last_trade_price),
    Entry("POST", "/last-trades-prices", last_trades_prices),
    Entry("GET", "/prices-history", prices_history),
)
