"""Read a signed order's terms and judge them by the venue's rules, in the venue's words."""

from typing import Final

import msgspec

from cluster.sandbox.behaviours import Behaviour, Behaviours
from cluster.sandbox.model import MICRO, Market, OrderType, Side, SignedOrder

SIZE_STEP: Final = 10_000
"""Two decimals of a share, and of a USD."""
FINE_TICK: Final = 1_000
MIN_MARKETABLE_MICRO_USD: Final = MICRO
GTD_LEAD_WIRE_MS: Final = 180_000
"""A stated expiration must be at least three minutes ahead."""
GTD_LEAD_WIRE_MS_MAX: Final = 400 * 86_400_000
"""Beyond a year it is no expiration but a slip: milliseconds where seconds are meant."""
GTD_EARLY_WIRE_MS: Final = 60_000
"""The order leaves the book one minute before it."""
STAMP_AGE_MS_MAX: Final = 300_000
"""A signed order may be this old: as long as a restart of the venue and its post-only time."""
STAMP_AHEAD_MS_MAX: Final = 5_000
"""How far a signed order may be stamped in the future. The venue publishes neither limit."""
IMMEDIATE: Final = frozenset({OrderType.FOK, OrderType.FAK})
ROUNDING_SHARE: Final = 8
"""A market order's implied price may miss its tick by an eighth of one: its amounts are rounded."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    price: int
    """Micro-USD per share of the order's token."""
    shares: int
    budget_micro_usd: int | None = None
    """What a market buy spends; None: the size is `shares`."""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    error: str
    http_status: int = 400
    code: str | None = None
    retry_after_s: int | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How an order was posted: what its signature does not say."""

    order_type: OrderType
    post_only: bool = False

    @property
    def immediate(self) -> bool:
        return self.order_type in IMMEDIATE


def read_terms(
    order: SignedOrder, asked: Asked, market: Market, behaviours: Behaviours, wire_ms: int
) -> Terms | Refused:
    """Return price and size, or the first rule that the order breaks."""
    if order.maker_amount <= 0 or order.taker_amount <= 0:
        return Refused(error="invalid amounts, maker and taker amount must be higher than 0")
    if behaviours.on(Behaviour.ORDER_STAMPS) and not stamp_is_near(order, wire_ms):
        behaviours.note(Behaviour.ORDER_STAMPS)
        return Refused(error="invalid timestamp")
    error = (
        _timing(order, asked.order_type, wire_ms)
        or _post_only(asked)
        or _precision(order, asked, market.tick_micro_usd)
    )
    if error:
        return Refused(error=error)
    terms = _terms(order, asked, market.tick_micro_usd, behaviours)
    error = _price(order, asked, terms, market.tick_micro_usd, behaviours) or _size(
        order, asked, terms, market.min_order_shares
    )
    return Refused(error=error) if error else terms


def stamp_is_near(order: SignedOrder, wire_ms: int) -> bool:
    age_ms = wire_ms - order.timestamp_wire_ms
    return -STAMP_AHEAD_MS_MAX <= age_ms <= STAMP_AGE_MS_MAX


def too_small_to_take(side: Side, usd: int) -> str | None:
    """Return why an order that takes at once is too small, or None."""
    if usd >= MIN_MARKETABLE_MICRO_USD:
        return None
    return f"invalid amount for a marketable {side} order (${decimal_text(usd)}), min size: 1"


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
    return f"{whole}.{rest:06d}".rstrip("0") if rest else str(whole)


def _terms(order: SignedOrder, asked: Asked, tick: int, behaviours: Behaviours) -> Terms:
    exact = raw_terms(order)
    price = (exact.price + tick // 2) // tick * tick
    budget: int | None = None
    if asked.immediate and behaviours.on(Behaviour.EXACT_MARKET_PRICE):
        if price != exact.price:
            behaviours.note(Behaviour.EXACT_MARKET_PRICE)
        price = exact_limit(order)
    spends = order.side is Side.BUY and behaviours.on(Behaviour.MARKET_BUYS_SPEND_USD)
    if asked.immediate and spends:
        behaviours.note(Behaviour.MARKET_BUYS_SPEND_USD)
        budget = order.maker_amount
    return Terms(price=price, shares=exact.shares, budget_micro_usd=budget)


def _timing(order: SignedOrder, order_type: OrderType, wire_ms: int) -> str | None:
    expires_ms = order.expiration_wire_s * 1000
    if order_type is OrderType.GTD:
        lead_ms = expires_ms - wire_ms
        in_range = GTD_LEAD_WIRE_MS <= lead_ms <= GTD_LEAD_WIRE_MS_MAX
        return None if in_range else "invalid expiration"
    return "invalid expiration" if expires_ms else None


def exact_limit(order: SignedOrder) -> int:
    """Return the worst whole micro-USD price that the implied one allows."""
    exact = raw_terms(order)
    rest = order.side is Side.SELL and order.taker_amount * MICRO % exact.shares
    return exact.price + 1 if rest else exact.price


def _post_only(asked: Asked) -> str | None:
    if asked.post_only and asked.immediate:
        return f"invalid post-only order: {asked.order_type} orders cannot be post-only"
    return None


def _precision(order: SignedOrder, asked: Asked, tick: int) -> str | None:
    if asked.immediate:
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


def _price(
    order: SignedOrder, asked: Asked, terms: Terms, tick: int, behaviours: Behaviours
) -> str | None:
    exact_price = asked.immediate and behaviours.on(Behaviour.EXACT_MARKET_PRICE)
    if not exact_price and _off_tick(order, asked, terms, tick):
        return _invalid(
            order,
            f"Price ({decimal_text(raw_terms(order).price)}) breaks minimum tick size rule:"
            f" {decimal_text(tick)}",
        )
    if not tick <= terms.price <= MICRO - tick:
        return (
            f"invalid price ({decimal_text(terms.price)}), min: {decimal_text(tick)}"
            f" - max: {decimal_text(MICRO - tick)}"
        )
    return None


def _off_tick(order: SignedOrder, asked: Asked, terms: Terms, tick: int) -> bool:
    usd = order.maker_amount if order.side is Side.BUY else order.taker_amount
    allowed = tick * terms.shares // ROUNDING_SHARE if asked.immediate else 0
    return abs(usd * MICRO - terms.price * terms.shares) > allowed


def _size(order: SignedOrder, asked: Asked, terms: Terms, minimum: int) -> str | None:
    if not asked.immediate:
        if terms.shares < minimum:
            return _invalid(
                order,
                f"Size ({decimal_text(terms.shares)}) lower than the minimum:"
                f" {decimal_text(minimum)}",
            )
        return None
    usd = order.maker_amount if order.side is Side.BUY else order.taker_amount
    return too_small_to_take(order.side, usd)


def _invalid(order: SignedOrder, why: str) -> str:
    return f"order {order.order_id} is invalid. {why}"
