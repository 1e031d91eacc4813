"""Rules about the market itself: judged by the venue's listing and book, not by the slot's word."""

from typing import Final

from actors.gateway.market_facts import of_its_market, of_its_slot
from actors.gateway.risk_case import Case, Rule
from signals.decision import Style
from signals.market import Side

FACTS_DIFFER: Final = "facts_differ"
"""Code of another: the intent says of its market what the venue does not."""


def not_of_its_slot(case: Case) -> str | None:
    return "; ".join(of_its_slot(case.intent)) or None


def _not_of_its_market(case: Case) -> str | None:
    assert case.listing is not None
    return "; ".join(of_its_market(case.intent, case.listing.market)) or None


def _below_the_minimum(case: Case) -> str | None:
    assert case.listing is not None
    least = case.listing.market.min_order_shares
    if case.intent.style is Style.REST and case.intent.shares < least:
        return f"{case.intent.shares} micro-shares; the market's minimum is {least}"
    return None


def _off_tick(case: Case) -> str | None:
    assert case.book is not None
    if case.intent.price % case.book.tick_micro_usd:
        return f"price {case.intent.price} is not on the tick of {case.book.tick_micro_usd}"
    return None


def _collar(case: Case) -> str | None:
    assert case.book is not None
    intent, collar, mid = case.intent, case.rules.limits.price_collar_micro_usd, case.book.mid
    if mid is None:
        return "no mid price at the venue to judge the limit by"
    worse = intent.price - mid
    if intent.side is Side.SELL:
        worse = -worse
    if worse > collar:
        said = f"the slot said {intent.book_mid}"
        return f"limit {worse} micro-USD worse than the mid {mid} ({said}); at most {collar}"
    return None


MARKET_TABLE: Final[tuple[tuple[str, Rule], ...]] = (
    (FACTS_DIFFER, _not_of_its_market),
    ("too_small", _below_the_minimum),
)
BOOK_TABLE: Final[tuple[tuple[str, Rule], ...]] = (
    ("off_tick", _off_tick),
    ("collar", _collar),
)
