"""The life of a market: open, tell the price to beat, close, resolve by averages, pay."""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from cluster.sandbox.events import BookReplaced, MarketOpened, MarketResolved
from cluster.sandbox.floor import Floor
from cluster.sandbox.markets import LiveMarket, due_windows
from cluster.sandbox.model import (
    CancelReason,
    Market,
    Now,
    Order,
    OrderState,
    Outcome,
    TradeStatus,
)
from cluster.sandbox.orders import Orders
from cluster.sandbox.prices.source import E18_PER_SPOT, LOOKBACK_SECONDS, Prices
from cluster.sandbox.records import MarketSettled, Payout
from cluster.sandbox.views import book_view

E18: Final = 10**18


ResolutionHeld = Callable[[Market, Now], bool]
"""Says whether a market that is due to be resolved waits all the same."""
ResolutionWrong = Callable[[Market], bool]
"""Says whether a market is resolved against its own averages."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    open_twap_e18: int
    close_twap_e18: int
    winner: Outcome


def verdict(prices: Prices, market: Market) -> Verdict:
    """Compare the averages at close and open; a tie is Up."""
    opened = prices.twap_sum(market.asset, market.open_market_ms)
    closed = prices.twap_sum(market.asset, market.close_market_ms)
    return Verdict(
        open_twap_e18=opened * E18_PER_SPOT // LOOKBACK_SECONDS,
        close_twap_e18=closed * E18_PER_SPOT // LOOKBACK_SECONDS,
        winner=Outcome.UP if closed >= opened else Outcome.DOWN,
    )


def e18_text(value: int) -> str:
    """Write an amount of 1e-18 USD as the shortest exact decimal."""
    whole, rest = divmod(value, E18)
    return f"{whole}.{rest:018d}".rstrip("0").rstrip(".")


class Lifecycle:
    def __init__(self, floor: Floor, orders: Orders) -> None:
        self._floor = floor
        self._orders = orders
        self.silent: set[str] = set()
        """Condition ids whose price to beat is never told."""
        self.held: ResolutionHeld = lambda _market, _now: False
        self.wrong: ResolutionWrong = lambda _market: False

    def open_due(self, now: Now) -> None:
        """Give every market whose time has come a book."""
        config = self._floor.config
        for asset, timeframe, open_ms in due_windows(
            now.market_ms, config.assets, config.timeframes
        ):
            market = self._floor.registry.make(asset, timeframe, open_ms)
            settled = market.condition_id in self._floor.state.settled
            if market.condition_id not in self._floor.live and not settled:
                self._open(market, now)

    def revive(self, now: Now) -> None:
        """After a restart, take up markets with accounts in them that closed meanwhile."""
        for market in list(self._floor.state.markets.values()):
            cond = market.condition_id
            if cond not in self._floor.state.settled and cond not in self._floor.live:
                self._open(market, now)

    def move(self, now: Now) -> None:
        """Tell prices to beat, close, resolve and pay what is due."""
        for live in list(self._floor.live.values()):
            market = live.market
            if now.market_ms >= live.announce_market_ms and market.price_to_beat is None:
                self._publish_price(live)
            if now.market_ms >= market.close_market_ms and market.accepting_orders:
                self._close(live, now)
            due = now.market_ms >= live.resolve_market_ms and not live.resolved
            if due and not self.held(market, now):
                self._resolve(live, now)
            if live.resolved and not self._unmined(market.condition_id):
                self._pay(live, now)

    # ---- inside

    def _open(self, market: Market, now: Now) -> None:
        live = LiveMarket(market, self._floor.config.seed)
        live.market = replace(live.market, accepting_orders=True)
        live.requoted_market_ms = now.market_ms
        self._floor.live[market.condition_id] = live
        self._orders.rest_again(live, now)
        self._floor.emit(
            MarketOpened(market=live.market, wire_ms=now.wire_ms, market_ms=now.market_ms)
        )
        for outcome in Outcome:
            self._floor.emit(BookReplaced(book=book_view(live, outcome, now)))

    def _publish_price(self, live: LiveMarket) -> None:
        if live.market.condition_id not in self.silent:
            beat = e18_text(opening_average(self._floor.prices, live.market))
            live.market = replace(live.market, price_to_beat=beat)

    def _close(self, live: LiveMarket, now: Now) -> None:
        live.market = replace(live.market, accepting_orders=False)
        for order in self._open_orders(live.market.condition_id):
            self._floor.end_order(order, OrderState.CANCELED, CancelReason.CLOSE, now)
        for resting in live.book.resting():
            live.book.remove(resting.order_id)
        self._floor.publish_book(live, now)

    def _resolve(self, live: LiveMarket, now: Now) -> None:
        found = verdict(self._floor.prices, live.market)
        wrong = self.wrong(live.market)
        live.market = replace(
            live.market,
            closed=True,
            winner=found.winner.opposite if wrong else found.winner,
            final_price=e18_text(found.close_twap_e18),
            resolved_market_ms=now.market_ms,
        )
        live.resolved = True
        self._floor.emit(
            MarketResolved(market=live.market, wire_ms=now.wire_ms, market_ms=now.market_ms)
        )

    def _pay(self, live: LiveMarket, now: Now) -> None:
        market = live.market
        del self._floor.live[market.condition_id]
        self._floor.registry.remember(market)
        if market.condition_id not in self._floor.state.markets:
            return
        found = verdict(self._floor.prices, market)
        payouts = tuple(self._payouts(market))
        self._floor.record(
            MarketSettled(
                market=market,
                open_twap_e18=str(found.open_twap_e18),
                close_twap_e18=str(found.close_twap_e18),
                payouts=payouts,
                claims=self._floor.config.claims,
            ),
            now,
        )
        if self._floor.config.claims:
            return
        for payout in payouts:
            self._floor.record_cash(
                payout.api_key, payout.paid_micro_usd, f"settlement {market.condition_id}", now
            )

    def _payouts(self, market: Market) -> list[Payout]:
        assert market.winner is not None, "only a resolved market pays"
        found = []
        for account in self._floor.state.accounts.values():
            up = account.tokens.get(market.up_token_id, 0)
            down = account.tokens.get(market.down_token_id, 0)
            if up or down:
                found.append(
                    Payout(
                        api_key=account.api_key,
                        up_shares=up,
                        down_shares=down,
                        paid_micro_usd=up if market.winner is Outcome.UP else down,
                    )
                )
        return found

    def _open_orders(self, condition_id: str) -> list[Order]:
        return [
            order
            for account in self._floor.state.accounts.values()
            for order in list(account.open.values())
            if order.condition_id == condition_id
        ]

    def _unmined(self, condition_id: str) -> bool:
        return any(
            trade.condition_id == condition_id and trade.status is TradeStatus.MATCHED
            for trade in self._floor.state.unfinished.values()
        )


def opening_average(prices: Prices, market: Market) -> int:
    """Return the price to beat in 1e-18 USD."""
    total = prices.twap_sum(market.asset, market.open_market_ms)
    return total * E18_PER_SPOT // LOOKBACK_SECONDS
