"""Neighbours of the slots as real Ray actors: a gateway with seats, and market data."""

from pathlib import Path
from typing import Any

import msgspec
import ray

from actors.gateway.lock import CURRENT_FILE, Current
from actors.gateway.status import FenceTable
from actors.messages import (
    Claim,
    ClaimRefused,
    FenceRecord,
    Intent,
    Opened,
    OpenIncarnation,
    OpenRefused,
    OutboxPage,
    Refusal,
    Retired,
    Standby,
    decode,
    encode,
)
from checkpoints.snapshots import encode_snapshot, snapshot_digest
from checkpoints.storage import LocalStorage
from signals.market import Asset
from tests.actors.slot.fakes import FakeGateway
from tests.local_ray import TEST_ACTOR
from tests.signals.builders import make_snapshot


class FakeGatewayActor:
    """One fake gateway per slot behind the gateway's remote methods; seats are issued here."""

    def __init__(self, storage_root: str) -> None:
        self._seats: dict[str, FakeGateway] = {}
        self._issued: dict[str, int] = {}
        storage = LocalStorage(Path(storage_root))
        storage.write(CURRENT_FILE, msgspec.json.encode(Current(name="gateway/1", generation=1)))

    async def ready(self) -> bool:
        return True

    async def open_incarnation(self, data: bytes) -> bytes:
        request = decode(data, OpenIncarnation)
        seat = self._seats.get(request.slot)
        fence = 0 if seat is None or seat.record is None else seat.record.fence
        if fence != request.expected_fence:
            return encode(OpenRefused(reason="the fence moved", fence=fence))
        number = self._issued.get(request.slot, 0) + 1
        self._issued[request.slot] = number
        if seat is None:
            seat = self._seats.setdefault(request.slot, FakeGateway())
        seat.incarnation = number
        return encode(Opened(incarnation=number))

    async def claim(self, data: bytes) -> bytes:
        claim = decode(data, Claim)
        seat = self._seats.get(claim.slot)
        if seat is None:
            return encode(ClaimRefused(reason="no such seat"))
        answer: Any = await seat.claim(claim)
        assert not isinstance(answer, (Standby, Retired))
        return encode(answer)

    async def send(self, data: bytes) -> bytes:
        intent = decode(data, Intent)
        return encode(await self._seats[intent.slot].send(intent))

    async def outbox(
        self, slot: str, fence: int, after: int, acknowledged: int, wait_ms: int
    ) -> bytes:
        page: OutboxPage = await self._seats[slot].outbox(slot, fence, after, acknowledged, wait_ms)
        return encode(page)

    async def fences(self) -> bytes:
        owners: tuple[FenceRecord, ...] = tuple(
            seat.record for seat in self._seats.values() if seat.record is not None
        )
        return encode(FenceTable(owners=owners, history=()))

    async def status(self) -> bytes:
        return encode(Refusal(reason="a fake has no status"))

    async def intents(self) -> list[str]:
        return sorted(key for seat in self._seats.values() for key in seat.intents)


class FakeMarketDataActor:
    def __init__(self, storage_root: str) -> None:
        LocalStorage(Path(storage_root)).write("market-data/current", b"market-data/1")

    async def ready(self) -> bool:
        return True

    async def snapshot(self, asset: str, due_ms: int) -> tuple[str, bytes]:
        data = encode_snapshot(make_snapshot(asset=Asset(asset), due_ms=due_ms))
        return snapshot_digest(data), data

    async def status(self) -> bytes:
        return encode(Refusal(reason="a fake has no status"))


def start_neighbours(storage_root: str) -> Any:
    """Start both under the names that the fleet looks for; return the gateway's handle."""
    handles = []
    for name, kind in (("gateway/1", FakeGatewayActor), ("market-data/1", FakeMarketDataActor)):
        actor = ray.remote(kind).options(**TEST_ACTOR, name=name)
        handles.append(actor.remote(storage_root))
    ray.get([handle.ready.remote() for handle in handles], timeout=180)
    return handles[0]
