"""Orders, cancels and heartbeats of the CLOB."""

from typing import Final

import msgspec
from starlette.responses import Response

from cluster.sandbox.behaviours import Behaviour
from cluster.sandbox.limits import Kind
from cluster.sandbox.model import PlaceResult
from cluster.sandbox.server.account_troubles import account_trouble
from cluster.sandbox.server.calls import (
    BAD_PAYLOAD,
    Call,
    Door,
    Entry,
    MalformedBodyError,
    Price,
    decode_exactly,
)
from cluster.sandbox.server.order_bodies import cancel_body, place_body
from cluster.sandbox.server.posted_orders import (
    BAD_ORDER_ID,
    BAD_SIGNATURE,
    PlaceRequest,
    checked_order_id,
    decode_batch,
    decode_order,
    not_the_accounts,
    out_of_range,
    signed_order,
)
from cluster.sandbox.server.wire import answer, refuse
from cluster.sandbox.signing import SignatureError, order_id_of
from cluster.sandbox.terms import Refused

CANCELS_MAX: Final = 1_000


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


def place_one(call: Call, request: PlaceRequest) -> PlaceResult:
    """Check one order's signature and let the exchange judge it; refusals are ledgered too."""
    fault = out_of_range(request.order)
    if fault is not None:
        return PlaceResult(order_id="", http_status=400, error=fault)
    try:
        order_id = order_id_of(request.order)
    except SignatureError as error:
        return PlaceResult(order_id="", http_status=400, error=f"{BAD_SIGNATURE}: {error}")
    exchange = call.world.exchange
    order = signed_order(request, call.owner, order_id)
    fault = not_the_accounts(call, request)
    refused = account_trouble(call, order) if fault is None else Refused(error=fault)
    if refused is not None:
        exchange.refuse(order, request.order_type, refused, call.now)
        return PlaceResult(order_id=order_id, http_status=refused.http_status, error=refused.error)
    return exchange.place(order, request.order_type, call.now, post_only=request.post_only)


def place(call: Call) -> Response:
    result = place_one(call, decode_order(call.body))
    if result.error is not None:
        return refuse(result.http_status, result.error, result.code, result.retry_after_s)
    return answer(place_body(result))


def place_batch(call: Call) -> Response:
    """Each order stands for itself: a refused leg does not stop the others."""
    behaviours = call.world.exchange.behaviours
    kindly = behaviours.on(Behaviour.REFUSED_LEGS_SUCCEED)
    results = [place_one(call, request) for request in decode_batch(call.body)]
    if kindly and any(not result.accepted for result in results):
        behaviours.note(Behaviour.REFUSED_LEGS_SUCCEED)
    return answer([place_body(result, refused_succeed=kindly) for result in results])


def cancel(call: Call) -> Response:
    order_id = checked_order_id(decode_exactly(call.body, CancelOne, BAD_ORDER_ID).orderID)
    result = call.world.exchange.cancel(call.owner.api_key, (order_id,), call.now)
    return answer(cancel_body(result))


def cancel_several(call: Call) -> Response:
    order_ids = decode_exactly(call.body, tuple[str, ...], BAD_PAYLOAD)
    if len(order_ids) > CANCELS_MAX:
        raise MalformedBodyError(
            f"Too many orders in payload: {len(order_ids)}, max allowed: {CANCELS_MAX}"
        )
    for order_id in order_ids:
        checked_order_id(order_id)
    result = call.world.exchange.cancel(call.owner.api_key, order_ids, call.now)
    return answer(cancel_body(result))


def cancel_all(call: Call) -> Response:
    return answer(cancel_body(call.world.exchange.cancel_all(call.owner.api_key, call.now)))


def cancel_market(call: Call) -> Response:
    request = decode_exactly(call.body or b"{}", CancelMarket, BAD_PAYLOAD)
    result = call.world.exchange.cancel_market(
        call.owner.api_key, call.now, condition_id=request.market, token_id=request.asset_id
    )
    return answer(cancel_body(result))


def heartbeat(call: Call) -> Response:
    beat = decode_exactly(call.body or b"{}", Beat, BAD_PAYLOAD)
    result = call.world.exchange.heartbeat(call.owner.api_key, beat.heartbeat_id, call.now)
    if not result.accepted:
        refused = BeatRefused(error_msg="Invalid Heartbeat ID", heartbeat_id=result.heartbeat_id)
        return answer(refused, 400)
    return answer(Beat(heartbeat_id=result.heartbeat_id))


def _one(_call: Call) -> int:
    return 1


def _each(call: Call) -> int:
    """As many as the body lists."""
    return max(1, len(decode_exactly(call.body, tuple[msgspec.Raw, ...], BAD_PAYLOAD)))


def _all_open(call: Call) -> int:
    """One, and one for each open order."""
    return 1 + len(call.world.exchange.open_orders(call.owner.api_key))


def _open_in_market(call: Call) -> int:
    request = decode_exactly(call.body or b"{}", CancelMarket, BAD_PAYLOAD)
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
