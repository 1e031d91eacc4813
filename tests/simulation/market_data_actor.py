"""Market data in the simulation: one small snapshot per asset and decision point, stored first."""

from typing import TYPE_CHECKING, Final

from actors.machine.work import WorkPump
from actors.market_data import turn
from actors.market_data.state import Counts
from actors.market_data.status import MarketDataStatus
from actors.market_data.turn import Phase, Turn, Work
from actors.market_data.turn_worker import (
    STANDING_BY,
    NoBuffersError,
    Ports,
    TurnWorker,
    phase_text,
)
from actors.rollout.replacement.events import Seen
from checkpoints.errors import CheckpointsError
from checkpoints.snapshots import SnapshotStore, encode_snapshot
from signals.market import Asset, Outcome, Slot, Timeframe, Window
from signals.snapshot import Book, BookLevel, Feed, InputAge, MarketView, Snapshot, Ticks
from signals.units import MICRO, MicroShares, PriceMicroUsd
from tests.simulation.network import Lost
from tests.simulation.supervisor_actor import guard_supervisor
from tests.simulation.venue_books import Market, token_id
from tests.simulation.virtual_loop import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

TICK = 10_000
WARM_S: Final = 0.4
BUFFERS_S: Final = 5.0
ENDS: Final = (Phase.SERVING, Phase.GONE, Phase.FAULTY)


class MarketDataActor:
    kind = "market-data"

    def __init__(self, world: "World", name: str, release: str) -> None:
        self.world = world
        self.name = name
        self.release = release
        self.gone = False
        self.served = False
        self.life = ""
        self.process: Process
        self._store = SnapshotStore(world.disk)
        self._made: dict[tuple[str, int], tuple[str, bytes]] = {}

    def start(self) -> None:
        self.process = self.world.open_process(self.name, self)
        self.life = f"{self.process.number}-1"
        self._made.clear()
        self._warm_s = self.world.loop.now_s + WARM_S
        self.has_buffers = False
        ports = Ports(
            storage=self.world.disk,
            take_buffers=self._take_buffers,
            is_warm=lambda: self.world.loop.now_s >= self._warm_s,
            at_ms=self._at_ms,
        )
        self.pump = WorkPump[Turn, Work](
            turn.TABLE,
            turn.begin(self.name, self._at_ms()),
            TurnWorker(self.name, ports),
            self._at_ms,
            self._moved,
            (CheckpointsError,),
        )
        self.process.spawn(self._live())
        self.process.spawn(guard_supervisor(self.world, lambda: self.serves))

    async def _live(self) -> None:
        await self.pump.run(ENDS)
        if self.phase is not Phase.SERVING:
            self.gone = self.phase is Phase.GONE
            self.process.kill()

    @property
    def phase(self) -> Phase:
        return self.pump.state.phase

    @property
    def serves(self) -> bool:
        return not self.gone and self.process.alive and self.phase is Phase.SERVING

    def _at_ms(self) -> float:
        return 1_000 * self.world.loop.time()

    def _moved(self, before: Turn, after: Turn) -> None:
        del before
        self.served = self.served or after.phase is Phase.SERVING
        self.world.succession.market_data_moved(self, after)
        self.world.succession_step(self.kind, after.phase, self)

    async def _take_buffers(self, before: str) -> None:
        old = self.world.actors.get(before)
        if not isinstance(old, MarketDataActor) or old.gone:
            raise NoBuffersError(f"no actor {before}")
        found = await self.world.network.call(lambda: old.process, old.buffers, BUFFERS_S)
        if isinstance(found, Lost):
            raise NoBuffersError(found.reason)
        self.has_buffers = True

    async def buffers(self) -> bytes:
        return b"buffers"

    async def seen(self) -> Seen:
        return Seen(
            phase=phase_text(self.pump.state),
            release=self.release,
            ready=phase_text(self.pump.state) == STANDING_BY,
            serves=self.phase is Phase.SERVING,
        )

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
            release=self.release,
            snapshots=len(self._made),
            phase=phase_text(self.pump.state),
        )
