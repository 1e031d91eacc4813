"""Read a signed order's terms and judge them by the venue's rules, in the venue's words."""

from typing import Final

import msgspec

from cluster.sandbox.model import MICRO, Market, OrderType, Side, SignedOrder

SIZE_STEP: Final = 10_000
"""Two decimals of a share, and of a USD."""
FINE_TICK: Final = 1_000
MIN_MARKETABLE_MICRO_USD: Final = MICRO
GTD_LEAD_WIRE_MS: Final = 180_000
"""A stated expiration must be at least three minutes ahead."""
GTD_EARLY_WIRE_MS: Final = 60_000
"""The order leaves the book one minute before it."""
IMMEDIATE: Final = frozenset({OrderType.FOK, OrderType.FAK})
ROUNDING_SHARE: Final = 8
"""A market order's implied price may miss its tick by an eighth of one: its amounts are rounded."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    price: int
    """Micro-USD per share of the order's token."""
    shares: int


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    error: str
    http_status: int = 400
    code: str | None = None


def read_terms(
    order: SignedOrder, order_type: OrderType, market: Market, *, post_only: bool, wire_ms: int
) -> Terms | Refused:
    """Return price and size, or the first rule that the order breaks."""
    if order.maker_amount <= 0 or order.taker_amount <= 0:
        return Refused(error="invalid amounts, maker and taker amount must be higher than 0")
    error = (
        _timing(order, order_type, wire_ms)
        or _post_only(order_type, post_only=post_only)
        or _precision(order, order_type, market.tick_micro_usd)
    )
    if error:
        return Refused(error=error)
    terms = _terms(order, market.tick_micro_usd)
    error = _price(order, order_type, terms, market.tick_micro_usd) or _size(
        order, order_type, terms, market.min_order_shares
    )
    return Refused(error=error) if error else terms


def raw_terms(order: SignedOrder) -> Terms:
    """Return price and size for the ledger of refusals, whatever rule they break."""
    buying = order.side is Side.BUY
    usd, shares = (
        (order.maker_amount, order.taker_amount)
        if buying
        else (order.taker_amount, order.maker_amount)
    )
    return Terms(price=usd * MICRO // shares if shares > 0 else 0, shares=max(shares, 0))


def decimal_text(micro: int) -> str:
    """Write base units as the shortest decimal."""
    whole, rest = divmod(micro, MICRO)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")


def _terms(order: SignedOrder, tick: int) -> Terms:
    exact = raw_terms(order)
    nearest = (exact.price + tick // 2) // tick * tick
    return Terms(price=nearest, shares=exact.shares)


def _timing(order: SignedOrder, order_type: OrderType, wire_ms: int) -> str | None:
    expires_ms = order.expiration_wire_s * 1000
    if order_type is OrderType.GTD:
        return "invalid expiration" if expires_ms < wire_ms + GTD_LEAD_WIRE_MS else None
    return "invalid expiration" if expires_ms else None


def _post_only(order_type: OrderType, *, post_only: bool) -> str | None:
    if post_only and order_type in IMMEDIATE:
        return f"invalid post-only order: {order_type} orders cannot be post-only"
    return None


def _precision(order: SignedOrder, order_type: OrderType, tick: int) -> str | None:
    if order_type in IMMEDIATE:
        taker_step = 10 if tick == FINE_TICK else 100
        if order.maker_amount % SIZE_STEP or order.taker_amount % taker_step:
            kind = "buy" if order.side is Side.BUY else "sell"
            decimals = 5 if tick == FINE_TICK else 4
            return (
                f"invalid amounts, the market {kind} orders maker amount supports a max accuracy of"
                f" 2 decimals, taker amount a max of {decimals} decimals"
            )
        return None
    if raw_terms(order).shares % SIZE_STEP:
        return "invalid amounts, the size supports a max accuracy of 2 decimals"
    return None


def _price(order: SignedOrder, order_type: OrderType, terms: Terms, tick: int) -> str | None:
    exact = raw_terms(order)
    usd = order.maker_amount if order.side is Side.BUY else order.taker_amount
    allowed = tick * terms.shares // ROUNDING_SHARE if order_type in IMMEDIATE else 0
    if abs(usd * MICRO - terms.price * terms.shares) > allowed:
        return _invalid(
            order,
            f"Price ({decimal_text(exact.price)}) breaks minimum tick size rule:"
            f" {decimal_text(tick)}",
        )
    if not tick <= terms.price <= MICRO - tick:
        return (
            f"invalid price ({decimal_text(terms.price)}), min: {decimal_text(tick)}"
            f" - max: {decimal_text(MICRO - tick)}"
        )
    return None


def _size(order: SignedOrder, order_type: OrderType, terms: Terms, minimum: int) -> str | None:
    if order_type not in IMMEDIATE:
        if terms.shares < minimum:
            return _invalid(
                order,
                f"Size ({decimal_text(terms.shares)}) lower than the minimum:"
                f" {decimal_text(minimum)}",
            )
        return None
    usd = order.maker_amount if order.side is Side.BUY else order.taker_amount
    if usd < MIN_MARKETABLE_MICRO_USD:
        return (
            f"invalid amount for a marketable {order.side} order (${decimal_text(usd)}),"
            " min size: $1"
        )
    return None


def _invalid(order: SignedOrder, why: str) -> str:
    return f"order {order.order_id} is invalid. {why}"
