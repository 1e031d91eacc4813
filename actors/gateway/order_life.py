"""The life of an order: written ahead, perhaps unknown, open, ended. The table is the rule.

``written``: signed and durable; no post of it was answered yet.
``unknown``: a post's answer was lost, or a former process may have posted it.
``open``: the venue has it (live, matched or delayed).
``ended``: nothing more will happen at the venue; a late fill still counts.
"""

from enum import StrEnum
from typing import Final

import msgspec

from actors.machine.moves import Moves
from actors.messages import OrderEnd
from signals.decision import Style
from signals.market import Outcome, Side
from signals.units import MICRO, SIZE_STEP_MICRO_SHARES, MicroShares, MicroUsd, PriceMicroUsd


class OrderState(StrEnum):
    WRITTEN = "written"
    UNKNOWN = "unknown"
    OPEN = "open"
    ENDED = "ended"


STATES: Final = Moves.of_targets(
    "Order",
    "The gateway's view of one signed order (`actors/gateway/order_life.py`).",
    {
        OrderState.WRITTEN: (OrderState.UNKNOWN, OrderState.OPEN, OrderState.ENDED),
        OrderState.UNKNOWN: (OrderState.OPEN, OrderState.ENDED),
        OrderState.OPEN: (OrderState.ENDED,),
        OrderState.ENDED: (),
    },
)

DUST_MICRO_SHARES: Final = SIZE_STEP_MICRO_SHARES
"""The venue rounds fills to its size step: a remainder below one step can never trade."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    order_id: str
    intent_id: str
    slot: str
    condition_id: str
    token_id: str
    outcome: Outcome
    side: Side
    style: Style
    price: PriceMicroUsd
    shares: MicroShares
    close_ms: int
    body: bytes
    """The signed bytes; emptied when the order ended, they are never posted again."""
    signed_wire_ms: int
    signed_market_ms: int
    state: OrderState = OrderState.WRITTEN
    filled_shares: MicroShares = MicroShares(0)
    """Matched at the venue, failed fills included: what the venue took off the order."""
    end: OrderEnd | None = None
    reason: str = ""
    filled_micro_usd: MicroUsd = MicroUsd(0)
    """What its fills moved in cash, fees left out; 0 where an older release booked them."""

    @property
    def remaining_shares(self) -> MicroShares:
        """What may still fill."""
        if self.state is OrderState.ENDED:
            return MicroShares(0)
        return MicroShares(max(0, self.shares - self.filled_shares))

    @property
    def left_micro_usd(self) -> MicroUsd:
        """What may still change hands at its limit. An immediate buy spends its dollars.

        At better prices it gets more shares than it asked for, in trades that are told one by one.
        """
        if self.state is OrderState.ENDED:
            return MicroUsd(0)
        if self.style is Style.TAKE and self.side is Side.BUY:
            return MicroUsd(max(0, self.price * self.shares // MICRO - self.filled_micro_usd))
        return MicroUsd(self.price * self.remaining_shares // MICRO)

    @property
    def complete(self) -> bool:
        """It has all its shares."""
        return self.shares - self.filled_shares < DUST_MICRO_SHARES


def moved(order: Order, state: OrderState, reason: str = "") -> Order:
    """Return the order in its new state; raises `MoveRefusedError`: a programmer's error."""
    assert state is not order.state, f"{order.order_id} is {state} already"
    moved_to = STATES.move(order.state, state)
    return msgspec.structs.replace(order, state=moved_to, reason=reason)


def ended(order: Order, end: OrderEnd, reason: str) -> Order:
    body = b""
    return msgspec.structs.replace(moved(order, OrderState.ENDED, reason), end=end, body=body)


def filled(order: Order, shares: MicroShares, micro_usd: MicroUsd) -> Order:
    return msgspec.structs.replace(
        order,
        filled_shares=MicroShares(order.filled_shares + shares),
        filled_micro_usd=MicroUsd(order.filled_micro_usd + micro_usd),
    )


def end_of_absent(order: Order, *, cancelled: bool, market_ms: int) -> tuple[OrderEnd, str]:
    """Say how an order that the venue no longer lists came to its end, all its fills known."""
    if order.complete:
        return OrderEnd.FILLED, "filled"
    if order.state is not OrderState.OPEN and not order.filled_shares:
        return OrderEnd.NEVER_SENT, "the venue does not have it and its time is over"
    if order.style is Style.TAKE:
        return OrderEnd.KILLED, "remainder killed"
    if cancelled:
        return OrderEnd.CANCELLED, order.reason or "cancelled by us"
    if market_ms >= order.close_ms:
        return OrderEnd.EXPIRED, "its window closed"
    return OrderEnd.CANCELLED, "cancelled by the venue"
