"""What the venue lists of a market, and a token's book: the gateway's own look at both.

Read apart from market data, on purpose: a slot's word about its market, and market data's, are
checked against this.
"""

from decimal import Decimal

import msgspec

from actors.venue.answers import ListedMarket, TokenBook
from actors.venue.polymarket.market_rule import EventRule, MarketRule, disagreements, read_slug
from actors.venue.port import Unknown
from signals.market import Outcome
from signals.units import MICRO, MicroShares, PriceMicroUsd, to_micro


class _Market(MarketRule, kw_only=True, rename="camel"):
    condition_id: str
    outcomes: str
    order_min_size: Decimal
    version: str | None = None
    clob_token_ids: str | None = None
    position_ids: list[str] | None = None


class _Event(EventRule, kw_only=True, rename="camel"):
    markets: tuple[_Market, ...]


class _Level(msgspec.Struct):
    price: Decimal


class _Book(msgspec.Struct):
    market: str
    asset_id: str
    tick_size: Decimal
    bids: tuple[_Level, ...] = ()
    asks: tuple[_Level, ...] = ()


REASON_MAX = 300
"""Characters; the words of a stranger are in it."""

_event = msgspec.json.Decoder(_Event, strict=False)
_book = msgspec.json.Decoder(_Book, strict=False)


def read_listed_market(body: bytes, slug: str) -> ListedMarket | Unknown:
    """Read an event of the venue's discovery as the one market of this slug, if it is that one."""
    named = read_slug(slug)
    if named is None:
        return Unknown(reason=f"{slug[:80]} names no market of this fleet")
    asset, window = named
    try:
        event = _event.decode(body)
        market = _only(event.markets)
        wrong = disagreements(market, event, asset, window)
        if wrong:
            return Unknown(reason=f"{slug} is another market: {'; '.join(wrong)}"[:REASON_MAX])
        tokens = _tokens(market)
        return ListedMarket(
            slug=slug,
            condition_id=market.condition_id,
            up_token_id=tokens[Outcome.UP],
            down_token_id=tokens[Outcome.DOWN],
            min_order_shares=_minimum(market.order_min_size),
            open_ms=window.open_ms,
            close_ms=window.close_ms,
        )
    except (msgspec.DecodeError, ArithmeticError, ValueError, KeyError, RecursionError) as error:
        return Unknown(reason=f"{slug}: {type(error).__name__}: {error}")


def _minimum(shares: Decimal) -> MicroShares:
    least = to_micro(shares)
    if least <= 0:
        raise ValueError(f"a minimum of {shares} shares")
    return MicroShares(least)


def _only(markets: tuple[_Market, ...]) -> _Market:
    if len(markets) != 1:
        raise ValueError(f"{len(markets)} markets under one slug")
    return markets[0]


def _tokens(market: _Market) -> dict[Outcome, str]:
    """Pair outcomes with ids by place; the names are Up and Down, in any order."""
    ids = market.position_ids if market.version == "v2" else _texts(market.clob_token_ids)
    names = [Outcome(name) for name in _texts(market.outcomes)]
    tokens = dict(zip(names, ids or [], strict=True))
    if len(set(tokens.values())) != len(Outcome):
        raise ValueError(f"outcomes {market.outcomes}, ids {ids}")
    return tokens


def _texts(text: str | None) -> list[str]:
    return msgspec.json.decode(text or "[]", type=list[str])


def read_book(body: bytes, token_id: str) -> TokenBook | Unknown:
    """Read a token's book; best prices are looked for, whatever the order of the levels."""
    try:
        book = _book.decode(body)
        bids = [_price(level) for level in book.bids]
        asks = [_price(level) for level in book.asks]
        tick = to_micro(book.tick_size)
    except (msgspec.DecodeError, ArithmeticError, ValueError, RecursionError) as error:
        return Unknown(reason=f"book of {token_id}: {type(error).__name__}: {error}")
    if book.asset_id != token_id or tick <= 0:
        return Unknown(reason=f"book of {token_id}: it is of {book.asset_id}, tick {tick}")
    return TokenBook(
        token_id=token_id,
        condition_id=book.market,
        tick_micro_usd=tick,
        bid=max(bids, default=None),
        ask=min(asks, default=None),
    )


def _price(level: _Level) -> PriceMicroUsd:
    price = to_micro(level.price)
    if not 0 < price < MICRO:
        raise ValueError(f"a price of {level.price}")
    return PriceMicroUsd(price)
