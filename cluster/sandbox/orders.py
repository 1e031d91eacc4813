"""Orders of accounts: judged, matched, rested, delayed, expired, cancelled."""

from itertools import groupby

import msgspec

from cluster.sandbox.accounts import budget_fee_hold, fee_hold
from cluster.sandbox.behaviours import Behaviour
from cluster.sandbox.book import SPENT_DUST, Hit, Resting, flip, is_bid
from cluster.sandbox.events import OrderChange
from cluster.sandbox.fees import notional_micro_usd
from cluster.sandbox.floor import Floor
from cluster.sandbox.late_fills import LateFills
from cluster.sandbox.markets import LiveMarket
from cluster.sandbox.matching import Matching, Taker
from cluster.sandbox.model import (
    CancelReason,
    CancelResult,
    Now,
    Order,
    OrderState,
    OrderType,
    PlaceResult,
    Side,
    SignedOrder,
)
from cluster.sandbox.records import OrderAccepted, OrderRested
from cluster.sandbox.terms import (
    GTD_EARLY_WIRE_MS,
    IMMEDIATE,
    Asked,
    Refused,
    Terms,
    too_small_to_take,
)

GONE = "order can't be found - already canceled or matched"
DELAYED = "order is delayed and cannot be canceled yet"
FUNDS = "not enough balance / allowance"
CROSSES = "invalid post-only order: order crosses book"
FOK_SHORT = "order couldn't be fully filled. FOK orders are fully filled or killed."
FAK_NONE = (
    "no orders found to match with FAK order. FAK orders are partially filled or killed if no"
    " match is found."
)


class Orders:
    def __init__(self, floor: Floor, matching: Matching) -> None:
        self._floor = floor
        self._matching = matching
        self.late_fills = LateFills(floor, matching)

    # ---- placing

    def judge(self, live: LiveMarket, signed: SignedOrder, order: Order) -> Refused | None:
        """Judge an order against the book and the account's funds."""
        hits = self._hits(live, order)
        if order.post_only and hits:
            return Refused(error=CROSSES)
        if order.order_type is OrderType.FAK and not hits:
            return Refused(error=FAK_NONE)
        if order.order_type is OrderType.FOK and not _fills_whole(order, hits):
            return Refused(error=FOK_SHORT)
        return self._too_small(signed, order, hits) or self._funds(order, may_take=bool(hits))

    def admit(self, live: LiveMarket, order: Order, now: Now) -> PlaceResult:
        """Take in an order that passed every rule."""
        delay_ms = self._floor.config.taker_delay_wire_ms
        delayed = self._waits(live, order)
        known = live.market.condition_id in self._floor.state.markets
        if delayed:
            order = msgspec.structs.replace(order, state=OrderState.DELAYED)
        self._floor.record(
            OrderAccepted(
                order=order,
                matures_wire_ms=now.wire_ms + delay_ms if delayed else None,
                market=None if known else live.market,
            ),
            now,
        )
        self._floor.publish_order(order.order_id, OrderChange.PLACEMENT, now)
        if delayed:
            return PlaceResult(order_id=order.order_id, state=OrderState.DELAYED)
        self._match(live, order, now)
        return self._result(order.order_id)

    def _waits(self, live: LiveMarket, order: Order) -> bool:
        """Say whether a taker waits out the delay; the venue lets some match at once."""
        delays = self._floor.config.taker_delay_wire_ms > 0 and live.market.taker_delay
        return (
            delays
            and bool(self._hits(live, order))
            and not self._floor.behaviours.strikes(Behaviour.MATCHED_AT_ONCE, order.order_id)
        )

    def mature(self, now: Now) -> None:
        """Match the takers whose delay is over, in order of arrival."""
        for order_id, matures_wire_ms in list(self._floor.state.matures.items()):
            if matures_wire_ms > now.wire_ms:
                continue
            order = self._floor.state.orders[order_id]
            live = self._floor.live.get(order.condition_id)
            if live is None or not live.market.accepting_orders:
                self._floor.end_order(order, OrderState.CANCELED, CancelReason.CLOSE, now)
                continue
            self._match(live, order, now)
            self._floor.publish_book(live, now)

    def rest_again(self, live: LiveMarket, now: Now) -> None:
        """Put the LIVE orders of a restarted exchange back on the market's book.

        One that never came to rest was cut off by a torn ledger before anyone was answered.
        """
        for order in self._live_in(live.market.condition_id):
            if order.queue_ahead_at_placement is None:
                self._floor.end_order(order, OrderState.CANCELED, CancelReason.ADMIN, now)
            else:
                live.book.add(_resting(order))

    # ---- cancelling

    def cancel(
        self, api_key: str, order_ids: tuple[str, ...], now: Now, reason: CancelReason
    ) -> CancelResult:
        canceled: list[str] = []
        refused: list[tuple[str, str]] = []
        for order_id in dict.fromkeys(order_ids):
            order = self._floor.state.orders.get(order_id)
            if order is None or order.api_key != api_key or not order.active:
                refused.append((order_id, GONE))
            elif order.state is OrderState.DELAYED:
                refused.append((order_id, DELAYED))
            else:
                self._floor.end_order(order, OrderState.CANCELED, reason, now)
                self.late_fills.cancelled(order, reason, now)
                canceled.append(order_id)
        return CancelResult(canceled=tuple(canceled), not_canceled=tuple(refused))

    def expire(self, now: Now) -> None:
        """End the GTD orders whose time is over."""
        for account in self._floor.state.accounts.values():
            for order in list(account.open.values()):
                if order.expires_wire_ms is not None and order.expires_wire_ms <= now.wire_ms:
                    self._floor.end_order(order, OrderState.EXPIRED, CancelReason.EXPIRED, now)

    # ---- inside

    def _live_in(self, condition_id: str) -> list[Order]:
        """Return the LIVE orders of a market in order of acceptance."""
        return [
            order
            for order in self._floor.state.orders.values()
            if order.condition_id == condition_id and order.state is OrderState.LIVE
        ]

    def _hits(self, live: LiveMarket, order: Order) -> list[Hit]:
        up_limit = flip(order.outcome, order.price)
        if order.budget_micro_usd is not None:
            return live.book.hits_for(order.outcome, up_limit, order.budget_left_micro_usd)
        return live.book.hits(
            buying_up=is_bid(order.outcome, order.side),
            up_limit=up_limit,
            shares=order.remaining_shares,
        )

    def _too_small(self, signed: SignedOrder, order: Order, hits: list[Hit]) -> Refused | None:
        """Refuse a buy of the resting kind that would take for less than a dollar."""
        behaviours = self._floor.behaviours
        if not hits or order.side is Side.SELL or order.order_type in IMMEDIATE:
            return None
        error = too_small_to_take(order.side, signed.maker_amount)
        if error is None or not behaviours.strikes(Behaviour.MARKETABLE_MINIMUM, order.order_id):
            return None
        return Refused(error=error)

    def _funds(self, order: Order, *, may_take: bool) -> Refused | None:
        account = self._floor.state.accounts[order.api_key]
        if order.side is Side.SELL:
            balance, needed = account.token_balance(order.token_id), order.shares
        else:
            balance, needed = account.cash_balance(), _cash_needed(order, may_take=may_take)
        if needed <= balance.available:
            return None
        return Refused(
            error=f"{FUNDS}: the balance is not enough -> balance: {balance.settled},"
            f" sum of active orders: {balance.ordered}, sum of matched orders: {balance.matched},"
            f" order amount (inc. fees): {needed}"
        )

    def _match(self, live: LiveMarket, order: Order, now: Now) -> None:
        hits = self._hits(live, order)
        own = [hit.resting.order_id for hit in hits if hit.resting.api_key == order.api_key]
        if own:
            self.cancel(order.api_key, tuple(own), now, CancelReason.SELF_TRADE)
            hits = self._hits(live, order)
        if order.order_type is OrderType.FOK and not _fills_whole(order, hits):
            hits = []
        self._matching.execute(live, _taker(order), hits, now)
        self._finish(live, self._floor.state.orders[order.order_id], now)

    def _finish(self, live: LiveMarket, order: Order, now: Now) -> None:
        """Rest or kill what no one took."""
        if not order.active:
            return
        if order.order_type in IMMEDIATE:
            self._floor.end_order(order, OrderState.KILLED, CancelReason.KILLED, now)
            return
        ahead = live.book.add(_resting(order))
        self._floor.record(OrderRested(order_id=order.order_id, queue_ahead_shares=ahead), now)

    def _result(self, order_id: str) -> PlaceResult:
        """Say what became of an order that matched or rested at once."""
        state = self._floor.state
        order = state.orders[order_id]
        trades = [state.trades[trade_id] for trade_id in order.trade_ids]
        usd = sum(notional_micro_usd(t.outcome, t.price, t.shares) for t in trades)
        buying = order.side is Side.BUY
        return PlaceResult(
            order_id=order_id,
            state=OrderState.MATCHED if trades else OrderState.LIVE,
            making_micro=usd if buying else order.filled_shares,
            taking_micro=order.filled_shares if buying else usd,
            trade_ids=order.trade_ids,
        )


def new_order(
    live: LiveMarket,
    signed: SignedOrder,
    terms: Terms,
    asked: Asked,
    now: Now,
) -> Order:
    outcome = live.market.outcome_of(signed.token_id)
    assert outcome is not None, "the market was found by this token"
    expires_ms = signed.expiration_wire_s * 1000 - GTD_EARLY_WIRE_MS
    return Order(
        order_id=signed.order_id,
        api_key=signed.api_key,
        maker_address=signed.maker_address,
        condition_id=live.market.condition_id,
        token_id=signed.token_id,
        outcome=outcome,
        side=signed.side,
        order_type=asked.order_type,
        post_only=asked.post_only,
        price=terms.price,
        shares=terms.shares,
        filled_shares=0,
        state=OrderState.LIVE,
        placed_wire_ms=now.wire_ms,
        placed_market_ms=now.market_ms,
        expires_wire_ms=expires_ms if asked.order_type is OrderType.GTD else None,
        budget_micro_usd=terms.budget_micro_usd,
    )


def _resting(order: Order) -> Resting:
    return Resting(
        order_id=order.order_id,
        api_key=order.api_key,
        outcome=order.outcome,
        side=order.side,
        up_price=flip(order.outcome, order.price),
        shares=order.remaining_shares,
    )


def _taker(order: Order) -> Taker:
    return Taker(
        order_id=order.order_id,
        api_key=order.api_key,
        address=order.maker_address,
        outcome=order.outcome,
        side=order.side,
    )


def _cash_needed(order: Order, *, may_take: bool) -> int:
    if order.budget_micro_usd is not None:
        return order.budget_micro_usd + budget_fee_hold(order.budget_micro_usd)
    needed = notional_micro_usd(order.outcome, order.price, order.shares)
    return needed + (fee_hold(order.price, order.shares) if may_take else 0)


def _fills_whole(order: Order, hits: list[Hit]) -> bool:
    """Say whether the hits fill the order: its shares, or a market buy's dollars."""
    if order.budget_micro_usd is None:
        return sum(hit.shares for hit in hits) >= order.remaining_shares
    prices = groupby(hits, key=lambda hit: flip(order.outcome, hit.resting.up_price))
    cost = sum(
        notional_micro_usd(order.outcome, price, sum(hit.shares for hit in group))
        for price, group in prices
    )
    return order.budget_left_micro_usd - cost <= SPENT_DUST
