"""Orders, cancels and heartbeats of the CLOB."""

from typing import Final

import msgspec
from starlette.responses import Response

from cluster.sandbox.auth import Account
from cluster.sandbox.limits import Kind
from cluster.sandbox.model import OrderType, PlaceResult, Side, SignedOrder
from cluster.sandbox.server.calls import Call, Door, Entry, MalformedBodyError, Price, decode
from cluster.sandbox.server.order_bodies import PlaceBody, cancel_body, place_body
from cluster.sandbox.server.wire import answer, refuse
from cluster.sandbox.signing import SignatureError, WireOrder, order_id_of, verify_order

BATCH_MAX: Final = 15
CANCELS_MAX: Final = 1_000
OTHER_OWNER: Final = "the owner has to be the owner of the API KEY"
OTHER_SIGNER: Final = "the order signer address has to be the address of the API KEY"
BAD_SIGNATURE: Final = "Invalid order signature"


class PlaceRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Body of POST /order."""

    order: WireOrder
    owner: str
    order_type: OrderType
    post_only: bool = False
    defer_exec: bool = False


class CancelOne(msgspec.Struct, frozen=True, kw_only=True):
    orderID: str  # noqa: N815 the venue's field name


class CancelMarket(msgspec.Struct, frozen=True, kw_only=True):
    market: str = ""
    asset_id: str = ""


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    heartbeat_id: str = ""


class BeatRefused(msgspec.Struct, frozen=True, kw_only=True):
    error_msg: str
    heartbeat_id: str


def _signed_order(request: PlaceRequest, account: Account, order_id: str) -> SignedOrder:
    order = request.order
    return SignedOrder(
        order_id=order_id,
        api_key=account.api_key,
        maker_address=order.maker,
        signer_address=order.signer,
        token_id=order.token_id,
        side=Side(order.side),
        maker_amount=int(order.maker_amount),
        taker_amount=int(order.taker_amount),
        timestamp_wire_ms=int(order.timestamp),
        expiration_wire_s=int(order.expiration) if order.expiration.isdecimal() else 0,
        signature_type=order.signature_type,
    )


def _signature_fault(request: PlaceRequest, account: Account) -> str | None:
    """Return why the order is not this account's word, or None if it is."""
    if request.owner != account.api_key:
        return OTHER_OWNER
    try:
        verified = verify_order(request.order)
    except SignatureError as error:
        return f"{BAD_SIGNATURE}: {error}"
    return None if verified.owner == account.address else OTHER_SIGNER


def place_one(call: Call, request: PlaceRequest) -> PlaceResult:
    """Check one order's signature and let the exchange judge it; refusals are ledgered too."""
    try:
        order_id = order_id_of(request.order)
    except SignatureError as error:
        return PlaceResult(order_id="", http_status=400, error=f"{BAD_SIGNATURE}: {error}")
    exchange = call.world.exchange
    order = _signed_order(request, call.owner, order_id)
    fault = _signature_fault(request, call.owner)
    if fault is not None:
        exchange.refuse(order, request.order_type, fault, call.now)
        return PlaceResult(order_id=order_id, http_status=400, error=fault)
    return exchange.place(order, request.order_type, call.now, post_only=request.post_only)


def place(call: Call) -> Response:
    result = place_one(call, decode(call.body, PlaceRequest))
    if result.error is not None and result.http_status >= 400:  # noqa: PLR2004 HTTP errors
        return refuse(result.http_status, result.error, result.code)
    return answer(place_body(result))


def place_batch(call: Call) -> Response:
    """Each order stands for itself: a refused leg does not stop the others."""
    requests = decode(call.body, tuple[PlaceRequest, ...])
    if not 1 <= len(requests) <= BATCH_MAX:
        raise MalformedBodyError(f"Invalid order payload: 1 to {BATCH_MAX} orders")
    bodies: list[PlaceBody] = [place_body(place_one(call, request)) for request in requests]
    return answer(bodies)


def cancel(call: Call) -> Response:
    order_id = decode(call.body, CancelOne).orderID
    result = call.world.exchange.cancel(call.owner.api_key, (order_id,), call.now)
    return answer(cancel_body(result))


def cancel_several(call: Call) -> Response:
    order_ids = decode(call.body, tuple[str, ...])
    if len(order_ids) > CANCELS_MAX:
        raise MalformedBodyError(f"Invalid order payload: at most {CANCELS_MAX} orders")
    result = call.world.exchange.cancel(call.owner.api_key, order_ids, call.now)
    return answer(cancel_body(result))


def cancel_all(call: Call) -> Response:
    return answer(cancel_body(call.world.exchange.cancel_all(call.owner.api_key, call.now)))


def cancel_market(call: Call) -> Response:
    request = decode(call.body or b"{}", CancelMarket)
    result = call.world.exchange.cancel_market(
        call.owner.api_key, call.now, condition_id=request.market, token_id=request.asset_id
    )
    return answer(cancel_body(result))


def heartbeat(call: Call) -> Response:
    beat = decode(call.body or b"{}", Beat)
    result = call.world.exchange.heartbeat(call.owner.api_key, beat.heartbeat_id, call.now)
    if not result.accepted:
        refused = BeatRefused(error_msg="Invalid Heartbeat ID", heartbeat_id=result.heartbeat_id)
        return answer(refused, 400)
    return answer(Beat(heartbeat_id=result.heartbeat_id))


def _one(_call: Call) -> int:
    return 1


def _each(call: Call) -> int:
    """As many as the body lists."""
    return max(1, len(decode(call.body, tuple[msgspec.Raw, ...])))


def _all_open(call: Call) -> int:
    """One, and one for each open order."""
    return 1 + len(call.world.exchange.open_orders(call.owner.api_key))


def _open_in_market(call: Call) -> int:
    request = decode(call.body or b"{}", CancelMarket)
    orders = call.world.exchange.open_orders(
        call.owner.api_key, condition_id=request.market, token_id=request.asset_id
    )
    return 1 + len(orders)


ORDER_TABLE: Final = (
    Entry("POST", "/order", place, Door.TRADING, Price(Kind.ORDER, _one)),
    Entry("POST", "/orders", place_batch, Door.TRADING, Price(Kind.ORDER, _each)),
    Entry("DELETE", "/order", cancel, Door.TRADING, Price(Kind.CANCEL, _one)),
    Entry("DELETE", "/orders", cancel_several, Door.TRADING, Price(Kind.CANCEL, _each)),
    Entry("DELETE", "/cancel-all", cancel_all, Door.TRADING, Price(Kind.CANCEL, _all_open)),
    Entry(
        "DELETE",
        "/cancel-market-orders",
        cancel_market,
        Door.TRADING,
        Price(Kind.CANCEL, _open_in_market),
    ),
    Entry("POST", "/v1/heartbeats", heartbeat, Door.KEY),
)
