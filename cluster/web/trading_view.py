"""What the page that halts shows: the state of trading, and the orders that would be cancelled."""

from collections.abc import Iterable
from typing import Final

import msgspec

from actors.gateway.lock import halt_reason
from actors.gateway.order_life import Order
from actors.gateway.status import OpenOrder
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.audit.log_reading import read_log
from cluster.terminal.counting import counted
from cluster.terminal.plain_text import plain
from cluster.web.fleet_seen import FleetSeen
from cluster.web.fleet_tiles import STALE_MS
from cluster.web.wording import shares
from signals.units import MICRO

ORDERS_SHOWN: Final = 50
NOT_KNOWN: Final = "What is open is not known"


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
    summary: str
    """How many are open, and who says so; or why that is not known."""


def trading_view(storage: LocalStorage, seen: FleetSeen | None, now_ms: int) -> TradingView:
    """Read what is open by the gateway's own word, else by its log. Reads files."""
    orders, source = _by_gateway(seen, now_ms) or _by_log(storage)
    gateway = None if seen is None else seen.gateway
    state = None if gateway is None else gateway.trading_state
    return TradingView(
        halted=halted(storage),
        state=plain(state or "not known: no gateway has answered"),
        orders=(orders or ())[:ORDERS_SHOWN],
        more_orders=max(0, len(orders or ()) - ORDERS_SHOWN),
        summary=source if orders is None else f"{counted(len(orders), 'open order')}, {source}",
    )


def halted(storage: LocalStorage) -> str | None:
    """Return the reason in the HALT file; None: there is none. One that is unreadable stands."""
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
    return _lines(seen.account.open_orders), f"by the gateway, {age_ms / 1_000:.0f} s ago"


def _by_log(storage: LocalStorage) -> tuple[tuple[OrderLine, ...] | None, str]:
    try:
        ledger = read_log(storage).ledger
    except (CheckpointsError, OSError) as error:
        return None, f"{NOT_KNOWN}: the gateway's log cannot be read ({plain(str(error))})"
    if ledger is None:
        return None, f"{NOT_KNOWN}: there is no gateway's log that can be read"
    return _lines(ledger.orders.values()), "by the gateway's log, since it does not answer now"


def _lines(orders: Iterable[OpenOrder | Order]) -> tuple[OrderLine, ...]:
    return tuple(
        OrderLine(
            slot=one.slot,
            order_id=one.order_id,
            what=f"{one.side} {shares(one.shares)} {one.outcome} at {one.price / MICRO:g} USD",
            filled=shares(one.filled_shares),
        )
        for one in orders
    )
