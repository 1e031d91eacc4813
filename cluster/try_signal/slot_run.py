"""One slot over the tape: decide, fill in the model market, settle."""

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from cluster.try_signal.errors import SignalError
from cluster.try_signal.model_market import FEE_RATE, TICK_MICRO_USD, ModelMarket
from cluster.try_signal.place import place_of
from cluster.try_signal.result import SlotTried, TriedDecision, TriedTrade
from cluster.try_signal.times import clock
from signals.book_price import market_mid_up, walk
from signals.decision import Decision, Leg, Position, Style
from signals.decision_check import faults
from signals.market import DecisionPoint, Outcome, Side, Slot, Window
from signals.params import Params
from signals.snapshot import Snapshot
from signals.strategy import Strategy, text_of
from signals.units import MICRO, MicroShares, MicroUsd, PriceMicroUsd, notional_micro_usd
from signals.units import taker_fee_micro_usd as fee

ALLOCATION_MICRO_USD: Final = MicroUsd(100_000_000)
CANCEL_BEFORE_CLOSE_MS: Final = 20_000
FILL_STEP_MS: Final = 5_000
"""How often a resting order is held against the model's ask."""


class SlotRun:
    """Position, resting orders and results of one slot. Whatever rests fills in full or not."""

    def __init__(
        self,
        slot: Slot,
        strategy: Strategy,
        params: Params,
        market: ModelMarket,
        allocation_micro_usd: MicroUsd = ALLOCATION_MICRO_USD,
    ) -> None:
        self._slot = slot
        self._allocation = allocation_micro_usd
        self._strategy = strategy
        self._params = params
        self._market = market
        self._memory = strategy.Memory()
        self._window: Window | None = None
        self._held = dict.fromkeys(Outcome, 0)
        self._resting: list[tuple[DecisionPoint, Leg]] = []
        self._seen_ms = 0
        self.decisions: list[TriedDecision] = []
        self.trades: list[TriedTrade] = []
        self.decide_seconds: list[float] = []
        self.orders = 0
        self.pnl_micro_usd = 0

    def decide(self, point: DecisionPoint, snapshot: Snapshot) -> None:
        """Decide at one decision point; decision points must come in order."""
        if point.window != self._window:
            self.settle()
            self._window, self._seen_ms = point.window, point.due_ms
        self._fill_resting(point.due_ms)
        decision = self._asked(point, snapshot)
        market = snapshot.market(self._slot.timeframe)
        for leg in decision.legs:
            self.orders += 1
            if leg.style is Style.REST:
                self._resting.append((point, leg))
            else:
                self._take(point, leg)
        self.decisions.append(
            TriedDecision(
                slot=str(self._slot),
                window_open_ms=point.window.open_ms,
                due_ms=point.due_ms,
                action=decision.action,
                reason=decision.reason,
                probability_up=decision.probability_up,
                market_mid_up=None if market is None else market_mid_up(market),
                fair_up=decision.fair_up,
                spread_points=decision.spread_points,
                winner=self._market.winner(point.window),
            )
        )

    def settle(self) -> None:
        """Fill what still rests, then pay out the window."""
        if self._window is None:
            return
        self._fill_resting(self._window.close_ms - CANCEL_BEFORE_CLOSE_MS)
        winner = self._market.winner(self._window)
        for outcome, shares in self._held.items():
            if outcome is winner:
                self.pnl_micro_usd += shares
        self._held = dict.fromkeys(Outcome, 0)
        self._resting = []
        self._window = None

    def _asked(self, point: DecisionPoint, snapshot: Snapshot) -> Decision:
        at = f"{self._slot} at {point.due_ms} ({clock(point.due_ms)} UTC)"
        started = time.perf_counter()
        try:
            decision, memory = self._strategy.decide(
                snapshot, self._slot.timeframe, self._position(), self._memory, self._params
            )
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a stranger's code: anything can come, also an exit
            raise SignalError(
                f"decide raised {text_of(error, repr)}{place_of(error)} for {at}; "
                f"{self._input(snapshot)}"
            ) from error
        self.decide_seconds.append(time.perf_counter() - started)
        wrong = faults(decision, snapshot.market(self._slot.timeframe))
        if not isinstance(memory, self._strategy.Memory):
            wrong = (*wrong, f"memory is a {type(memory).__name__}, not the strategy's Memory")
        if wrong:
            raise SignalError(f"decide broke its contract for {at}: {'; '.join(wrong)}")
        self._memory = memory
        return decision

    def _input(self, snapshot: Snapshot) -> str:
        """Describe what the failed call was given."""
        market = snapshot.market(self._slot.timeframe)
        mid = None if market is None else market_mid_up(market)
        position = self._position()
        return (
            f"its input: market {'none' if market is None else market.condition_id}, mid {mid}, "
            f"{len(snapshot.funding)} funding and {len(snapshot.open_interest)} open interest "
            f"points, {position.up_shares / MICRO:g} Up and {position.down_shares / MICRO:g} Down "
            "shares held"
        )

    def tried(self) -> SlotTried:
        """Return what came out, as values."""
        return SlotTried(
            decisions=tuple(self.decisions),
            trades=tuple(self.trades),
            orders=self.orders,
            pnl_micro_usd=self.pnl_micro_usd,
            decide_seconds=tuple(self.decide_seconds),
        )

    def _position(self) -> Position:
        resting = dict.fromkeys(Outcome, 0)
        for _, leg in self._resting:
            if leg.side is Side.BUY:
                resting[leg.outcome] += leg.shares
        return Position(
            up_shares=MicroShares(self._held[Outcome.UP]),
            down_shares=MicroShares(self._held[Outcome.DOWN]),
            resting_up_shares=MicroShares(resting[Outcome.UP]),
            resting_down_shares=MicroShares(resting[Outcome.DOWN]),
            allocation_micro_usd=self._allocation,
        )

    def _take(self, point: DecisionPoint, leg: Leg) -> None:
        """Fill and kill: what the model's book offers within the limit, at the limit's own level.

        Every level is charged at its own price.
        """
        view = self._market.view(point.window, point.due_ms)
        book = None if view is None else view.book(leg.outcome)
        if book is None:
            return
        buying = leg.side is Side.BUY
        left = int(leg.shares)
        for level in book.asks if buying else book.bids:
            inside = level.price <= leg.price if buying else level.price >= leg.price
            found = walk((level,), left / MICRO) if inside and left > 0 else None
            if found is None:
                break
            shares = MicroShares(min(left, level.shares))
            self._fill(point, leg, level.price, shares)
            left -= shares

    def _fill_resting(self, until_ms: int) -> None:
        """Fill resting orders that the model's book came to meet since the last look."""
        first_ms = self._seen_ms + FILL_STEP_MS
        for time_ms in range(first_ms, until_ms + 1, FILL_STEP_MS):
            if not self._resting or self._window is None:
                break
            mid = self._market.mid_up(self._window, time_ms)
            if mid is not None:
                for order in list(self._met(mid)):
                    self._resting.remove(order)
                    self._fill(order[0], order[1], order[1].price, order[1].shares)
        self._seen_ms = max(self._seen_ms, until_ms)

    def _met(self, mid_up: float) -> Iterator[tuple[DecisionPoint, Leg]]:
        for point, leg in self._resting:
            middle = (mid_up if leg.outcome is Outcome.UP else 1 - mid_up) * MICRO
            if leg.side is Side.BUY and middle + TICK_MICRO_USD <= leg.price:
                yield point, leg
            if leg.side is Side.SELL and middle - TICK_MICRO_USD >= leg.price:
                yield point, leg

    def _fill(
        self, point: DecisionPoint, leg: Leg, price: PriceMicroUsd, shares: MicroShares
    ) -> None:
        buying = leg.side is Side.BUY
        if not buying:
            shares = MicroShares(min(shares, self._held[leg.outcome]))
        if shares <= 0:
            return
        taken = leg.style is Style.TAKE
        charge = fee(price, shares, Decimal(FEE_RATE)) if taken else MicroUsd(0)
        value = notional_micro_usd(price, shares)
        self._held[leg.outcome] += shares if buying else -shares
        self.pnl_micro_usd += (-value if buying else value) - charge
        self.trades.append(
            TriedTrade(
                slot=str(self._slot),
                window_open_ms=point.window.open_ms,
                due_ms=point.due_ms,
                side=leg.side,
                outcome=leg.outcome,
                style=leg.style,
                price=price,
                shares=shares,
                fee_micro_usd=charge,
            )
        )
