"""Journal rows become what the detectors watch. Pure; rows are the valid ones, in any slot order.

A bet is every share that a release bought in one market, fee included, whatever was sold later:
it asks what the entry was worth. A bought fill counts once it was not reversed by the settlement.
"""

from typing import Final

import msgspec

from actors.detectors.decision_mix import category
from actors.detectors.deployed import Decided
from actors.detectors.outcome import Bet
from checkpoints.journal_rows import JournalRow, RowKind
from signals.market import Outcome, Side, Slot
from signals.units import MICRO

FILLS_MAX: Final = 20_000
"""Bought and not settled: hours of a busy fleet; beyond it the oldest are let go."""


class Bought(msgspec.Struct, frozen=True, kw_only=True):
    """One fill that waits for its market's winner."""

    slot: str
    release: str
    condition_id: str
    outcome: str
    close_ms: int
    shares_micro: int
    paid_micro_usd: float
    """Price times shares, and the fee."""


class Purchases(msgspec.Struct, frozen=True, kw_only=True):
    fills: dict[str, Bought] = {}
    """``slot fill id`` -> fill, in the order of their rows."""
    dropped: int = 0


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """A bet with the release that made it."""

    release: str
    bet: Bet


def decided_of(row: JournalRow) -> Decided | None:
    """Return the decision of a row that is one."""
    if row.kind is not RowKind.DECISION or row.due_ms is None:
        return None
    return Decided(
        slot=row.slot,
        release=row.release,
        params=row.params,
        due_ms=row.due_ms,
        complete=bool(row.complete),
        has_probability=row.probability_up is not None,
    )


def category_of(row: JournalRow) -> str:
    return category(row.action or "", row.reason or "", row.outcome)


def apply(state: Purchases, row: JournalRow) -> tuple[Purchases, tuple[Paid, ...]]:
    """Keep a bought fill, forget a reversed one, or turn a settled market's fills into bets."""
    if row.kind is not RowKind.ORDER_EVENT:
        return state, ()
    match row.action:
        case "filled":
            return _keep(state, row), ()
        case "fill_failed":
            fills = {key: one for key, one in state.fills.items() if key != _key(row)}
            return msgspec.structs.replace(state, fills=fills), ()
        case "settled":
            return _settle(state, row)
        case _:
            return state, ()


def _key(row: JournalRow) -> str:
    return f"{row.slot} {row.fill_id}"


def _keep(state: Purchases, row: JournalRow) -> Purchases:
    bought = _bought(row)
    if bought is None:
        return state
    fills = {**state.fills, _key(row): bought}
    if len(fills) > FILLS_MAX:
        del fills[next(iter(fills))]
        return Purchases(fills=fills, dropped=state.dropped + 1)
    return msgspec.structs.replace(state, fills=fills)


def _bought(row: JournalRow) -> Bought | None:
    if row.side != Side.BUY or not row.shares_micro or row.price_micro_usd is None:
        return None
    if row.window_open_ms is None or row.condition_id is None or row.outcome is None:
        return None
    length_ms = Slot.parse(row.slot).timeframe.length_ms
    value = row.price_micro_usd * row.shares_micro / MICRO
    return Bought(
        slot=row.slot,
        release=row.opened_release or row.release,
        condition_id=row.condition_id,
        outcome=row.outcome,
        close_ms=row.window_open_ms + length_ms,
        shares_micro=row.shares_micro,
        paid_micro_usd=value + (row.fee_micro_usd or 0),
    )


def _settle(state: Purchases, row: JournalRow) -> tuple[Purchases, tuple[Paid, ...]]:
    mine = {
        key: one
        for key, one in state.fills.items()
        if (one.slot, one.condition_id) == (row.slot, row.condition_id)
    }
    left = {key: one for key, one in state.fills.items() if key not in mine}
    groups: dict[tuple[str, str], list[Bought]] = {}
    for one in mine.values():
        groups.setdefault((one.release, one.outcome), []).append(one)
    paid = tuple(
        Paid(release=release, bet=_bet(fills, won=Outcome(outcome) == row.outcome))
        for (release, outcome), fills in groups.items()
    )
    return msgspec.structs.replace(state, fills=left), paid


def _bet(fills: list[Bought], *, won: bool) -> Bet:
    shares = sum(one.shares_micro for one in fills)
    paid = sum(one.paid_micro_usd for one in fills)
    return Bet(slot=fills[0].slot, close_ms=fills[0].close_ms, cost=paid / shares, won=won)
