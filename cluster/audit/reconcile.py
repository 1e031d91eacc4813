"""`audit reconcile`: own journal against the venue's orders, trades and winners.

The books are compared by ids and integers. What is on its way (an order being posted, a fill being
reported) is no difference: only what two looks, some seconds apart, both show is reported.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from actors.config import FleetConfig, Mode
from actors.gateway.market_facts import slug_of
from actors.live.confirmation import first_wire_ms
from actors.live.guard import beside_climb
from actors.messages import (
    Filled,
    FillFailed,
    OrderEnded,
    OrderOpened,
    OrderSigned,
    OutboxEvent,
    Settled,
)
from actors.slot.facts import OrderFact
from actors.slot.rows import entry_of
from actors.venue.answers import ListedMarket
from actors.venue.connect import connect
from actors.venue.port import (
    Rejected,
    TradeStatus,
    Unknown,
    VenueOrder,
    VenuePort,
    VenueTrade,
    reason_of,
)
from checkpoints.journal_rows import RowKind
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.status.tally import read_rows
from signals.market import Outcome

VENUE_SECONDS: Final = 20.0
"""Wire. A listing of thousands of trades comes in pages."""
LOOK_AGAIN_SECONDS: Final = 6.0
"""Wire. Longer than the gateway's own look at orders and trades: what it repairs is none."""
POLLS: Final = 3
ALL_TRADES_S: Final = 1
"""Unix seconds: from the beginning; ids tell what is ours."""
MARKETS_MAX: Final = 200
"""Winners asked for, newest first: one request each."""


class OwnBooks(msgspec.Struct, kw_only=True):
    """What the journal says."""

    open_orders: set[str] = set()
    """Known to be at the venue and not ended."""
    known_orders: set[str] = set()
    fills: dict[str, Filled] = {}
    failed: set[str] = set()
    winners: dict[str, Outcome] = {}
    slugs: dict[str, str] = {}
    """By condition id: the name under which the venue lists the market."""
    repeated: list[str] = []
    damaged: tuple[str, ...] = ()

    def apply(self, event: OutboxEvent) -> None:
        match event:
            case OrderSigned(order_id=order_id):
                self.known_orders.add(order_id)
                self.slugs[event.condition_id] = slug_of(event.intent_id)
            case OrderOpened(order_id=order_id):
                self.open_orders.add(order_id)
            case OrderEnded(order_id=order_id):
                self.open_orders.discard(order_id)
            case Filled(fill_id=fill_id):
                if fill_id in self.fills:
                    self.repeated.append(fill_id)
                self.fills[fill_id] = event
            case FillFailed(fill_id=fill_id):
                self.failed.add(fill_id)
            case Settled(condition_id=condition_id, winner=winner):
                self.winners[condition_id] = winner
            case _:
                return


class VenueBooks(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue says."""

    orders: tuple[VenueOrder, ...]
    trades: tuple[VenueTrade, ...]
    winners: dict[str, Outcome | None]
    outcomes: dict[str, Outcome] = {}
    """By token, of the markets that were asked for."""


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    differences: tuple[str, ...]
    open_orders: int
    fills: int
    positions: int
    """Market and outcome pairs held by either side's account of the fills."""
    winners: int
    looks: int


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """What part of both books is compared; by default all of it."""

    own_from_ms: int | None = None
    """Market time of the first own rows."""
    venue_from_wire_ms: int = 0
    """Trades of the venue before that are not asked for; earlier than the own rows, as a fill is
    matched before it is booked."""
    blamed_from_wire_ms: int = 0
    """A trade that the journal lacks is a difference if it was matched after that."""


def own_books(storage: Path, from_ms: int | None = None) -> OwnBooks:
    """Fold the journal's valid rows, of all time or from a moment of market time on."""
    rows, damaged = read_rows(storage, from_ms)
    books = OwnBooks(damaged=damaged)
    for row in rows:
        if row.kind is RowKind.ORDER_EVENT:
            fact = entry_of(row).fact
            if isinstance(fact, OrderFact):
                books.apply(fact.event)
    return books


def differences(own: OwnBooks, venue: VenueBooks) -> Iterator[str]:
    """Name every disagreement."""
    yield from (f"damaged: {name}" for name in own.damaged)
    yield from (f"fill {fill_id}: applied twice" for fill_id in own.repeated)
    listed = {order.order_id for order in venue.orders}
    for order_id in sorted(own.open_orders - listed):
        yield f"order {order_id}: open in the journal, not at the venue"
    for order_id in sorted(listed - own.known_orders):
        yield f"order {order_id}: open at the venue, not in the journal"
    yield from _fill_differences(own, venue)
    for condition_id, winner in venue.winners.items():
        if winner is not None and own.winners[condition_id] is not winner:
            mine = own.winners[condition_id]
            yield f"market {condition_id}: {mine} won by the journal, {winner} by the venue"


def _fill_differences(own: OwnBooks, venue: VenueBooks) -> Iterator[str]:
    theirs = {trade.fill_id: trade for trade in venue.trades}
    for fill_id in sorted(own.fills.keys() - theirs.keys()):
        yield f"fill {fill_id}: in the journal, not at the venue"
    for fill_id, trade in theirs.items():
        mine = own.fills.get(fill_id)
        failed = trade.status is TradeStatus.FAILED
        if mine is None:
            if not failed:
                yield f"fill {fill_id}: at the venue, not in the journal"
        elif venue.outcomes.get(trade.token_id, mine.outcome) is not mine.outcome:
            theirs_is = venue.outcomes[trade.token_id]
            yield f"fill {fill_id}: {mine.outcome} in the journal, {theirs_is} at the venue"
        elif _terms(mine) != _terms(trade):
            yield f"fill {fill_id}: journal {_terms(mine)}, venue {_terms(trade)}"
        elif trade.status.final and failed != (fill_id in own.failed):
            yield f"fill {fill_id}: {trade.status} at the venue, otherwise in the journal"


def _terms(fill: Filled | VenueTrade) -> tuple[str, int, int, int]:
    return (str(fill.side), fill.price, fill.shares, fill.fee_micro_usd)


def reconcile(config: FleetConfig, span: Span = Span()) -> Reconciled:  # noqa: B008 frozen
    """Look until a look shows nothing, at most `POLLS` times; keep what all looks show."""
    return asyncio.run(_reconcile(config, span))


async def _reconcile(config: FleetConfig, span: Span) -> Reconciled:
    opened = await connect(config, VENUE_SECONDS)
    if isinstance(opened, Rejected | Unknown):
        raise FleetError(
            f"the venue does not answer ({reason_of(opened)}): `midstride doctor` says more"
        )
    venue = beside_climb(opened, config)
    after_s = max(trades_since_s(config), span.venue_from_wire_ms // 1_000)
    try:
        lasting: Counter[str] = Counter()
        for poll in range(1, POLLS + 1):
            own = await asyncio.to_thread(own_books, Path(config.storage), span.own_from_ms)
            theirs = within(await _ask(venue, own, after_s), own, span.blamed_from_wire_ms)
            lasting.update(set(differences(own, theirs)))
            left = [text for text, count in lasting.items() if count == poll]
            if not left or poll == POLLS:
                break
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return _result(own, left, poll)
    finally:
        await venue.close()


def within(venue: VenueBooks, own: OwnBooks, blamed_from_wire_ms: int) -> VenueBooks:
    """Leave out trades that only rows before the span could know of. Pure."""
    trades = tuple(
        trade
        for trade in venue.trades
        if trade.matched_wire_ms >= blamed_from_wire_ms or trade.fill_id in own.fills
    )
    return msgspec.structs.replace(venue, trades=trades)


def _result(own: OwnBooks, left: list[str], looks: int) -> Reconciled:
    held = {
        (fill.condition_id, fill.outcome)
        for fill_id, fill in own.fills.items()
        if fill_id not in own.failed
    }
    return Reconciled(
        differences=tuple(sorted(left)),
        open_orders=len(own.open_orders),
        fills=len(own.fills),
        positions=len(held),
        winners=len(own.winners),
        looks=looks,
    )


def trades_since_s(config: FleetConfig) -> int:
    """Return since when trades of the account are the fleet's, Unix seconds.

    A wallet of a person may have traded before its first live start here.
    """
    if config.mode is not Mode.LIVE:
        return ALL_TRADES_S
    first_ms = first_wire_ms(LocalStorage(Path(config.storage)))
    return ALL_TRADES_S if first_ms is None else first_ms // 1000


async def _ask(venue: VenuePort, own: OwnBooks, after_s: int) -> VenueBooks:
    orders = await venue.open_orders()
    trades = await venue.trades(after_s)
    if isinstance(orders, Unknown):
        raise FleetError(f"the venue did not list its open orders ({orders.reason}): try again")
    if isinstance(trades, Unknown):
        raise FleetError(f"the venue did not list its trades ({trades.reason}): try again")
    winners: dict[str, Outcome | None] = {}
    for condition_id in list(own.winners)[-MARKETS_MAX:]:
        winner = await venue.resolution(condition_id)
        winners[condition_id] = None if isinstance(winner, Unknown) else winner
    outcomes = await _outcomes(venue, own)
    return VenueBooks(orders=orders, trades=trades, winners=winners, outcomes=outcomes)


async def _outcomes(venue: VenuePort, own: OwnBooks) -> dict[str, Outcome]:
    """Ask the venue which claim each token of the newest markets is."""
    found: dict[str, Outcome] = {}
    for slug in list(own.slugs.values())[-MARKETS_MAX:]:
        market = await venue.market(slug)
        if isinstance(market, ListedMarket):
            found |= {market.token(outcome): outcome for outcome in Outcome}
    return found
