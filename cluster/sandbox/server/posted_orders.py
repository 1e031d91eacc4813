"""Read posted orders: the body's shape, the venue's words for what is wrong, the account's gate."""

import re
from typing import Any, Final

import msgspec

from cluster.sandbox.auth import Account
from cluster.sandbox.behaviours import Behaviour, Behaviours
from cluster.sandbox.model import OrderType, Side, SignedOrder
from cluster.sandbox.numbers import whole_number
from cluster.sandbox.server.calls import BAD_ORDER, Call, MalformedBodyError, decode
from cluster.sandbox.signing import SignatureError, WireOrder, verify_order
from cluster.sandbox.wallets import OTHER_SIGNER, wallet_fault

BATCH_MAX: Final = 15
SALT_MAX: Final = 1 << 53
"""Salts are numbers of JSON: larger ones would not survive a float."""
AMOUNT_MAX: Final = 10**15
"""A billion dollars or shares in base units: no order comes near it."""
STAMP_MS_MAX: Final = 10**14
EXPIRATION_S_MAX: Final = 10**14
OTHER_OWNER: Final = "the owner has to be the owner of the API KEY"
BAD_SIGNATURE: Final = "Invalid order signature"
OLD_ORDER: Final = "invalid order version, please use the latest clob-client"
BAD_ORDER_ID: Final = "Invalid orderID"
V1_FIELDS: Final = frozenset({"nonce", "feeRateBps", "taker"})
"""Fields of orders that the venue has refused since the second version of its protocol."""
_ORDER_ID = re.compile(r"0x[0-9a-fA-F]{64}\Z")


class PlaceRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Body of POST /order."""

    order: WireOrder
    owner: str
    order_type: OrderType
    post_only: bool = False
    defer_exec: bool = False


def decode_order(body: bytes) -> PlaceRequest:
    """Read one order; raise `MalformedBodyError` with the venue's words."""
    try:
        return decode(body, PlaceRequest)
    except MalformedBodyError as error:
        raise MalformedBodyError(OLD_ORDER if _is_v1(body) else str(error)) from error


def decode_batch(body: bytes) -> tuple[PlaceRequest, ...]:
    rows = decode(body, tuple[msgspec.Raw, ...])
    if len(rows) > BATCH_MAX:
        raise MalformedBodyError(
            f"Too many orders in payload: {len(rows)}, max allowed: {BATCH_MAX}"
        )
    if not rows:
        raise MalformedBodyError(BAD_ORDER)
    return tuple(decode_order(bytes(row)) for row in rows)


def _is_v1(body: bytes) -> bool:
    try:
        order = decode(body, dict[str, Any]).get("order")
    except MalformedBodyError:
        return False
    return isinstance(order, dict) and "timestamp" not in order and bool(V1_FIELDS & order.keys())


def checked_order_id(text: str) -> str:
    """Return an order's id; raise `MalformedBodyError` for what cannot be one."""
    if not _ORDER_ID.match(text):
        raise MalformedBodyError(BAD_ORDER_ID)
    return text


def out_of_range(order: WireOrder) -> str | None:
    """Return what is wrong with a number that no order can carry; such an order has no id."""
    if not 0 <= order.salt < SALT_MAX:
        return f"{BAD_ORDER}: salt is out of range"
    limits = (
        (order.maker_amount, AMOUNT_MAX, "makerAmount"),
        (order.taker_amount, AMOUNT_MAX, "takerAmount"),
        (order.timestamp, STAMP_MS_MAX, "timestamp"),
    )
    for text, most, name in limits:
        if whole_number(text, most) is None:
            return f"{BAD_ORDER}: {name} is out of range"
    if whole_number(order.expiration, EXPIRATION_S_MAX) is None:
        return "invalid expiration"
    return None


def signed_order(request: PlaceRequest, account: Account, order_id: str) -> SignedOrder:
    """Return the order as the exchange takes it; its numbers are in range."""
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
        expiration_wire_s=int(order.expiration),
        signature_type=order.signature_type,
    )


def not_the_accounts(call: Call, request: PlaceRequest) -> str | None:
    """Return why the order is not this account's word, or None if it is."""
    account, world = call.owner, call.world
    if request.owner != account.api_key:
        return OTHER_OWNER
    behaviours: Behaviours = world.exchange.behaviours
    if behaviours.on(Behaviour.ACCOUNT_GATE):
        older = world.exchange.config.older_wallets
        fault = wallet_fault(request.order, account.address, older_wallets=older)
        if fault is not None:
            behaviours.note(Behaviour.ACCOUNT_GATE)
            return fault
    try:
        verified = verify_order(request.order)
    except SignatureError as error:
        return f"{BAD_SIGNATURE}: {error}"
    return None if verified.owner == account.address else OTHER_SIGNER
