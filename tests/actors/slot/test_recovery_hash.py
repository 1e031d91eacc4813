"""A successor that reads its state from disk proves it by the hash in its fence record."""

import asyncio
from pathlib import Path

import msgspec

from actors.slot.events import AnyEvent, Recover, Recovered, RecoveryFailed
from actors.slot.recovery import MemoryKind, recover
from actors.slot.requests import Requests
from actors.slot.strategy import StrategyRunner
from checkpoints.record_set import RecordSet
from checkpoints.storage import LocalStorage
from signals.market import Timeframe
from tests.actors.slot.builders import SLOT, Memory, Told, granted, seat
from tests.actors.slot.fakes import FakeGateway, FakeMarketData

WANTED = MemoryKind(strategy="told", kind=Memory)


def answer(folder: Path, logical_hash: str) -> AnyEvent:
    mine = seat()
    requests = Requests(
        who=mine.who,
        gateway=FakeGateway(),
        snapshots=FakeMarketData(),
        storage=LocalStorage(folder),
        runner=StrategyRunner(Told().strategy(), Timeframe.M5, RecordSet()),
        memory=WANTED,
    )
    record = msgspec.structs.replace(granted(mine).record, logical_hash=logical_hash)
    return asyncio.run(requests.answer(Recover(record=record)))(0, 0)


def test_what_was_handed_over_is_recovered(tmp_path: Path) -> None:
    proved = recover(LocalStorage(tmp_path), SLOT, WANTED).logical_hash()
    assert isinstance(answer(tmp_path, proved), Recovered)


def test_what_differs_from_what_was_handed_over_is_refused(tmp_path: Path) -> None:
    refused = answer(tmp_path, "00" * 32)
    assert isinstance(refused, RecoveryFailed)
    assert refused.reason.startswith("hash")
