"""Hand out snapshots: encode and store each once, answer everyone who waits for it.

The first durable snapshot of a decision point counts, whoever made it: another instance during a
handoff, or an earlier life.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from actors.runtime import log_event, wire_ms
from checkpoints.snapshots import SnapshotStore, encode_snapshot
from signals.market import Asset
from signals.market_time import MarketClock
from signals.snapshot import Snapshot

KEPT_ANSWERS: Final = 64
"""Snapshots kept in memory to answer again; older ones come from the store."""
CLOCK_GRACE_S: Final = 0.5
"""Wire. How long after its due time an asked snapshot may still come from the clock."""
LATE_WIRE_MS: Final = 500
"""Wire, from due to stored. A quiet machine needs about 30 ms for eight assets."""

Answer = tuple[str, bytes]
"""Digest and bytes."""
Key = tuple[Asset, int]
"""Asset and due time."""


class SnapshotCache:
    """Who waits for which snapshot. `make` asks the machine for one; it answers by `publish`."""

    def __init__(
        self,
        store: SnapshotStore,
        clock: MarketClock,
        make: Callable[[Asset, int], None],
        release: str = "",
    ) -> None:
        self.made = 0
        self.latest_wait_ms = 0
        """Wire ms from due to stored, of the latest decision point's slowest snapshot."""
        self._store = store
        self._clock = clock
        self._make = make
        self._release = release
        self._latest_due_ms = 0
        self._answers: dict[Key, asyncio.Future[Answer]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, asset: Asset, due_ms: int) -> Answer:
        """Wait for the snapshot that counts at a decision point; raises what storing it raised."""
        key = (asset, due_ms)
        known = self._answers.get(key)
        if known is None:
            known = self._expect(key)
            self._start(self._find_or_make(key))
        return await asyncio.shield(known)

    def publish(self, snapshot: Snapshot) -> None:
        self._start(self._publish(snapshot))

    def close(self) -> None:
        """Stop all work; whoever still waits gets a cancellation."""
        for task in self._tasks:
            task.cancel()
        for future in self._answers.values():
            future.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _expect(self, key: Key) -> asyncio.Future[Answer]:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_log_error)
        self._answers[key] = future
        for old in [k for k, f in self._answers.items() if f.done()][:-KEPT_ANSWERS]:
            del self._answers[old]
        return future

    async def _find_or_make(self, key: Key) -> None:
        """Serve a past point from the store; have it made only if nobody ever did.

        One that is still to come is made by the clock; this looks after those that it skipped.
        """
        asset, due_ms = key
        ahead_ms = self._clock.wire_ms(due_ms) - wire_ms()
        if ahead_ms > 0:
            await asyncio.sleep(ahead_ms / 1_000 + CLOCK_GRACE_S)
        future = self._answers.get(key)
        if future is None or future.done():
            return
        try:
            found = await asyncio.to_thread(self._stored_before, asset, due_ms)
        except Exception as error:  # noqa: BLE001 whoever waits must hear of it, whatever it is
            self._fail(key, error)
            return
        if found is None:
            self._make(asset, due_ms)
        else:
            _resolve(future, found)

    def _stored_before(self, asset: Asset, due_ms: int) -> Answer | None:
        digest = self._store.winner(asset, due_ms)
        return None if digest is None else (digest, self._store.get(digest))

    async def _publish(self, snapshot: Snapshot) -> None:
        key = (snapshot.asset, snapshot.due_ms)
        future = self._answers.get(key) or self._expect(key)
        if future.done():
            return
        try:
            answer = await asyncio.to_thread(self._stored, snapshot)
        except Exception as error:  # noqa: BLE001 whoever waits must hear of it, whatever it is
            self._fail(key, error)
            return
        self._note_wait(snapshot)
        _resolve(future, answer)

    def _stored(self, snapshot: Snapshot) -> Answer:
        data = encode_snapshot(snapshot, self._release)
        return self._store.put(snapshot.asset, snapshot.due_ms, data)

    def _fail(self, key: Key, error: Exception) -> None:
        """Tell whoever waits, and forget it: the next who asks tries again."""
        log_event("snapshot_failed", asset=key[0], due_ms=key[1], reason=repr(error))
        future = self._answers.pop(key, None)
        if future is not None and not future.done():
            future.set_exception(error)

    def _note_wait(self, snapshot: Snapshot) -> None:
        wait_ms = int(wire_ms() - self._clock.wire_ms(snapshot.due_ms))
        self.made += 1
        if snapshot.due_ms < self._latest_due_ms:
            return
        newer = snapshot.due_ms > self._latest_due_ms
        self.latest_wait_ms = wait_ms if newer else max(wait_ms, self.latest_wait_ms)
        self._latest_due_ms = snapshot.due_ms
        if wait_ms > LATE_WIRE_MS:
            asset, due_ms = str(snapshot.asset), snapshot.due_ms
            log_event("snapshot_late", asset=asset, due_ms=due_ms, wait_ms=wait_ms)


def _resolve(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)


def _log_error(future: asyncio.Future[Answer]) -> None:
    """Keep asyncio from reporting an error that was logged where it happened."""
    if not future.cancelled():
        future.exception()
