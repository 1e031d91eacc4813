"""The trading floor: what all parts of the exchange share, and the only way to change it.

Parts change accounts by `record` (ledger first, then the fold) and tell the world by `emit`.
"""

import msgspec

from cluster.sandbox.behaviours import ALL, Behaviour, Behaviours
from cluster.sandbox.book import flip
from cluster.sandbox.events import (
    BestChanged,
    BestPrices,
    Event,
    OrderChange,
    OrderChanged,
    PriceChange,
    PricesChanged,
)
from cluster.sandbox.ledger import Ledger
from cluster.sandbox.markets import LiveMarket, Registry
from cluster.sandbox.model import (
    ASSETS,
    MICRO,
    TIMEFRAMES,
    CancelReason,
    MarketTime,
    Now,
    Order,
    OrderState,
    Outcome,
    Side,
    Timeframe,
)
from cluster.sandbox.prices.source import Prices
from cluster.sandbox.records import CashChanged, OrderEnded, Record
from cluster.sandbox.state import State
from cluster.sandbox.views import book_view

TOLD_AS_UPDATE = frozenset(
    {CancelReason.USER, CancelReason.CANCEL_ALL, CancelReason.CANCEL_MARKET, CancelReason.HEARTBEAT}
)


class ExchangeConfig(msgspec.Struct, frozen=True, kw_only=True):
    seed: int = 1
    speed: int = 30
    starting_balance_micro_usd: int = 10_000_000_000
    taker_delay_wire_ms: int = 150
    """0: takers match at once."""
    heartbeat_limit_wire_ms: int = 10_000
    mined_after_wire_ms: int = 800
    confirmed_after_wire_ms: int = 2_000
    restart_wire_ms: int = 90_000
    post_only_wire_ms: int = 120_000
    behaviours: frozenset[Behaviour] = ALL
    """What the venue does to its clients beyond the plain rules."""
    market_time: MarketTime = MarketTime.OWN
    older_wallets: bool = False
    """Accounts are from before deposit wallets: bare keys, proxies and safes may trade too."""
    claims: bool = False
    """Settled markets leave winning shares to be redeemed, as at the venue; False: they pay."""
    house_at_work: bool = True
    """False: no makers and no takers but the accounts', for tests of the rules."""
    assets: tuple[str, ...] = ASSETS
    timeframes: tuple[Timeframe, ...] = TIMEFRAMES
    """Of both: what is listed."""


class Floor:
    def __init__(self, config: ExchangeConfig, prices: Prices, ledger: Ledger) -> None:
        self.config = config
        self.prices = prices
        self.ledger = ledger
        self.state = State()
        self.registry = Registry(config.seed, config.assets, config.timeframes)
        self.behaviours = Behaviours(config.seed, config.behaviours)
        self.live: dict[str, LiveMarket] = {}
        """Markets with a book, by condition id."""
        self.events: list[Event] = []
        for entry in ledger.recovered:
            self.state.apply(entry)
        for market in self.state.markets.values():
            self.registry.remember(market)

    def record(self, record: Record, now: Now) -> None:
        self.state.apply(self.ledger.append(record, now))

    def record_cash(self, api_key: str, change_micro_usd: int, cause: str, now: Now) -> None:
        self.record(
            CashChanged(
                api_key=api_key,
                change_micro_usd=change_micro_usd,
                cash_micro_usd=self.state.accounts[api_key].cash,
                cause=cause,
            ),
            now,
        )

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def publish_order(
        self, order_id: str, change: OrderChange, now: Now, reason: CancelReason | None = None
    ) -> None:
        order = self.state.orders[order_id]
        self.emit(
            OrderChanged(
                api_key=order.api_key,
                change=change,
                order=order,
                reason=reason,
                bare=order.state is OrderState.KILLED
                and self.behaviours.strikes(Behaviour.BARE_KILL_FRAMES, order_id),
                wire_ms=now.wire_ms,
                market_ms=now.market_ms,
            )
        )

    def end_order(self, order: Order, state: OrderState, reason: CancelReason, now: Now) -> None:
        """Take an order off its book, ledger why, and tell its account."""
        live = self.live.get(order.condition_id)
        if live is not None:
            live.book.remove(order.order_id)
        self.record(
            OrderEnded(
                order_id=order.order_id,
                state=state,
                reason=reason,
                remaining_shares=order.remaining_shares,
            ),
            now,
        )
        self.publish_order(order.order_id, self._change_of_end(order, reason), now, reason)

    def _change_of_end(self, order: Order, reason: CancelReason) -> OrderChange:
        """Say how the end is told: the venue tells some cancels as an update."""
        as_update = reason in TOLD_AS_UPDATE and self.behaviours.strikes(
            Behaviour.CANCELED_AS_UPDATE, order.order_id
        )
        return OrderChange.UPDATE if as_update else OrderChange.CANCELLATION

    def publish_book(self, live: LiveMarket, now: Now) -> None:
        """Tell the levels that changed since the last call, for both tokens."""
        touched = live.book.take_touched()
        if not touched:
            return
        market = live.market
        changes: list[PriceChange] = []
        for bid, up_price in touched:
            shares = live.book.total(bid=bid, up_price=up_price)
            changes += [
                PriceChange(
                    token_id=market.token_id(outcome),
                    side=Side.BUY if bid is (outcome is Outcome.UP) else Side.SELL,
                    price=flip(outcome, up_price),
                    shares=shares,
                )
                for outcome in Outcome
            ]
        best = self.best_prices(live)
        self.emit(
            PricesChanged(
                condition_id=market.condition_id,
                changes=tuple(changes),
                best=best,
                hashes=tuple(book_view(live, outcome, now).hash for outcome in Outcome),
                wire_ms=now.wire_ms,
                market_ms=now.market_ms,
            )
        )
        self._publish_best(live, best, now)

    def best_prices(self, live: LiveMarket) -> tuple[BestPrices, BestPrices]:
        """Return the best prices of Up and of Down."""
        bid, ask = live.book.best(bid=True), live.book.best(bid=False)
        return (
            BestPrices(token_id=live.market.up_token_id, best_bid=bid, best_ask=ask),
            BestPrices(
                token_id=live.market.down_token_id,
                best_bid=None if ask is None else MICRO - ask,
                best_ask=None if bid is None else MICRO - bid,
            ),
        )

    def _publish_best(
        self, live: LiveMarket, best: tuple[BestPrices, BestPrices], now: Now
    ) -> None:
        found = (best[0].best_bid, best[0].best_ask)
        if found == live.best:
            return
        live.best = found
        for prices in best:
            self.emit(
                BestChanged(
                    condition_id=live.market.condition_id,
                    best=prices,
                    wire_ms=now.wire_ms,
                    market_ms=now.market_ms,
                )
            )
