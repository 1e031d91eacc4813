"""The market data actor: owns every feed, makes one snapshot per asset and decision point.

The rules are in `actors.market_data.step`; this is the clock, the sockets and the disk around it.
"""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, assert_never

import ray

from actors.attest import release_running
from actors.clock import boot_ms
from actors.gateway.client import GatewayClient
from actors.machine.work import WorkPump
from actors.market_data.announce import Announcer
from actors.market_data.events import (
    AnswerSnapshot,
    Effect,
    Event,
    Fetch,
    FetchBooks,
    FetchFunding,
    FetchKlines,
    FetchMarket,
    FetchOpenInterest,
    FollowBooks,
    FollowPrices,
    LogJob,
    SnapshotAsked,
    Timer,
)
from actors.market_data.handoff import encode_buffers, is_warm, restored_state
from actors.market_data.snapshot_cache import Answer, SnapshotCache
from actors.market_data.state import (
    KnownMarket,
    MarketDataState,
    Now,
    initial_state,
    settings_of,
)
from actors.market_data.status import Provenance, market_data_status, where_from
from actors.market_data.step import step
from actors.market_data.turn import TABLE, Phase, Turn, Work, begin
from actors.market_data.turn_worker import PUBLISHES, NoBuffersError, Ports, TurnWorker, phase_text
from actors.messages import encode
from actors.ray_actors import actor_named, released, with_older_methods
from actors.runtime import (
    end_on_fault,
    keep_loaded,
    label_logs,
    life_id,
    load_config,
    log_event,
    start_logging,
    wire_ms,
)
from checkpoints.errors import CheckpointsError, StorageError
from checkpoints.snapshots import SnapshotStore
from checkpoints.storage import LocalStorage
from signals.market import Asset

LOOK_WIRE_S: Final = 0.1
"""The longest the machine sleeps; due times wake it exactly."""
AHEAD_MS_MAX: Final = 1_800_000
"""Market ms. Nobody may wait for a decision point further away than this."""
BUFFERS_WIRE_S: Final = 5.0
"""Wire. A living predecessor answers in milliseconds."""
ENDS: Final = (Phase.SERVING, Phase.GONE, Phase.FAULTY)


@with_older_methods("_get_warm", "_serve", "_serving_before", "_succeed", "_wait_for_name")
class MarketData:
    """One life of market data. Make it inside a running event loop."""

    def __init__(self, storage_root: str, name: str) -> None:
        # here, not above: every slot that asks for snapshots loads this module, none the SDK
        from actors.feeds.venue_feeds import VenueFeeds
        from actors.market_data.tape.recorder import recorder_of
        from actors.supervisor.hosting import guard

        start_logging(name)
        self._name = name
        self._life = life_id()
        self._config = load_config(storage_root)
        self._storage = LocalStorage(Path(storage_root))
        store = SnapshotStore(self._storage)
        self._release = release_running()
        label_logs(release=self._release[:12])
        self._cache = SnapshotCache(store, self._config.clock, self._make, self._release)
        self._state = initial_state(settings_of(self._config), self._now())
        self._recorder = recorder_of(self._config, storage_root)
        keep = None if self._recorder is None else self._recorder.frame
        self._feeds = VenueFeeds(self._config, self._storage, self.deliver, keep)
        self._tasks: set[asyncio.Task[None]] = set()
        self._pump = WorkPump[Turn, Work](
            TABLE,
            begin(name, boot_ms()),
            TurnWorker(name, self._ports()),
            boot_ms,
            expected=(CheckpointsError,),
        )
        log_event("market_data_started", name=name, life=self._life)
        if ray.is_initialized():
            keep_loaded()
        loop = asyncio.get_running_loop()
        self._clock = loop.create_task(self._run_clock())
        self._clock.add_done_callback(end_on_fault("market_data_crashed"))
        announcer = Announcer(storage_root, GatewayClient(storage_root, tries=1), loop.time)
        self._start(announcer.run(self._open_markets))
        if ray.is_initialized():
            self._start(guard(storage_root, self._release, self._serves))
        if self._recorder is not None:
            self._start(self._recorder.run(self._serving_state, self._now))
        turn = loop.create_task(self._take_turn())
        self._tasks.add(turn)
        turn.add_done_callback(end_on_fault("market_data_crashed"))

    def __repr__(self) -> str:
        return f"MarketData({self._name})"

    # ---- what others ask ----------------------------------------------------------------------

    @ray.method
    async def snapshot(self, asset: str, due_ms: int) -> Answer:
        """Return (digest, bytes) of the snapshot that counts at a decision point.

        Waits until it is due. With silent feeds it is answered all the same, with its ages. Raises
        `ValueError` for an asset that is not configured or a point too far ahead, `RuntimeError`
        where the storage fails.
        """
        known, now = Asset(asset), self._now()
        if known not in self._state.feeds:
            raise ValueError(f"no slot of the configuration trades {asset}")
        if due_ms - now.market_ms > AHEAD_MS_MAX:
            raise ValueError(f"{due_ms} is more than {AHEAD_MS_MAX} market ms ahead")
        try:
            return await self._cache.ask(known, due_ms)
        except CheckpointsError as error:
            # Project classes do not travel between releases, not even as errors.
            raise RuntimeError(f"{type(error).__name__}: {error}") from None

    @ray.method
    async def status(self) -> bytes:
        """Return an encoded `actors.market_data.status.MarketDataStatus`."""
        who = Provenance(
            name=self._name,
            life=self._life,
            text=where_from(self._config),
            snapshots=self._cache.made,
            latest_wait_ms=self._cache.latest_wait_ms,
            release=self._release,
            phase=phase_text(self._pump.state),
            tape_trouble="" if self._recorder is None else self._recorder.trouble,
        )
        return encode(market_data_status(self._state, self._now(), who))

    @ray.method
    async def stop(self) -> None:
        """Close every connection; whoever still waits for a snapshot gets a cancellation."""
        await self.close()

    async def close(self) -> None:
        self._clock.cancel()
        for task in self._tasks:
            task.cancel()
        self._cache.close()
        await self._feeds.close()
        seen = self._serving_state()
        if self._recorder is not None and seen is not None:
            await self._recorder.close(seen, self._now().market_ms)
        log_event("market_data_stopped", name=self._name, life=self._life)

    # ---- whom callers find --------------------------------------------------------------------

    @ray.method
    async def buffers(self) -> bytes:
        """Return what a successor starts from, see `actors.market_data.handoff`."""
        return encode_buffers(self._state, self._now())

    def _ports(self) -> Ports:
        return Ports(
            storage=self._storage,
            take_buffers=self._take_buffers,
            is_warm=lambda: is_warm(self._state, self._now()),
            at_ms=boot_ms,
        )

    async def _take_turn(self) -> None:
        """Serve, or wait to be named; leave where that never comes."""
        await self._pump.run(ENDS)
        match self._pump.state.phase:
            case Phase.FAULTY:
                raise StorageError(f"the turn cannot go on: {self._pump.state.reason}")
            case Phase.GONE:
                log_event("market_data_leaves", name=self._name)
                ray.get_runtime_context().current_actor.leave.remote()
            case _:
                log_event("market_data_serves", name=self._name, life=self._life)

    def _serves(self) -> bool:
        return self._pump.state.phase is Phase.SERVING

    async def _take_buffers(self, before: str) -> None:
        if not ray.is_initialized():
            raise NoBuffersError("Ray is not there to be asked")
        try:
            old: Any = actor_named(before)
            data: bytes = await asyncio.wait_for(old.buffers.remote(), BUFFERS_WIRE_S)
            self._state = restored_state(self._state.settings, self._now(), data)
        except (ValueError, TimeoutError, ray.exceptions.RayError) as error:
            raise NoBuffersError(f"{error!r}") from error
        self._feeds.reads.adopt(self._state)

    @ray.method
    async def leave(self) -> None:
        await self.close()
        ray.actor.exit_actor()  # type: ignore[no-untyped-call]

    # ---- the machine --------------------------------------------------------------------------

    def deliver(self, event: Event) -> None:
        """Step, and perform what it asks."""
        self._state, effects = step(self._state, event, self._now())
        for effect in effects:
            self._perform(effect)

    def _open_markets(self) -> list[KnownMarket]:
        """Return the markets that can be traded now or soon."""
        now_ms = self._now().market_ms
        return [known for known in self._state.markets.values() if now_ms < known.window.close_ms]

    def _serving_state(self) -> MarketDataState | None:
        return self._state if self._serves() else None

    def _make(self, asset: Asset, due_ms: int) -> None:
        self.deliver(SnapshotAsked(asset=asset, due_ms=due_ms))

    def _now(self) -> Now:
        wire = wire_ms()
        return Now(self._config.clock.market_ms(wire), int(wire))

    async def _run_clock(self) -> None:
        while True:
            self.deliver(Timer())
            due_wire_ms = self._config.clock.wire_ms(self._state.next_due_ms)
            await asyncio.sleep(min(LOOK_WIRE_S, max(0.001, (due_wire_ms - wire_ms()) / 1_000)))

    def _perform(self, effect: Effect) -> None:
        match effect:
            case AnswerSnapshot(snapshot=snapshot):
                if self._pump.state.phase in PUBLISHES:  # not one half warm: the first one counts
                    self._cache.publish(snapshot)
            case FollowPrices(assets=assets):
                self._feeds.venue.follow_prices(assets)
            case FollowBooks(markets=markets, anew=anew):
                tokens = [token for pair in markets.values() for token in pair]
                self._feeds.venue.follow_books(tokens, anew=anew)
            case LogJob(job=job, reason=reason, failures=failures):
                log_event("feed_fails", job=job, reason=reason, failures=failures)
            case (
                FetchKlines() | FetchFunding() | FetchOpenInterest() | FetchMarket() | FetchBooks()
            ):
                self._start(self._fetch(effect))
            case _:
                assert_never(effect)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch(self, ask: Fetch) -> None:
        self.deliver(await self._feeds.reads.perform(ask, self._now().market_ms))


MarketDataActor = released(MarketData)
