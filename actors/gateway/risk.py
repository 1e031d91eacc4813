"""The risk check: tables, read from top to bottom; the first rule that objects refuses.

Only `check` makes an `Approved`, and only an `Approved` can be signed. Nothing here can be reached
by a signal or its parameters: limits come from the fleet's configuration.
"""

from typing import Final

import msgspec

from actors.elapsed import elapsed_ms
from actors.gateway.ledger import buy_value_micro_usd, condition
from actors.gateway.records import KeptIntent
from actors.gateway.risk_case import (
    Case,
    Rule,
    Rules,
    at_stake_micro_usd,
    net_up_micro_usd,
    sellable_shares,
)
from actors.gateway.risk_market import BOOK_TABLE, FACTS_DIFFER, MARKET_TABLE, not_of_its_slot
from actors.gateway.risk_venue import clock_skew, heartbeat_late, venue_paused, venue_version
from actors.messages import Intent, TradingState
from signals.decision import Style
from signals.market import CYCLE_MS, Outcome, Side
from signals.units import MICRO, SIZE_STEP_MICRO_SHARES, MicroUsd, notional_micro_usd

TAKE_NOTIONAL_MIN_MICRO_USD: Final = MICRO
"""The venue refuses a marketable order below 1 USD."""
PRICE_STEP_MICRO_USD: Final = 100
"""The venue's finest tick; the market's own is checked against its book."""
INTENT_AGE_MAX_MS: Final = CYCLE_MS
"""Market ms after its decision point: by then the slot has decided again."""
MINUTE_MS: Final = 60_000
UNATTESTED: Final = "unattested"
"""Code of a refusal that also raises an alarm."""
LISTING_FRESH_MS: Final = 5_000
"""Wire. Before an intent is blamed, a listing older than this is read again: terms may change."""


class Approved:
    """An intent that passed every rule. Made by `check` alone."""

    __slots__ = ("intent",)

    def __init__(self, intent: Intent, seal: object) -> None:
        assert seal is _SEAL, "only risk.check approves"
        self.intent = intent


_SEAL: Final = object()


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    reason: str


class NeedsMarket(msgspec.Struct, frozen=True, kw_only=True):
    """Only the venue's listing, read now, can tell."""


class NeedsBook(msgspec.Struct, frozen=True, kw_only=True):
    """Its market is right; the token's book decides."""

    token_id: str


def check(case: Case) -> Approved | Refused | NeedsMarket | NeedsBook:
    """Judge one intent: by the gateway's own books, by the venue's listing, by the token's book."""
    refused = _first(TABLE, case)
    if refused is not None:
        return refused
    if case.listing is None:
        return NeedsMarket()
    refused = _first(MARKET_TABLE, case)
    if refused is not None:
        fresh = case.wire_ms - case.listing.wire_ms <= LISTING_FRESH_MS
        return refused if fresh else NeedsMarket()
    if case.book is None:
        return NeedsBook(token_id=case.listing.market.token(case.intent.outcome))
    return _first(BOOK_TABLE, case) or Approved(case.intent, _SEAL)


def _first(table: tuple[tuple[str, Rule], ...], case: Case) -> Refused | None:
    for code, rule in table:
        reason = rule(case)
        if reason is not None:
            return Refused(code=code, reason=reason)
    return None


# ---- the rules --------------------------------------------------------------------------------


def _halted(case: Case) -> str | None:
    if case.ledger.trading is TradingState.HALTED:
        return f"trading is halted: {case.ledger.trading_reason}"
    return None


def _barred(case: Case) -> str | None:
    return case.barred


def _wrong_release(case: Case) -> str | None:
    seat = case.ledger.seats.get(case.intent.slot)
    owner = seat.owner if seat else None
    if owner is None or owner.release != case.intent.release:
        return f"the fence record of {case.intent.slot} names another release"
    return None


def _unattested(case: Case) -> str | None:
    return uncovered(case.rules, case.intent.release)


def uncovered(rules: Rules, release: str) -> str | None:
    """Say that no approval covers a release, where that is so."""
    covered = rules.is_attested(release)
    return None if covered else f"no approval covers release {release[:12]}"


def _malformed(case: Case) -> str | None:
    intent = case.intent
    if intent.shares <= 0 or intent.shares % SIZE_STEP_MICRO_SHARES:
        return f"{intent.shares} micro-shares is not a positive multiple of the size step"
    if not 0 < intent.price < MICRO or intent.price % PRICE_STEP_MICRO_USD:
        return f"price {intent.price} micro-USD is not on a tick inside (0, 1)"
    return None


def _too_early(case: Case) -> str | None:
    if case.market_ms < case.intent.window_open_ms:
        return "its window has not opened"
    return None


def _stale(case: Case) -> str | None:
    age_ms = case.market_ms - case.intent.due_ms
    if age_ms > INTENT_AGE_MAX_MS:
        return f"decided for a point {age_ms} ms ago"
    return None


def _too_late(case: Case) -> str | None:
    last_ms = case.rules.last_order_ms(case.intent.style, case.intent.close_ms)
    if case.market_ms >= last_ms:
        return f"{case.intent.close_ms - case.market_ms} ms to the close"
    return None


def _too_small(case: Case) -> str | None:
    intent = case.intent
    value = notional_micro_usd(intent.price, intent.shares)
    if intent.style is Style.TAKE and value < TAKE_NOTIONAL_MIN_MICRO_USD:
        return f"{value} micro-USD; a taking order needs {TAKE_NOTIONAL_MIN_MICRO_USD}"
    return None


def _duplicate(case: Case) -> str | None:
    of_market = case.ledger.intents.of(condition(case.intent.condition_id))
    for kept in reversed(of_market):
        if kept.market_ms < case.intent.due_ms:
            return None  # what came before this decision point was decided at another
        if _same_order(kept, case.intent):
            return f"same order as {kept.intent.intent_id}"
    return None


def _same_order(kept: KeptIntent, intent: Intent) -> bool:
    if kept.intent.intent_id == intent.intent_id or kept.refusal is not None:
        return False
    return _content(kept.intent) == _content(intent)


def _content(intent: Intent) -> tuple[object, ...]:
    return (
        intent.slot,
        intent.due_ms,
        intent.token_id,
        intent.side,
        intent.style,
        intent.price,
        intent.shares,
    )


def _oversold(case: Case) -> str | None:
    free = sellable_shares(case.ledger, case.intent)
    if case.intent.side is Side.SELL and case.intent.shares > free:
        return f"sells {case.intent.shares} micro-shares of {free}"
    return None


def _reducing(case: Case) -> str | None:
    if case.ledger.trading is TradingState.REDUCING and case.intent.side is Side.BUY:
        return f"only sales of what is held: {case.ledger.trading_reason}"
    return None


def _throttled(case: Case) -> str | None:
    return case.ledger.latched.get(case.intent.slot)


def _daily_loss(case: Case) -> str | None:
    loss = -case.ledger.realized_on(case.market_ms)
    limit = case.rules.limits.daily_loss_micro_usd
    if case.intent.side is Side.BUY and loss >= limit:
        return f"lost {loss} micro-USD today; the limit is {limit}"
    return None


def _rate(case: Case) -> str | None:
    limit = case.rules.limits.orders_per_minute
    sent = 0
    for kept in case.ledger.intents.newest():
        if elapsed_ms(case.wire_ms, kept.wire_ms) >= MINUTE_MS:
            break
        sent += kept.refusal is None
    # the judged intent is kept already: it counts itself
    return f"{sent} orders in a minute; at most {limit}" if sent > limit else None


def _order(case: Case) -> str | None:
    limit, value = case.rules.limits.order_micro_usd, buy_value_micro_usd(case.intent)
    return f"it may cost {value} micro-USD; one order at most {limit}" if value > limit else None


def _slot_exposure(case: Case) -> str | None:
    full = case.rules.limits.slot_exposure_micro_usd
    limit = case.rules.staged(case.intent.release, full)
    before = at_stake_micro_usd(case.ledger, case.intent.slot, case.intent.intent_id)
    over = _over(case, before, limit)
    return over if over is None or limit == full else f"{over} until its release has baked"


def _fleet_exposure(case: Case) -> str | None:
    limit = case.rules.limits.fleet_exposure_micro_usd
    return _over(case, at_stake_micro_usd(case.ledger, None, case.intent.intent_id), limit)


def _over(case: Case, before: MicroUsd, limit: MicroUsd) -> str | None:
    added = buy_value_micro_usd(case.intent)
    if added and before + added > limit:
        return f"{before} + {added} micro-USD at stake; at most {limit}"
    return None


def _settlement(case: Case) -> str | None:
    limit = case.rules.limits.settlement_net_up_micro_usd
    before = net_up_micro_usd(case.ledger, case.intent.close_ms, case.intent.intent_id)
    sign = 1 if case.intent.outcome is Outcome.UP else -1
    after = before + sign * buy_value_micro_usd(case.intent)
    if abs(after) > limit and abs(after) > abs(before):
        return f"net Up at one settlement time would be {after} micro-USD; at most {limit}"
    return None


TABLE: Final[tuple[tuple[str, Rule], ...]] = (
    ("halted", _halted),
    ("barred", _barred),
    ("wrong_release", _wrong_release),
    (UNATTESTED, _unattested),
    ("malformed", _malformed),
    ("too_early", _too_early),
    ("stale", _stale),
    ("too_late", _too_late),
    ("clock_skew", clock_skew),
    ("venue_version", venue_version),
    ("venue_paused", venue_paused),
    ("heartbeat_late", heartbeat_late),
    (FACTS_DIFFER, not_of_its_slot),
    ("too_small", _too_small),
    ("duplicate", _duplicate),
    ("oversold", _oversold),
    ("reducing", _reducing),
    ("throttled", _throttled),
    ("daily_loss", _daily_loss),
    ("orders_per_minute", _rate),
    ("order_value", _order),
    ("slot_exposure", _slot_exposure),
    ("fleet_exposure", _fleet_exposure),
    ("settlement_exposure", _settlement),
)
"""Stable codes: they appear in the journal, in status and in metrics."""
