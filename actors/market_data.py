"""The market data actor: owns every feed, makes one snapshot per asset and decision point.

The rules are in `actors.market_data_step`; this is the clock, the sockets and the disk around it.
"""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, assert_never

import httpx
import ray
from ray.util import metrics

from actors.feeds.binance import fetch_funding, fetch_klines, fetch_open_interest
from actors.feeds.books import fetch_books
from actors.feeds.gamma import fetch_market
from actors.feeds.http import Malformed, Unreachable, feed_client
from actors.feeds.streams import BookStream, PriceStream
from actors.market_data_events import (
    AnswerSnapshot,
    Effect,
    Event,
    Fetch,
    FetchBooks,
    FetchFailed,
    FetchFunding,
    FetchKlines,
    FetchMarket,
    FetchOpenInterest,
    FollowBooks,
    FollowPrices,
    Say,
    SnapshotAsked,
    Timer,
)
from actors.market_data_state import Now, initial_state, settings_of
from actors.market_data_status import Provenance, market_data_status
from actors.market_data_step import step
from actors.messages import encode
from actors.runtime import life_id, load_config, log_event, start_logging, wire_ms
from checkpoints.snapshots import SnapshotStore, encode_snapshot
from checkpoints.storage import LocalStorage
from signals.market import Asset
from signals.snapshot import Snapshot

CURRENT: Final = "market-data/current"
"""Storage file with the name of the actor that serves now."""
LOOK_WIRE_S: Final = 0.1
"""The longest the machine sleeps; due times wake it exactly."""
KEPT_ANSWERS: Final = 64
"""Snapshots kept in memory to answer again; older ones come from the store."""
CLOCK_GRACE_S: Final = 0.5
"""Wire. How long after its due time an asked snapshot may still come from the clock."""
AHEAD_MS_MAX: Final = 1_800_000
"""Market ms. Nobody may wait for a decision point further away than this."""

Answer = tuple[str, bytes]


class MarketData:
    """One life of market data. Make it inside a running event loop."""

    def __init__(self, storage_root: str, name: str) -> None:
        start_logging()
        self._name = name
        self._life = life_id()
        self._config = load_config(storage_root)
        self._storage = LocalStorage(Path(storage_root))
        self._store = SnapshotStore(self._storage)
        self._state = initial_state(settings_of(self._config), self._now())
        venue = self._config.venue
        self._clients = {
            kind: feed_client(url)
            for kind, url in (
                ("binance", venue.binance_url),
                ("gamma", venue.gamma_url),
                ("clob", venue.clob_url),
            )
        }
        self._prices = PriceStream(venue, self.deliver)
        self._books = BookStream(venue, self.deliver)
        self._answers: dict[tuple[Asset, int], asyncio.Future[Answer]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._snapshots = 0
        self._latest_wait_ms = 0
        self._age_gauge = metrics.Gauge(
            "midstride_feed_age_ms", "Market ms since a feed's newest datum", ("feed",)
        )
        self._storage.write(CURRENT, name.encode())
        log_event("market_data_started", name=name, life=self._life)
        self._clock = asyncio.get_running_loop().create_task(self._run_clock())

    def __repr__(self) -> str:
        return f"MarketData({self._name})"

    # ---- what others ask ----------------------------------------------------------------------

    @ray.method
    async def snapshot(self, asset: str, due_ms: int) -> Answer:
        """Return (digest, bytes) of the snapshot that counts at a decision point.

        Waits until it is due. With silent feeds it is answered all the same, with its ages. Raises
        `ValueError` for an asset that is not configured or a point too far ahead.
        """
        key = (Asset(asset), due_ms)
        now = self._now()
        if key[0] not in self._state.feeds:
            raise ValueError(f"no slot of the configuration trades {asset}")
        if due_ms - now.market_ms > AHEAD_MS_MAX:
            raise ValueError(f"{due_ms} is more than {AHEAD_MS_MAX} market ms ahead")
        known = self._answers.get(key)
        if known is None:
            known = self._expect(key)
            self._start(self._find_or_make(key))
        return await asyncio.shield(known)

    @ray.method
    async def status(self) -> bytes:
        """Return an encoded `actors.market_data_status.MarketDataStatus`."""
        venue = self._config.venue
        who = Provenance(
            name=self._name,
            life=self._life,
            text=f"{self._config.mode}: {venue.clob_url}, {venue.binance_url}, market time x"
            f"{self._config.clock.speed}",
            snapshots=self._snapshots,
            latest_wait_ms=self._latest_wait_ms,
        )
        found = market_data_status(self._state, self._now(), who)
        for feed in found.feeds:
            if feed.age_ms is not None:
                self._age_gauge.set(feed.age_ms, tags={"feed": feed.feed})
        return encode(found)

    @ray.method
    async def stop(self) -> None:
        """Close every connection; whoever still waits for a snapshot gets a cancellation."""
        self._clock.cancel()
        for task in self._tasks:
            task.cancel()
        for future in self._answers.values():
            future.cancel()
        await self._prices.close()
        await self._books.close()
        for client in self._clients.values():
            await client.aclose()
        log_event("market_data_stopped", name=self._name, life=self._life)

    # ---- the machine --------------------------------------------------------------------------

    def deliver(self, event: Event) -> None:
        """Step, and perform what it asks."""
        self._state, effects = step(self._state, event, self._now())
        for effect in effects:
            self._perform(effect)

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
                self._start(self._publish(snapshot))
            case FollowPrices(assets=assets):
                self._prices.follow(assets)
            case FollowBooks(markets=markets, anew=anew):
                tokens = [token for pair in markets.values() for token in pair]
                self._books.follow(tokens, anew=anew)
            case Say(job=job, reason=reason, failures=failures):
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
        try:
            answer = await fetched(ask, self._clients, self._now().market_ms)
        except Malformed as error:
            answer = FetchFailed(job=ask.job, reason=str(error), malformed=True)
        if isinstance(answer, Unreachable):
            answer = FetchFailed(job=ask.job, reason=answer.reason, malformed=False)
        self.deliver(answer)

    # ---- snapshots ----------------------------------------------------------------------------

    def _expect(self, key: tuple[Asset, int]) -> asyncio.Future[Answer]:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_look_at_error)
        self._answers[key] = future
        for old in [k for k, f in self._answers.items() if f.done()][:-KEPT_ANSWERS]:
            del self._answers[old]
        return future

    async def _find_or_make(self, key: tuple[Asset, int]) -> None:
        """Serve a past point from the store; make it only if nobody ever did.

        One that is still to come is made by the clock; this looks after those that it skipped.
        """
        asset, due_ms = key
        ahead_ms = self._config.clock.wire_ms(due_ms) - wire_ms()
        if ahead_ms > 0:
            await asyncio.sleep(ahead_ms / 1_000 + CLOCK_GRACE_S)
        future = self._answers.get(key)
        if future is None or future.done():
            return
        digest = await asyncio.to_thread(self._store.winner, asset, due_ms)
        if digest is None:
            self.deliver(SnapshotAsked(asset=asset, due_ms=due_ms))
            return
        data = await asyncio.to_thread(self._store.get, digest)
        _resolve(future, (digest, data))

    async def _publish(self, snapshot: Snapshot) -> None:
        """Encode and store; the first durable one per point wins, whoever made it."""
        key = (snapshot.asset, snapshot.due_ms)
        future = self._answers.get(key) or self._expect(key)
        if future.done():
            return
        try:
            answer = await asyncio.to_thread(self._stored, snapshot)
        except Exception as error:  # noqa: BLE001 whoever waits must hear of it, whatever it is
            log_event("snapshot_failed", asset=snapshot.asset, reason=repr(error))
            self._answers.pop(key, None)
            if not future.done():
                future.set_exception(error)
            return
        self._snapshots += 1
        self._latest_wait_ms = int(wire_ms() - self._config.clock.wire_ms(snapshot.due_ms))
        _resolve(future, answer)

    def _stored(self, snapshot: Snapshot) -> Answer:
        data = encode_snapshot(snapshot)
        return self._store.put(snapshot.asset, snapshot.due_ms, data)


async def fetched(
    ask: Fetch, clients: dict[str, httpx.AsyncClient], now_ms: int
) -> Event | Unreachable:
    """Perform one fetch; raises `Malformed`."""
    match ask:
        case FetchKlines():
            return await fetch_klines(clients["binance"], ask, now_ms)
        case FetchFunding():
            return await fetch_funding(clients["binance"], ask)
        case FetchOpenInterest():
            return await fetch_open_interest(clients["binance"], ask)
        case FetchMarket():
            return await fetch_market(clients["gamma"], ask, now_ms)
        case FetchBooks():
            return await fetch_books(clients["clob"], ask)
        case _:
            assert_never(ask)


def _resolve(future: asyncio.Future[Answer] | None, answer: Answer) -> None:
    if future is not None and not future.done():
        future.set_result(answer)


def _look_at_error(future: asyncio.Future[Answer]) -> None:
    """Keep asyncio from reporting an error that was logged where it happened."""
    if not future.cancelled():
        future.exception()


MarketDataActor = ray.remote(MarketData)
