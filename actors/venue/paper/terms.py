"""A market's terms from the venue's public answers. An unknown fee is not zero: no terms."""

from decimal import Decimal
from typing import Final

import msgspec

from actors.venue.paper.records import PaperMarket
from actors.venue.port import Unknown
from signals.market import Outcome, Timeframe, Window
from signals.units import MICRO, to_micro

MS_PER_S: Final = 1_000


class _Token(msgspec.Struct):
    t: str
    o: str


class _Fee(msgspec.Struct):
    r: Decimal
    e: Decimal


class _Terms(msgspec.Struct):
    t: list[_Token]
    mts: Decimal
    mos: Decimal
    fd: _Fee


class _Market(msgspec.Struct):
    market_slug: str
    condition_id: str = ""


_terms = msgspec.json.Decoder(_Terms, strict=False)
_market = msgspec.json.Decoder(_Market, strict=False)


def read_terms(condition_id: str, terms: bytes, market: bytes) -> PaperMarket | Unknown:
    """Join GET /clob-markets/{id} and GET /markets/{id}."""
    try:
        said, listed = _terms.decode(terms), _market.decode(market)
        tokens = {Outcome(token.o): token.t for token in said.t}
        _check(said)
        return PaperMarket(
            condition_id=condition_id,
            up_token_id=tokens[Outcome.UP],
            down_token_id=tokens[Outcome.DOWN],
            tick_micro_usd=to_micro(said.mts),
            min_order_shares=to_micro(said.mos),
            fee_rate=str(said.fd.r),
            fee_exponent=str(said.fd.e),
            close_ms=_close_ms(listed.market_slug),
        )
    except (msgspec.DecodeError, ArithmeticError, ValueError, KeyError) as error:
        return Unknown(reason=f"terms of {condition_id}: {type(error).__name__}: {error}")


def _check(said: _Terms) -> None:
    if not 0 < to_micro(said.mts) < MICRO or to_micro(said.mos) <= 0:
        raise ValueError(f"tick {said.mts}, minimum {said.mos}")
    if not 0 < said.fd.r < 1 or not said.fd.e > 0:
        raise ValueError(f"fee {said.fd.r} {said.fd.e}")


def _close_ms(slug: str) -> int:
    """Read the window from the slug: ``btc-updown-5m-1767225600``; raises `ValueError`."""
    _, _, timeframe, open_s = slug.rsplit("-", 3)
    return Window(int(open_s) * MS_PER_S, Timeframe(timeframe)).close_ms
