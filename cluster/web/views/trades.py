"""The page of one trade, from decision to settlement, each step with the code that did it."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import msgspec

from cluster.audit.chain import TradeChain
from cluster.audit.chain_lines import Line
from cluster.audit.journal_view import Within
from cluster.audit.problem import Problem
from cluster.audit.screens import usd
from cluster.audit.trades import Trade
from cluster.replay.result import Replayed
from cluster.web.views.texts import NO_VALUE, cut, short, utc
from signals.market import Slot, day_of

LINES_MAX: Final = 200
"""Of one trade; an order that fills in more parts than that is a bug to be read in the journal."""
PROBLEMS_MAX: Final = 20
TRADES_MAX: Final = 50
DAYS_BEFORE: Final = 1
"""A later fence that makes rows void may have begun the day before."""
DAYS_AFTER: Final = 2
"""A window closes within hours; the venue settles it within another day."""
_PARTS: Final = 4
"""Of an intent id: slot, window, decision point, leg."""


class LineRow(msgspec.Struct, frozen=True, kw_only=True):
    when: str
    step: str
    what: str
    actor: str
    release: str
    release_id: str
    commit: str
    row: str


class InputRow(msgspec.Struct, frozen=True, kw_only=True):
    feed: str
    age: str
    limit: str
    state: str


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list."""

    id: str
    signed: str
    slot: str
    what: str
    status: str
    pnl: str
    release: str


class Rerun(msgspec.Struct, frozen=True, kw_only=True):
    """What came of making the decision again under its release."""

    said: str
    differences: tuple[str, ...] = ()


class TradeView(msgspec.Struct, frozen=True, kw_only=True):
    asked: str
    slot: str = ""
    window: str = ""
    intent: str = ""
    """Its id; the one that a second run is asked by."""
    headline: str = ""
    inputs: tuple[InputRow, ...] = ()
    lines: tuple[LineRow, ...] = ()
    hidden: int = 0
    releases: tuple[str, ...] = ()
    params: str = ""
    problems: tuple[str, ...] = ()
    missing: str = ""
    """Why there is no such trade."""
    trades: tuple[TradeRow, ...] = ()
    """To choose from, the latest first."""
    since: str = ""
    """Of the list."""


def within_of(identity: str, last_day: str) -> Within:
    """Return which part of a journal a trade lies in.

    An intent id names its slot and decision point; an order id names nothing, so the days that the
    list shows are looked through.
    """
    parts = identity.split("/")
    if len(parts) == _PARTS and Slot.is_name(parts[0]) and parts[2].isdecimal():
        day = day_of(min(int(parts[2]), _LAST_MS))
        return Within(slot=parts[0], first_day=_moved(day, -DAYS_BEFORE),
                      last_day=_moved(day, DAYS_AFTER))  # fmt: skip
    return recent(last_day)


def recent(last_day: str) -> Within:
    return Within(first_day=_moved(last_day, -DAYS_BEFORE))


def trade_view(chain: TradeChain, intent: str) -> TradeView:
    """Lay a chain out."""
    return TradeView(
        asked=chain.id,
        slot=chain.slot,
        window=utc(chain.window_open_ms),
        intent=intent,
        headline=_headline(chain),
        inputs=tuple(
            InputRow(
                feed=one.feed,
                age="never seen" if one.age_ms is None else f"{one.age_ms} ms",
                limit=f"{one.limit_ms} ms",
                state="fresh" if one.fresh else "STALE",
            )
            for one in chain.inputs
        ),
        lines=tuple(_line(one) for one in chain.lines[:LINES_MAX]),
        hidden=max(0, len(chain.lines) - LINES_MAX),
        releases=chain.releases,
        params=chain.params or "",
        problems=problem_lines(chain.problems),
    )


def trade_row(trade: Trade) -> TradeRow:
    shares = trade.shares_micro / 1e6
    return TradeRow(
        id=trade.intent_id,
        signed=utc(trade.signed_ms),
        slot=trade.slot,
        what=f"{trade.side} {shares:g} {trade.outcome} at {trade.price_micro_usd / 1e6:g}",
        status=trade.status,
        pnl=usd(trade.pnl_micro_usd) or NO_VALUE,
        release=short(trade.release),
    )


def rerun_of(found: Replayed) -> Rerun:
    """Say what a replay of one decision found."""
    differences = tuple(
        cut(
            f"{one.difference.field}: recorded {one.difference.recorded}, now {one.difference.made}"
        )
        for one in found.differing
    )
    if found.all_identical and found.made:
        return Rerun(said="identical: the same release decides the same, byte by byte")
    if found.all_identical:
        return Rerun(
            said="nothing to run again: the slot itself said no trade, without the strategy",
        )
    if differences:
        return Rerun(said="DIFFERS from the record", differences=differences)
    return Rerun(
        said="it could not be made again",
        differences=problem_lines(found.problems),
    )


def problem_lines(problems: Sequence[Problem]) -> tuple[str, ...]:
    lines = [cut(f"{one.kind}: {one.subject}: {one.reason}") for one in problems[:PROBLEMS_MAX]]
    left = len(problems) - PROBLEMS_MAX
    return (*lines, f"and {left} more") if left > 0 else tuple(lines)


def _headline(chain: TradeChain) -> str:
    trade = chain.trade
    if trade is None:
        return "no order was signed for it"
    if trade.pnl_micro_usd is None:
        return f"{trade.status}: no result yet"
    return f"{trade.status}, {usd(trade.pnl_micro_usd)} USD"


def _line(line: Line) -> LineRow:
    return LineRow(
        when=utc(line.market_ms),
        step=line.step,
        what=cut(line.text),
        actor=str(line.actor),
        release=short(line.release),
        release_id=line.release or "",
        commit=short(line.commit),
        row=NO_VALUE if line.sequence is None else str(line.sequence),
    )


_LAST_MS: Final = 250_000_000_000_000
"""A day of the year 9892: later numbers are no time."""


def _moved(day: str, days: int) -> str:
    """Move a day; one that cannot be moved stays where it is."""
    try:
        return str(dt.date.fromisoformat(day) + dt.timedelta(days=days))
    except (ValueError, OverflowError):
        return day
