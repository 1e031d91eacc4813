"""An exchange that stands still: every order rests in its one market."""

# ruff: noqa: ARG002 -- it answers with constants, in the signature of the real one

import hashlib
import itertools

import msgspec

from cluster.sandbox.behaviours import Behaviour, Behaviours
from cluster.sandbox.events import Event, OrderChange, OrderChanged
from cluster.sandbox.exchange import ExchangeConfig
from cluster.sandbox.model import (
    MICRO,
    Balance,
    CancelReason,
    CancelResult,
    HeartbeatResult,
    Now,
    Order,
    OrderState,
    OrderType,
    PlaceResult,
    SignedOrder,
    Trade,
    VenueMode,
)
from cluster.sandbox.settlement import ResolutionHeld, ResolutionWrong
from cluster.sandbox.terms import Refused
from tests.cluster.sandbox.server.examples import MARKET
from tests.cluster.sandbox.server.still_market import StillMarket


class StillExchange(StillMarket):
    def __init__(self, enabled: frozenset[Behaviour] = frozenset()) -> None:
        self.config = ExchangeConfig(behaviours=enabled)
        self.behaviour_board = Behaviours(1, enabled)
        self.market_now = MARKET
        self.orders: dict[str, Order] = {}
        self.refused: list[tuple[SignedOrder, str]] = []
        self.placed: list[SignedOrder] = []
        self.past_trades: list[Trade] = []
        self.events: list[Event] = []
        self.accounts: dict[str, str] = {}
        self.venue_mode = VenueMode.OPEN
        self.beats: dict[str, str] = {}
        self.failing = 0
        self._numbers = itertools.count(1)

    def advance(self, now: Now) -> None:
        pass

    def drain(self) -> list[Event]:
        events, self.events = self.events, []
        return events

    def open_account(self, api_key: str, address: str, now: Now) -> Balance:
        self.accounts[api_key] = address
        return self.cash(api_key)

    def place(
        self, order: SignedOrder, order_type: OrderType, now: Now, *, post_only: bool = False
    ) -> PlaceResult:
        if order.order_id in self.orders:
            error = f"order {order.order_id} is invalid. Duplicated."
            return PlaceResult(order_id=order.order_id, http_status=400, error=error)
        outcome = MARKET.outcome_of(order.token_id)
        if outcome is None:
            return PlaceResult(order_id=order.order_id, http_status=404, error="market not found")
        price = order.maker_amount * MICRO // order.taker_amount
        resting = Order(
            order_id=order.order_id,
            api_key=order.api_key,
            maker_address=order.maker_address,
            condition_id=MARKET.condition_id,
            token_id=order.token_id,
            outcome=outcome,
            side=order.side,
            order_type=order_type,
            post_only=post_only,
            price=price,
            shares=order.taker_amount,
            filled_shares=0,
            state=OrderState.LIVE,
            placed_wire_ms=now.wire_ms,
            placed_market_ms=now.market_ms,
            queue_ahead_at_placement=100 * MICRO,
        )
        self.orders[order.order_id] = resting
        self.placed.append(order)
        self._report(resting, OrderChange.PLACEMENT, None, now)
        return PlaceResult(order_id=order.order_id)

    def _report(
        self, order: Order, change: OrderChange, reason: CancelReason | None, now: Now
    ) -> None:
        self.events.append(
            OrderChanged(
                api_key=order.api_key,
                change=change,
                order=order,
                reason=reason,
                wire_ms=now.wire_ms,
                market_ms=now.market_ms,
            )
        )

    def refuse(self, order: SignedOrder, order_type: OrderType, refused: Refused, now: Now) -> None:
        self.refused.append((order, refused.error))

    def steer_resolutions(self, held: ResolutionHeld, wrong: ResolutionWrong) -> None:
        self.held, self.wrong = held, wrong

    def cancel(
        self,
        api_key: str,
        order_ids: tuple[str, ...],
        now: Now,
        reason: CancelReason = CancelReason.USER,
    ) -> CancelResult:
        canceled, failed = [], []
        for order_id in order_ids:
            order = self.orders.get(order_id)
            if order is None or order.api_key != api_key or not order.active:
                failed.append((order_id, "order not found or already canceled"))
                continue
            ended = msgspec.structs.replace(order, state=OrderState.CANCELED, cancel_reason=reason)
            self.orders[order_id] = ended
            self._report(ended, OrderChange.CANCELLATION, reason, now)
            canceled.append(order_id)
        return CancelResult(canceled=tuple(canceled), not_canceled=tuple(failed))

    def cancel_all(
        self, api_key: str, now: Now, reason: CancelReason = CancelReason.CANCEL_ALL
    ) -> CancelResult:
        ids = tuple(order.order_id for order in self.open_orders(api_key))
        return self.cancel(api_key, ids, now, reason)

    def cancel_market(
        self, api_key: str, now: Now, *, condition_id: str = "", token_id: str = ""
    ) -> CancelResult:
        orders = self.open_orders(api_key, condition_id=condition_id, token_id=token_id)
        return self.cancel(api_key, tuple(order.order_id for order in orders), now)

    def heartbeat(self, api_key: str, heartbeat_id: str, now: Now) -> HeartbeatResult:
        expected = self.beats.get(api_key, "")
        if heartbeat_id != expected:
            return HeartbeatResult(accepted=False, heartbeat_id=expected)
        self.beats[api_key] = hashlib.sha256(str(next(self._numbers)).encode()).hexdigest()[:12]
        return HeartbeatResult(accepted=True, heartbeat_id=self.beats[api_key])

    def order(self, order_id: str) -> Order | None:
        return self.orders.get(order_id)

    def open_orders(
        self, api_key: str, *, condition_id: str = "", token_id: str = ""
    ) -> tuple[Order, ...]:
        return tuple(
            order
            for order in self.orders.values()
            if order.active
            and order.api_key == api_key
            and condition_id in ("", order.condition_id)
            and token_id in ("", order.token_id)
        )

    def trades(
        self, api_key: str, *, condition_id: str = "", token_id: str = ""
    ) -> tuple[Trade, ...]:
        return tuple(trade for trade in self.past_trades if trade.concerns(api_key))

    def cash(self, api_key: str) -> Balance:
        return Balance(settled=10_000 * MICRO, ordered=1_000 * MICRO)

    def holding(self, api_key: str, token_id: str) -> Balance:
        return Balance(settled=5 * MICRO)

    def queue_ahead(self, order_id: str) -> int | None:
        order = self.orders.get(order_id)
        return None if order is None or not order.active else 40 * MICRO

    @property
    def behaviours(self) -> Behaviours:
        return self.behaviour_board

    @property
    def mode(self) -> VenueMode:
        return self.venue_mode

    def restart(
        self, now: Now, *, restart_wire_ms: int | None = None, post_only_wire_ms: int | None = None
    ) -> None:
        self.venue_mode = VenueMode.RESTARTING

    def set_mode(self, mode: VenueMode, now: Now) -> None:
        self.venue_mode = mode

    def fail_trades(self, count: int) -> None:
        self.failing += count

    def digest(self) -> str:
        return hashlib.sha256(repr(sorted(self.orders)).encode()).hexdigest()
