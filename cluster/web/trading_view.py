"""What the page that halts shows: the state of trading, and the orders that would be cancelled."""

from typing import Final

import msgspec

from actors.gateway.lock import halt_reason
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.audit.log_reading import read_log
from cluster.terminal.plain_text import plain
from cluster.web.fleet_seen import FleetSeen
from cluster.web.fleet_tiles import STALE_MS
from cluster.web.wording import shares
from signals.units import MICRO

ORDERS_SHOWN: Final = 50


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    order_id: str
    what: str
    filled: str


class TradingView(msgspec.Struct, frozen=True, kw_only=True):
    halted: str | None
    """Reason in the HALT file; None: there is none."""
    state: str
    orders: tuple[OrderLine, ...]
    more_orders: int
    told: str
    """Who says that these are open."""


def trading_view(storage: LocalStorage, seen: FleetSeen | None, now_ms: int) -> TradingView:
    """Read what is open by the gateway's own word, else by its log. Reads files."""
    orders, told = _by_gateway(seen, now_ms) or _by_log(storage)
    gateway = None if seen is None else seen.gateway
    state = None if gateway is None else gateway.trading_state
    return TradingView(
        halted=_halted(storage),
        state=plain(state or "not known: no gateway has answered"),
        orders=orders[:ORDERS_SHOWN],
        more_orders=max(0, len(orders) - ORDERS_SHOWN),
        told=told,
    )


def _halted(storage: LocalStorage) -> str | None:
    try:
        found = halt_reason(storage.root)
    except OSError as error:
        return f"the file cannot be read ({error.strerror})"
    return None if found is None else plain(found)


def _by_gateway(seen: FleetSeen | None, now_ms: int) -> tuple[tuple[OrderLine, ...], str] | None:
    if seen is None or seen.account is None or seen.gateway_wire_ms is None:
        return None
    age_ms = now_ms - seen.gateway_wire_ms
    if age_ms > STALE_MS:
        return None
    lines = tuple(
        OrderLine(
            slot=order.slot,
            order_id=order.order_id,
            what=_what(order.side, order.shares, order.outcome, order.price),
            filled=shares(order.filled_shares),
        )
        for order in seen.account.open_orders
    )
    return lines, f"by the gateway, {age_ms / 1_000:.0f} s ago"


def _by_log(storage: LocalStorage) -> tuple[tuple[OrderLine, ...], str]:
    try:
        ledger = read_log(storage).ledger
    except (CheckpointsError, OSError) as error:
        return (), f"not known: the gateway's log cannot be read ({plain(str(error))})"
    if ledger is None:
        return (), "not known: there is no gateway's log that can be read"
    lines = tuple(
        OrderLine(
            slot=order.slot,
            order_id=order.order_id,
            what=_what(order.side, order.shares, order.outcome, order.price),
            filled=shares(order.filled_shares),
        )
        for order in ledger.orders.values()
    )
    return lines, "by the gateway's log, since it does not answer now"


def _what(side: str, count: int, outcome: str, price_micro_usd: int) -> str:
    return f"{side} {shares(count)} {outcome} at {price_micro_usd / MICRO:g} USD"
