"""What the gateway says about itself: for `status`, metrics and the supervisor."""

from collections.abc import Iterator
from typing import Final

import msgspec

from actors.gateway.flight import Flight
from actors.gateway.ledger import PROVISIONAL, UNSETTLED, Ledger
from actors.gateway.risk_case import at_stake_micro_usd
from actors.gateway.risk_venue import VENUE_CANCELS_MS
from actors.gateway.venue_pause import why_paused
from actors.messages import FenceRecord, TradingState
from signals.market import Outcome, Side
from signals.units import MicroShares, MicroUsd, PriceMicroUsd


class OpenOrder(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    order_id: str
    condition_id: str
    outcome: Outcome
    side: Side
    price: PriceMicroUsd
    shares: MicroShares
    filled_shares: MicroShares
    state: str
    age_ms: int
    """Wire."""
    close_ms: int


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Of the last `samples` orders, wire ms."""

    samples: int = 0
    received_to_posted_p50_ms: float = 0.0
    received_to_posted_p99_ms: float = 0.0
    """Until the post leaves: checked, signed, written ahead, fsync'd."""
    fsync_p50_ms: float = 0.0


CONTRADICTED_FILL: Final = "books_differ/fill/"
"""How the keys of its alarms of such fills begin."""


class GatewayStatus(msgspec.Struct, frozen=True, kw_only=True, tag="gateway_status"):
    name: str
    phase: str
    """``starting: <what it waits for>``, ``serving``, ``moved``, ``stopped`` or ``damaged``."""
    generation: int
    trading_state: TradingState
    trading_reason: str
    trading_who: str
    heartbeat_gap_ms_max: int
    heartbeat_age_ms: int | None
    """Since the last one that the venue took; None before the first."""
    open_orders: tuple[OpenOrder, ...]
    exposure_micro_usd: dict[str, MicroUsd]
    """Per slot: holdings at cost and open buys."""
    fleet_exposure_micro_usd: MicroUsd
    day_realized_micro_usd: MicroUsd
    end_counts: dict[str, int]
    latched: dict[str, str]
    skew_ms: int
    provisional_fills: int
    unsettled_markets: int
    latency: Latency
    wire_ms: int
    market_ms: int
    pid: int
    process_start: int
    node_id: str
    life: str
    release: str = ""
    """What runs, see `actors.attest.release_running`."""
    trouble: tuple[str, ...] = ()
    """What keeps orders from passing, or the books from being sure: one sentence each."""
    cash_micro_usd: MicroUsd | None = None
    """The account's settled balance at the venue, when it was last read."""
    allowance_micro_usd: MicroUsd | None = None
    """What the exchange may spend of it."""
    listed_age_ms: int | None = None
    """Since the venue last listed orders and trades; None before the first."""
    contradicted_fills: int = 0
    """Fills since this process began whose trade contradicts what was booked."""


class FenceTable(msgspec.Struct, frozen=True, kw_only=True, tag="fence_table"):
    """Answer of `fences`: owners now, and the fence records that void journal rows."""

    owners: tuple[FenceRecord, ...]
    history: tuple[FenceRecord, ...]
    """Of all slots, oldest first within each; at most the last 64 a slot."""


def fence_table(ledger: Ledger) -> FenceTable:
    seats = [ledger.seats[slot] for slot in sorted(ledger.seats)]
    return FenceTable(
        owners=tuple(seat.owner for seat in seats if seat.owner is not None),
        history=tuple(record for seat in seats for record in seat.history),
    )


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """The process behind the status."""

    name: str
    pid: int
    process_start: int
    node_id: str
    life: str
    release: str = ""


def status_of(
    identity: Identity,
    phase: str,
    ledger: Ledger,
    flight: Flight,
    latency: Latency,
    wire_ms: int,
    market_ms: int,
) -> GatewayStatus:
    """Describe the durable ledger and this process's flight."""
    holders = {holding.slot for holding in ledger.holdings.values()}
    slots = sorted(holders | {order.slot for order in ledger.orders.values()})
    exposure = {slot: at_stake_micro_usd(ledger, slot) for slot in slots}
    account = flight.account.seen
    return GatewayStatus(
        name=identity.name,
        phase=phase,
        generation=ledger.generation,
        trading_state=ledger.trading,
        trading_reason=ledger.trading_reason,
        trading_who=ledger.trading_who,
        heartbeat_gap_ms_max=flight.beat_gap_max_ms,
        heartbeat_age_ms=wire_ms - flight.beat_ok_wire_ms if flight.beat_ok_wire_ms else None,
        open_orders=_open_orders(ledger, wire_ms),
        exposure_micro_usd=exposure,
        fleet_exposure_micro_usd=MicroUsd(sum(exposure.values())),
        day_realized_micro_usd=ledger.realized_on(market_ms),
        end_counts=dict(ledger.end_counts),
        latched=dict(ledger.latched),
        skew_ms=flight.skew_ms,
        provisional_fills=len(ledger.fills.keys_of(PROVISIONAL)),
        unsettled_markets=len(ledger.markets.keys_of(UNSETTLED)),
        latency=latency,
        wire_ms=wire_ms,
        market_ms=market_ms,
        pid=identity.pid,
        process_start=identity.process_start,
        node_id=identity.node_id,
        life=identity.life,
        release=identity.release,
        trouble=tuple(_trouble(flight, wire_ms)),
        cash_micro_usd=None if account is None else account.cash_micro_usd,
        allowance_micro_usd=None if account is None else account.allowance_micro_usd,
        listed_age_ms=wire_ms - flight.looked_wire_ms if flight.reconciled else None,
        contradicted_fills=sum(key.startswith(CONTRADICTED_FILL) for key in flight.alarmed),
    )


BEAT_LATE_MS: Final = 6_000
"""Wire: one heartbeat was due and is not answered."""


def _heartbeat_trouble(flight: Flight, wire_ms: int) -> Iterator[str]:
    """Say what the venue does by itself while no heartbeat arrives."""
    silent_ms = flight.unheard_ms(wire_ms)
    if silent_ms < BEAT_LATE_MS:
        return
    left_s = -(-(VENUE_CANCELS_MS - silent_ms) // 1_000)
    then = f"cancels all open orders in {left_s} s" if left_s > 0 else "has cancelled all orders"
    yield f"no heartbeat was taken for {silent_ms // 1_000} s: the venue {then}"


def _trouble(flight: Flight, wire_ms: int) -> Iterator[str]:
    yield from _heartbeat_trouble(flight, wire_ms)
    row = flight.refusals
    if row is not None and row.lasting:
        seconds = (wire_ms - row.since_wire_ms) // 1_000
        yield f"{row.total} orders refused in {seconds} s, none passed; the newest: {row.words}"
    paused = why_paused(flight.pause, wire_ms)
    if paused:
        yield paused
    if flight.look_trouble:
        seconds = (wire_ms - flight.looked_wire_ms) // 1_000
        yield f"orders and trades not listed for {seconds} s: {flight.look_trouble}"
    if flight.odd_rows:
        yield f"{len(flight.odd_rows)} odd rows in the venue's listings: alarms list names them"
    if flight.account.trouble:
        yield f"the account cannot be read: {flight.account.trouble}"
    yield from flight.account.differs


def _open_orders(ledger: Ledger, wire_ms: int) -> tuple[OpenOrder, ...]:
    return tuple(
        OpenOrder(
            slot=order.slot,
            order_id=order.order_id,
            condition_id=order.condition_id,
            outcome=order.outcome,
            side=order.side,
            price=order.price,
            shares=order.shares,
            filled_shares=order.filled_shares,
            state=order.state,
            age_ms=wire_ms - order.signed_wire_ms,
            close_ms=order.close_ms,
        )
        for order in ledger.orders.values()
    )
