"""Builders: an exchange on invented time, and accounts that trade on it."""

from pathlib import Path

from cluster.sandbox.behaviours import Behaviour
from cluster.sandbox.events import Event
from cluster.sandbox.exchange import Exchange, ExchangeConfig
from cluster.sandbox.ledger import Ledger
from cluster.sandbox.model import (
    MICRO,
    Market,
    Now,
    Order,
    OrderType,
    Outcome,
    PlaceResult,
    Side,
    SignedOrder,
    Timeframe,
)
from cluster.sandbox.prices.source import GENERATED_START_MS, Prices

WIRE_START_MS = 1_700_000_000_000
CENT = 10_000
PLAIN: frozenset[Behaviour] = frozenset()
"""The plain rules alone: tests of one behaviour switch it on by name."""
ALICE, BOB = "alice", "bob"
START_MARKET_MS = GENERATED_START_MS


class SmallExchange:
    """An exchange whose clock is a number, with two accounts."""

    def __init__(self, folder: Path, *, seed: int = 1, speed: int = 30, **config: object) -> None:
        settings: dict[str, object] = {
            "house_at_work": False,
            "taker_delay_wire_ms": 0,
            "behaviours": PLAIN,
            **config,
        }
        self.config = ExchangeConfig(seed=seed, speed=speed, **settings)  # type: ignore[arg-type]
        self.folder = folder
        self.wire_ms = WIRE_START_MS
        self.events: list[Event] = []
        self._numbers = 0
        self.ledger = Ledger.open(folder)
        self.exchange = Exchange(self.config, self._prices(), self.ledger)
        self.exchange.advance(self.now)
        for name in (ALICE, BOB):
            self.exchange.open_account(name, "0x" + name, self.now)

    def _prices(self) -> Prices:
        return Prices(self.config.seed, None, self.config.assets)

    @property
    def now(self) -> Now:
        elapsed_ms = self.wire_ms - WIRE_START_MS
        return Now(self.wire_ms, GENERATED_START_MS + 1_000 + elapsed_ms * self.config.speed)

    def step(self, wire_ms: int) -> None:
        self.wire_ms += wire_ms
        self.exchange.advance(self.now)
        self.events += self.exchange.drain()

    def until_market_ms(self, market_ms: int, step_wire_ms: int = 100) -> None:
        while self.now.market_ms < market_ms:
            self.step(step_wire_ms)

    def restart(self) -> None:
        """Open the ledger again, as a new process would."""
        self.ledger.close()
        self.ledger = Ledger.open(self.folder)
        self.exchange = Exchange(self.config, self._prices(), self.ledger)
        self.exchange.advance(self.now)

    def market(self, asset: str = "btc", timeframe: Timeframe = Timeframe.M5) -> Market:
        """Return the running market."""
        found = self.exchange.markets_listed(self.now, asset=asset, timeframe=timeframe)
        time_ms = self.now.market_ms
        return next(m for m in found if m.open_market_ms <= time_ms < m.close_market_ms)

    def signed(
        self,
        who: str,
        side: Side,
        price: int,
        shares: int,
        *,
        outcome: Outcome = Outcome.UP,
        market: Market | None = None,
        expiration_s: int = 0,
    ) -> SignedOrder:
        self._numbers += 1
        usd = price * shares // MICRO
        buying = side is Side.BUY
        return SignedOrder(
            order_id=f"0x{self._numbers:064x}",
            api_key=who,
            maker_address="0x" + who,
            signer_address="0x" + who,
            token_id=(market or self.market()).token_id(outcome),
            side=side,
            maker_amount=usd if buying else shares,
            taker_amount=shares if buying else usd,
            timestamp_wire_ms=self.wire_ms,
            expiration_wire_s=expiration_s,
        )

    def post(
        self, order: SignedOrder, kind: OrderType = OrderType.GTC, *, post_only: bool = False
    ) -> PlaceResult:
        return self.exchange.place(order, kind, self.now, post_only=post_only)

    def buy(
        self,
        who: str,
        cents: int,
        shares: int,
        kind: OrderType = OrderType.GTC,
        *,
        outcome: Outcome = Outcome.UP,
        post_only: bool = False,
    ) -> PlaceResult:
        order = self.signed(who, Side.BUY, cents * CENT, shares * MICRO, outcome=outcome)
        return self.post(order, kind, post_only=post_only)

    def sell(
        self,
        who: str,
        cents: int,
        shares: int,
        kind: OrderType = OrderType.GTC,
        *,
        outcome: Outcome = Outcome.UP,
    ) -> PlaceResult:
        order = self.signed(who, Side.SELL, cents * CENT, shares * MICRO, outcome=outcome)
        return self.post(order, kind)

    def mint(self, shares: int) -> None:
        """Give Alice Up and Bob Down, at even odds, and wait until it is mined."""
        self.buy(ALICE, 50, shares)
        self.buy(BOB, 50, shares, outcome=Outcome.DOWN)
        self.step(self.config.mined_after_wire_ms)

    def order(self, result: PlaceResult) -> Order:
        found = self.exchange.order(result.order_id)
        assert found is not None
        return found
