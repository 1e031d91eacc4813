"""The gateway's books beside the venue's account: cash, approvals, what is held. Pure.

Only what is at rest is compared: a market whose fills are all final for a while, cash while nothing
is under way. A difference counts when several looks in a row show the same one.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from actors.gateway.account_view import CashBase
from actors.gateway.draft import Draft
from actors.gateway.exposure import Holding
from actors.gateway.ledger import PROVISIONAL, UNSETTLED, Ledger, condition
from actors.gateway.market_events import AccountSeen, AskAccount
from actors.gateway.market_facts import slug_of
from actors.gateway.records import KeptFill, Market
from actors.venue.answers import AccountBalance, ListedMarket
from actors.venue.port import Unknown
from signals.market import Outcome
from signals.units import MICRO

LOOK_MS: Final = 180_000
"""Wire, between two looks at the account."""
SOON_MS: Final = 2_000
"""Wire: after a roll, a refusal for want of balance, or a difference."""
BETWEEN_MS: Final = 5_000
"""Wire, at least between two looks, unless a difference is being looked at."""
LOST_MS: Final = 60_000
"""Wire: a look without an answer by then is asked again."""
REST_MS: Final = 60_000
"""Market, after a fill: until then the venue's own figures may lag behind its trades."""
POLLS: Final = 3
"""That must show the same difference."""
TOKENS_MAX: Final = 32
"""Asked for at once: one request each, of 200 in 10 s."""
DUST_MICRO_SHARES: Final = 10_000
"""One size step: the venue's rounding of fills and fees."""
CASH_DUST_MICRO_USD: Final = 50_000
"""Five cents: fees are rounded by a rule that the venue does not publish."""
KIND: Final = "books_differ"
LOW: Final = "balance_low"


def poll_account_soon(draft: Draft) -> None:
    """Have the account compared soon: something happened that could have gone wrong."""
    account = draft.flight.account
    due_ms = min(account.due_wire_ms, draft.wire_ms + SOON_MS)
    draft.flight.account = msgspec.structs.replace(account, due_wire_ms=due_ms)


def poll_account_when_idle(draft: Draft) -> None:
    """Have the account compared when the fill that was just confirmed has come to rest."""
    rest_ms = draft.market_ms + REST_MS
    draft.flight.account = msgspec.structs.replace(draft.flight.account, rest_market_ms=rest_ms)


def _is_due(draft: Draft) -> bool:
    account = draft.flight.account
    since_ms = account.asking_since_wire_ms
    waits = since_ms is not None and draft.wire_ms - since_ms < LOST_MS
    too_soon = not account.doubts and draft.wire_ms - account.asked_wire_ms < BETWEEN_MS
    if waits or too_soon or not draft.flight.reconciled:
        return False
    rests = account.rest_market_ms is not None and draft.market_ms >= account.rest_market_ms
    return rests or draft.wire_ms >= account.due_wire_ms


def poll_account(draft: Draft) -> None:
    """Ask for the account when that is due and orders and trades are known."""
    if not _is_due(draft):
        return
    draft.flight.account = msgspec.structs.replace(
        draft.flight.account,
        asking_since_wire_ms=draft.wire_ms,
        asked_wire_ms=draft.wire_ms,
        due_wire_ms=draft.wire_ms + LOOK_MS,
        rest_market_ms=None,
    )
    tokens = [token for _, _, token, _ in _at_rest(draft)]
    draft.ask(AskAccount(token_ids=tuple(tokens[:TOKENS_MAX])))


def take_account(draft: Draft, event: AccountSeen) -> None:
    """Compare what the venue says of the account with the books."""
    account = msgspec.structs.replace(draft.flight.account, asking_since_wire_ms=None)
    if isinstance(event.account, Unknown):
        again_ms = draft.wire_ms + BETWEEN_MS
        draft.flight.account = msgspec.structs.replace(
            account, trouble=event.account.reason, due_wire_ms=min(account.due_wire_ms, again_ms)
        )
        return
    draft.flight.account = msgspec.structs.replace(
        account, seen=event.account, seen_wire_ms=draft.wire_ms, trouble=""
    )
    _compare_with_limits(draft, event.account)
    found = dict(_positions(draft, event.account))
    found.update(_cash(draft, event.account))
    _doubt(draft, found)


def _doubt(draft: Draft, found: dict[str, str]) -> None:
    """Raise the alarm of what several looks have shown alike; look again soon at the rest."""
    account = draft.flight.account
    doubts: dict[str, tuple[str, int]] = {}
    for subject, text in found.items():
        before, count = account.doubts.get(subject, ("", 0))
        doubts[subject] = (text, count + 1 if before == text else 1)
    lasting = tuple(text for text, count in doubts.values() if count >= POLLS)
    draft.flight.account = msgspec.structs.replace(account, doubts=doubts, differs=lasting)
    for subject, (text, count) in doubts.items():
        if count >= POLLS:
            draft.alarm(KIND, subject, text)
    if len(lasting) < len(doubts):
        poll_account_soon(draft)


# ---- what is held -----------------------------------------------------------------------------

Held = tuple[str, Outcome, str, int]
"""Condition id, outcome, token, and what the slots hold of it together."""


def _at_rest(draft: Draft) -> Iterator[Held]:
    for market in draft.ledger.markets.of(UNSETTLED):
        listed = _listed(draft, market)
        if listed is None or draft.market_ms >= market.close_ms or not _rests(draft, market):
            continue
        for outcome in Outcome:
            held = sum(
                holding.held_shares
                for holding in draft.ledger.holdings.of(condition(market.condition_id))
                if holding.outcome is outcome
            )
            yield market.condition_id, outcome, listed.token(outcome), held


def _listed(draft: Draft, market: Market) -> ListedMarket | None:
    own = condition(market.condition_id)
    order = next(iter((*draft.ledger.ended.of(own), *draft.ledger.orders.of(own))), None)
    listing = None if order is None else draft.flight.listed.get(slug_of(order.intent_id))
    return None if listing is None else listing.market


def _rests(draft: Draft, market: Market) -> bool:
    """True when nothing of the market is under way and its fills are final for a while."""
    own = condition(market.condition_id)
    fills = draft.ledger.fills.of(own)
    return (
        bool(fills)
        and not draft.ledger.orders.has(own)
        and all(_settled(draft, fill) for fill in fills)
    )


def _settled(draft: Draft, kept: KeptFill) -> bool:
    return kept.final and draft.market_ms - kept.fill.at_ms >= REST_MS


def _positions(draft: Draft, account: AccountBalance) -> Iterator[tuple[str, str]]:
    for condition_id, outcome, token, held in _at_rest(draft):
        theirs = account.shares.get(token)
        if theirs is None or abs(theirs - held) <= DUST_MICRO_SHARES:
            continue
        ours, there = _decimal(held), _decimal(theirs)
        text = f"{outcome} of {condition_id}: {ours} shares by the books, {there} at the venue"
        yield f"{condition_id}/{outcome}", text


# ---- money ------------------------------------------------------------------------------------


def _cash(draft: Draft, account: AccountBalance) -> Iterator[tuple[str, str]]:
    """Compare how cash moved since a quiet moment; payouts may come at any time after it."""
    ledger = draft.ledger
    if not _quiet(draft):
        return
    base = draft.flight.account.base
    if base is None:
        base = CashBase(
            venue_micro_usd=account.cash_micro_usd, books_micro_usd=ledger.cash_micro_usd
        )
        draft.flight.account = msgspec.structs.replace(draft.flight.account, base=base)
    least = base.venue_micro_usd + ledger.cash_micro_usd - base.books_micro_usd
    still_held = sum(max(0, holding.held_shares) for holding in _unsettled(ledger))
    most = least + ledger.paid_micro_usd + still_held
    if least - CASH_DUST_MICRO_USD <= account.cash_micro_usd <= most + CASH_DUST_MICRO_USD:
        return
    books = _decimal(least) if most == least else f"{_decimal(least)} to {_decimal(most)}"
    there = _decimal(account.cash_micro_usd)
    text = f"cash: {books} USD by the books, {there} USD at the venue"
    yield "cash", f"{text}; a deposit or a withdrawal looks like this too"


def _quiet(draft: Draft) -> bool:
    """True while no order is open and no fill of an unsettled market is new or provisional."""
    ledger = draft.ledger
    fills = [
        kept
        for market in ledger.markets.of(UNSETTLED)
        for kept in ledger.fills.of(condition(market.condition_id))
    ]
    settled = all(_settled(draft, kept) for kept in fills)
    return not ledger.orders and not ledger.fills.has(PROVISIONAL) and settled


def _unsettled(ledger: Ledger) -> Iterator[Holding]:
    for market in ledger.markets.of(UNSETTLED):
        held = ledger.holdings.of(condition(market.condition_id))
        yield from (holding for holding in held if not holding.told)


def _compare_with_limits(draft: Draft, account: AccountBalance) -> None:
    """Say when the account has less than the slots may still use."""
    limit = draft.rules.limits.fleet_exposure_micro_usd
    needed = limit - sum(holding.at_stake_micro_usd for holding in _unsettled(draft.ledger))
    allowed = account.allowance_micro_usd
    usable = account.cash_micro_usd if allowed is None else min(account.cash_micro_usd, allowed)
    if usable >= needed:
        draft.end_alarm(LOW, "account", "the account has what the slots may use")
        return
    approved = "" if allowed is None else f", approved for the exchange {_decimal(allowed)} USD"
    draft.alarm(
        LOW,
        "account",
        f"balance {_decimal(account.cash_micro_usd)} USD{approved}; "
        f"the slots may use {_decimal(needed)} USD more",
    )


def _decimal(micro: int) -> str:
    sign, whole = ("-", -micro) if micro < 0 else ("", micro)
    return f"{sign}{whole // MICRO}.{whole % MICRO:06d}"
