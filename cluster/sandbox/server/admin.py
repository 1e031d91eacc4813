"""The admin door: what the exchange knows, and the faults a test orders. Loopback only."""

from typing import Final

import msgspec
from starlette.responses import Response

from cluster.sandbox.behaviours import Behaviours
from cluster.sandbox.faults import IMMEDIATE, Fault, FaultError, FaultKind, FaultState
from cluster.sandbox.model import Now, Provenance, VenueMode
from cluster.sandbox.numbers import whole_number
from cluster.sandbox.server.calls import Call, Entry, decode
from cluster.sandbox.server.clob_account import revoke_key
from cluster.sandbox.server.order_bodies import OpenOrderBody, open_order_body
from cluster.sandbox.server.wire import answer, refuse
from cluster.sandbox.server.world import World


class ClockBody(msgspec.Struct, frozen=True, kw_only=True):
    wire_ms: int
    market_ms: int
    speed: int
    anchor_wire_ms: int
    anchor_market_ms: int


class AdminOrder(msgspec.Struct, frozen=True, kw_only=True):
    order: OpenOrderBody
    queue_ahead_micro_shares: int | None
    """Shares with priority over it now."""
    queue_ahead_at_placement_micro_shares: int | None


class AdminAccount(msgspec.Struct, frozen=True, kw_only=True):
    api_key: str
    address: str
    cash_settled_micro_usd: int
    cash_available_micro_usd: int
    open_orders: tuple[AdminOrder, ...]


class StateBody(msgspec.Struct, frozen=True, kw_only=True):
    clock: ClockBody
    mode: VenueMode
    digest: str
    accounts: tuple[AdminAccount, ...]
    faults: tuple[FaultState, ...]
    behaviours: dict[str, int]
    """The venue's behaviours in force, and how often each has struck since the start."""
    provenance: tuple[Provenance, ...]
    asked: dict[str, int]
    """Requests since the start that are no reads, by method and path: whoever sent them."""


class RelayerKeyBody(msgspec.Struct, frozen=True, kw_only=True):
    key: str


class FaultSet(msgspec.Struct, frozen=True, kw_only=True):
    id: int | None
    """None: it was done at once and is not on the board."""


class FaultsCleared(msgspec.Struct, frozen=True, kw_only=True):
    cleared: int


def clock_body(world: World, now: Now) -> ClockBody:
    clock = world.clock.clock
    return ClockBody(
        wire_ms=now.wire_ms,
        market_ms=now.market_ms,
        speed=clock.speed,
        anchor_wire_ms=clock.anchor_wire_ms,
        anchor_market_ms=clock.anchor_market_ms,
    )


def clock(call: Call) -> Response:
    return answer(clock_body(call.world, call.now))


def struck(behaviours: Behaviours) -> dict[str, int]:
    return {str(name): behaviours.struck[name] for name in sorted(behaviours.enabled)}


def _accounts(call: Call) -> tuple[AdminAccount, ...]:
    exchange = call.world.exchange
    shown = []
    for account in call.world.accounts.all():
        cash = exchange.cash(account.api_key)
        orders = tuple(
            AdminOrder(
                order=open_order_body(order),
                queue_ahead_micro_shares=exchange.queue_ahead(order.order_id),
                queue_ahead_at_placement_micro_shares=order.queue_ahead_at_placement,
            )
            for order in exchange.open_orders(account.api_key)
        )
        shown.append(
            AdminAccount(
                api_key=account.api_key,
                address=account.address,
                cash_settled_micro_usd=cash.settled,
                cash_available_micro_usd=cash.available,
                open_orders=orders,
            )
        )
    return tuple(shown)


def state(call: Call) -> Response:
    world = call.world
    return answer(
        StateBody(
            clock=clock_body(world, call.now),
            mode=world.exchange.mode,
            digest=world.exchange.digest(),
            accounts=_accounts(call),
            faults=world.faults.states(),
            behaviours=struck(world.exchange.behaviours),
            provenance=world.exchange.provenance(),
            asked=dict(world.asked),
        )
    )


def _do_at_once(call: Call, fault: Fault) -> None:
    exchange = call.world.exchange
    match fault.kind:
        case FaultKind.GHOST_FILL:
            exchange.fail_trades(fault.count or 1)
        case FaultKind.RESTART:
            exchange.restart(
                call.now,
                restart_wire_ms=fault.delay_ms,
                post_only_wire_ms=fault.post_only_ms,
            )
        case FaultKind.MODE:
            exchange.set_mode(VenueMode(fault.mode), call.now)
        case FaultKind.WITHDRAWAL:
            for account in call.world.accounts.all():
                exchange.withdraw(account.api_key, fault.amount_micro_usd, call.now)
        case FaultKind.REVOKE_KEYS:
            for account in call.world.accounts.all():
                revoke_key(call.world, account.api_key, call.now)
        case _:
            raise FaultError(f"{fault.kind} waits on the board")


def set_fault(call: Call) -> Response:
    """Put one fault on the board, or do it at once; 400 names the field that makes no sense."""
    fault = decode(call.body, Fault)
    try:
        if fault.kind not in IMMEDIATE:
            return answer(FaultSet(id=call.world.faults.set(fault)))
        _do_at_once(call, fault)
    except ValueError as error:
        return refuse(400, str(error))
    call.world.commit()
    return answer(FaultSet(id=None))


def list_faults(call: Call) -> Response:
    return answer(call.world.faults.states())


def clear_faults(call: Call) -> Response:
    """Clear all faults, and end a venue mode that a fault set."""
    cleared = call.world.faults.clear()
    if call.world.exchange.mode is not VenueMode.OPEN:
        call.world.exchange.set_mode(VenueMode.OPEN, call.now)
        call.world.commit()
    return answer(FaultsCleared(cleared=cleared))


def clear_fault(call: Call) -> Response:
    number = whole_number(call.path["number"], 10**9)
    cleared = 0 if number is None else call.world.faults.clear(number)
    return answer(FaultsCleared(cleared=cleared))


def relayer_key(call: Call) -> Response:
    """Tell the key that the owner of an address would make on the venue's settings page."""
    return answer(RelayerKeyBody(key=call.world.accounts.relayer_key(call.path["address"])))


ADMIN_TABLE: Final = (
    Entry("GET", "/relayer-key/{address}", relayer_key),
    Entry("GET", "/clock", clock),
    Entry("GET", "/state", state),
    Entry("GET", "/faults", list_faults),
    Entry("POST", "/faults", set_fault),
    Entry("DELETE", "/faults", clear_faults),
    Entry("DELETE", "/faults/{number}", clear_fault),
)
