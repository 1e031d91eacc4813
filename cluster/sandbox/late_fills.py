"""Fills that come after a cancel: the match was under way when the order left the book."""

from typing import Final, NamedTuple

from cluster.sandbox.behaviours import Behaviour
from cluster.sandbox.book import HOUSE, Hit, Resting, flip
from cluster.sandbox.fees import notional_micro_usd
from cluster.sandbox.floor import Floor
from cluster.sandbox.matching import HOUSE_ADDRESS, Matching, Taker
from cluster.sandbox.model import CancelReason, Now, Order, Side

LATE_MS: Final = (100, 1_500)
"""Wire ms after the cancel, from and to, as operators report them."""
SHARE_FROM_PERCENT: Final = 20
"""Of what was left, the least that comes late."""
RACING: Final = frozenset(
    {
        CancelReason.USER,
        CancelReason.CANCEL_ALL,
        CancelReason.CANCEL_MARKET,
        CancelReason.HEARTBEAT,
    }
)
"""Cancels that a match can overtake. A close ends matching first."""


class _Due(NamedTuple):
    wire_ms: int
    order_id: str
    shares: int


class LateFills:
    def __init__(self, floor: Floor, matching: Matching) -> None:
        self._floor = floor
        self._matching = matching
        self._due: list[_Due] = []

    def cancelled(self, order: Order, reason: CancelReason, now: Now) -> None:
        """Note that a resting order was cancelled; a share of them is filled all the same."""
        behaviours = self._floor.behaviours
        if reason not in RACING or not behaviours.strikes(Behaviour.LATE_FILLS, order.order_id):
            return
        first_ms, last_ms = LATE_MS
        draw = behaviours.draw(Behaviour.LATE_FILLS, f"{order.order_id}/due", 10_000)
        percent = SHARE_FROM_PERCENT + draw % (101 - SHARE_FROM_PERCENT)
        shares = max(1, order.remaining_shares * percent // 100 - draw)
        due_ms = now.wire_ms + first_ms + draw * (last_ms - first_ms) // 10_000
        self._due.append(_Due(due_ms, order.order_id, shares))

    def work(self, now: Now) -> None:
        """Trade what is due, where its market is open and its account can still pay."""
        due = [found for found in self._due if found.wire_ms <= now.wire_ms]
        if not due:
            return
        self._due = [found for found in self._due if found.wire_ms > now.wire_ms]
        for found in due:
            self._fill(self._floor.state.orders[found.order_id], found.shares, now)

    def _fill(self, order: Order, shares: int, now: Now) -> None:
        live = self._floor.live.get(order.condition_id)
        if live is None or not live.takes_orders(now.market_ms) or not self._covered(order, shares):
            return
        resting = Resting(
            order_id=order.order_id,
            api_key=order.api_key,
            outcome=order.outcome,
            side=order.side,
            up_price=flip(order.outcome, order.price),
            shares=shares,
        )
        taker = Taker(
            order_id=f"house-late-{order.order_id}",
            api_key=HOUSE,
            address=HOUSE_ADDRESS,
            outcome=order.outcome,
            side=Side.SELL if order.side is Side.BUY else Side.BUY,
        )
        live.book.add(resting)  # it leaves again at once: nobody sees it in between
        self._matching.execute(live, taker, [Hit(resting, shares)], now)
        self._floor.publish_book(live, now)

    def _covered(self, order: Order, shares: int) -> bool:
        account = self._floor.state.accounts[order.api_key]
        if order.side is Side.SELL:
            return shares <= account.token_balance(order.token_id).available
        cost = notional_micro_usd(order.outcome, order.price, shares)
        return cost <= account.cash_balance().available
