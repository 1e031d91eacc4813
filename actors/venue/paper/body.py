"""A paper order as bytes: signed by nobody, so no venue can take it.

Its form is another one than a signed order's: the live adapter cannot read it, and the paper venue
reads nothing else.
"""

import hashlib
import secrets
from typing import Final

import msgspec

from actors.venue.paper.records import OrderKind, PaperMarket, PaperOrder
from actors.venue.port import SignedOrder, UnsignedOrder
from signals.decision import Style
from signals.market import Side
from signals.units import MICRO

BODY_VERSION: Final = 1


class PaperBody(msgspec.Struct, frozen=True, kw_only=True, tag="paper_body"):
    version: int = BODY_VERSION
    order: UnsignedOrder
    kind: OrderKind
    salt: str
    wire_ms: int


class PaperBodyError(ValueError):
    """Stored bytes are no paper order: this storage belongs to another kind of fleet."""


def seal(order: UnsignedOrder, wire_ms: int) -> SignedOrder:
    """Give an order its id and its bytes."""
    kind = OrderKind.GTC if order.style is Style.REST else OrderKind.FAK
    body = msgspec.json.encode(
        PaperBody(order=order, kind=kind, salt=secrets.token_hex(16), wire_ms=wire_ms)
    )
    return SignedOrder(
        order_id=f"paper-{hashlib.sha256(body).hexdigest()}", body=body, signed_wire_ms=wire_ms
    )


def unseal(signed: SignedOrder) -> PaperBody:
    """Read an order's bytes again; raises `PaperBodyError`."""
    try:
        body = msgspec.json.decode(signed.body, type=PaperBody)
    except msgspec.DecodeError as error:
        raise PaperBodyError(f"{signed.order_id} is no paper order: {error}") from error
    if body.version != BODY_VERSION:
        raise PaperBodyError(f"paper body version {body.version}, this code knows {BODY_VERSION}")
    return body


def order_of(order_id: str, body: PaperBody, market: PaperMarket) -> PaperOrder:
    """Return what the exchange is asked; an immediate buy names the dollars that it spends."""
    order = body.order
    outcome = market.outcome_of(order.token_id)
    assert outcome is not None, "warm looked the token up"
    buys_now = body.kind.immediate and order.side is Side.BUY
    return PaperOrder(
        order_id=order_id,
        condition_id=order.condition_id,
        token_id=order.token_id,
        outcome=outcome,
        side=order.side,
        kind=body.kind,
        post_only=not body.kind.immediate,
        price=order.price,
        shares=order.shares,
        budget_micro_usd=order.price * order.shares // MICRO if buys_now else None,
    )
