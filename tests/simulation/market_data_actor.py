"""Market data in the simulation: one small snapshot per asset and decision point, stored first."""

from typing import TYPE_CHECKING

from actors.market_data.state import Counts
from actors.market_data.status import MarketDataStatus
from checkpoints.snapshots import SnapshotStore, encode_snapshot
from signals.market import Asset, Outcome, Slot, Timeframe, Window
from signals.snapshot import Book, BookLevel, Feed, InputAge, MarketView, Snapshot, Ticks
from signals.units import MICRO, MicroShares, PriceMicroUsd
from tests.simulation.exchange import Market, token_id
from tests.simulation.virtual_loop import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

TICK = 10_000


class MarketDataActor:
    def __init__(self, world: "World") -> None:
        self.world = world
        self.name = "market-data/1"
        self.gone = False
        self.life = ""
        self.process: Process
        self._store = SnapshotStore(world.disk)
        self._made: dict[tuple[str, int], tuple[str, bytes]] = {}

    def start(self) -> None:
        self.process = self.world.open_process(self.name, self)
        self.life = f"{self.process.number}-1"
        self._made.clear()

    async def snapshot(self, asset: str, due_ms: int) -> tuple[str, bytes]:
        key = asset, due_ms
        if key not in self._made:
            data = encode_snapshot(self._snapshot(Asset(asset), due_ms))
            self._made[key] = self._store.put(Asset(asset), due_ms, data)
        return self._made[key]

    def _snapshot(self, asset: Asset, due_ms: int) -> Snapshot:
        markets = tuple(self._market(asset, timeframe, due_ms) for timeframe in Timeframe)
        return Snapshot(
            asset=asset,
            due_ms=due_ms,
            taken_ms=due_ms,
            candles=(),
            ticks=Ticks(observed_ms=(), twap=(), spot=()),
            funding=(),
            next_funding_ms=None,
            open_interest=(),
            markets=markets,
            ages=tuple(InputAge(feed=feed, age_ms=0, limit_ms=1) for feed in Feed),
        )

    def _market(self, asset: Asset, timeframe: Timeframe, due_ms: int) -> MarketView:
        window = Window.at(due_ms, timeframe)
        slot = str(Slot(asset, timeframe))
        condition_id = f"0x{slot}-{window.open_ms}"
        close_s = self.world.seconds_at(window.close_ms)
        self.world.exchange.list_market(
            Market(condition_id=condition_id, slot=slot, close_s=close_s)
        )
        level = MicroShares(500 * MICRO)
        book = Book(
            bids=(BookLevel(PriceMicroUsd(49 * TICK), level),),
            asks=(BookLevel(PriceMicroUsd(51 * TICK), level),),
            tick_micro_usd=TICK,
            received_ms=due_ms,
        )
        return MarketView(
            window=window,
            condition_id=condition_id,
            up_token_id=token_id(condition_id, Outcome.UP),
            down_token_id=token_id(condition_id, Outcome.DOWN),
            up_book=book,
            down_book=book,
            accepting_orders=True,
            fee_rate="0.07",
            min_order_shares=MicroShares(5 * MICRO),
            twap_lookback_seconds=60,
            price_to_beat=None,
        )

    async def status(self) -> MarketDataStatus:
        return MarketDataStatus(
            name=self.name,
            life=self.life,
            market_ms=self.world.now()[1],
            feeds=(),
            counts=Counts(),
            markets=(),
            missing_markets=(),
            trouble=(),
            waiting=False,
            provenance="simulated",
        )
