"""The order desk: one order from the door to its answer, refusals included."""

import msgspec

from cluster.sandbox.floor import Floor
from cluster.sandbox.markets import LiveMarket
from cluster.sandbox.model import (
    Now,
    Order,
    OrderState,
    OrderType,
    Outcome,
    PlaceResult,
    SignedOrder,
)
from cluster.sandbox.modes import Modes
from cluster.sandbox.orders import Orders, new_order
from cluster.sandbox.records import OrderRefused
from cluster.sandbox.terms import Asked, Refused, raw_terms, read_terms


class OrderEntry:
    def __init__(self, floor: Floor, orders: Orders, modes: Modes) -> None:
        self._floor = floor
        self._orders = orders
        self._modes = modes

    def place(self, signed: SignedOrder, asked: Asked, now: Now) -> PlaceResult:
        order_type = asked.order_type
        refused = self._modes.barrier(now, post_only=asked.post_only) or self._known(signed)
        if refused is not None:
            return self.refuse(signed, order_type, refused, now)
        found = self._market(signed.token_id, now)
        if isinstance(found, Refused):
            return self.refuse(signed, order_type, found, now)
        terms = read_terms(signed, asked, found.market, self._floor.behaviours, now.wire_ms)
        if isinstance(terms, Refused):
            return self.refuse(signed, order_type, terms, now)
        order = new_order(found, signed, terms, asked, now)
        refused = self._orders.judge(found, signed, order)
        if refused is not None:
            return self.refuse(signed, order_type, refused, now)
        result = self._orders.admit(found, order, now)
        self._floor.publish_book(found, now)
        return result

    def refuse(
        self, signed: SignedOrder, order_type: OrderType, refused: Refused, now: Now
    ) -> PlaceResult:
        """Ledger a refusal and answer it."""
        order = self._refused_order(signed, order_type, refused.error, now)
        self._floor.record(OrderRefused(order=order, http_status=refused.http_status), now)
        return PlaceResult(
            order_id=signed.order_id,
            http_status=refused.http_status,
            error=refused.error,
            code=refused.code,
            retry_after_s=refused.retry_after_s,
            state=OrderState.REFUSED,
        )

    # ---- inside

    def _known(self, signed: SignedOrder) -> Refused | None:
        if signed.order_id in self._floor.state.orders:
            return Refused(error=f"order {signed.order_id} is invalid. Duplicated.")
        if signed.api_key not in self._floor.state.accounts:
            return Refused(error="Unauthorized/Invalid api key", http_status=401)
        return None

    def _market(self, token_id: str, now: Now) -> LiveMarket | Refused:
        condition_id = self._floor.registry.condition_of(token_id)
        live = self._floor.live.get(condition_id or "")
        if live is not None and live.takes_orders(now.market_ms):
            return live
        market = self._floor.registry.by_condition(condition_id or "")
        if market is not None and now.market_ms < market.accepting_from_market_ms:
            return Refused(error="the market is not yet ready to process new orders")
        return Refused(error=f"the orderbook {token_id} does not exist")

    def _refused_order(
        self, signed: SignedOrder, order_type: OrderType, error: str, now: Now
    ) -> Order:
        terms = raw_terms(signed)
        condition_id = self._floor.registry.condition_of(signed.token_id) or ""
        market = self._floor.registry.by_condition(condition_id)
        outcome = market.outcome_of(signed.token_id) if market else None
        order = Order(
            order_id=signed.order_id,
            api_key=signed.api_key,
            maker_address=signed.maker_address,
            condition_id=condition_id,
            token_id=signed.token_id,
            outcome=outcome or Outcome.UP,
            side=signed.side,
            order_type=order_type,
            post_only=False,
            price=terms.price,
            shares=terms.shares,
            filled_shares=0,
            state=OrderState.REFUSED,
            placed_wire_ms=now.wire_ms,
            placed_market_ms=now.market_ms,
        )
        return msgspec.structs.replace(order, error=error, ended_wire_ms=now.wire_ms)
