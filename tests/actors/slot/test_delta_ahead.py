"""The delta of a switch goes to the disk beside the quiesce row; the answer waits for both."""

import asyncio
import threading
from pathlib import Path

from actors.rollout.handoff_messages import PinBase, Quiesce, Quiesced
from actors.slot.handoff import SlotHandoff
from actors.slot.seat import Phase
from checkpoints.checkpoint_store import CheckpointStore
from checkpoints.record_set import RecordSet
from checkpoints.storage import LocalStorage
from tests.actors.slot.builders import SLOT
from tests.actors.slot.test_slot_loop import LIMIT_SECONDS, World, kill, until, when_quiet

LEASE_MS = 60_000


class SlowJournal(LocalStorage):
    """A disk that finishes a journal file only when it is let."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.let = threading.Event()
        self.let.set()

    def create(self, name: str, data: bytes) -> bool:
        if name.startswith("journal/"):
            assert self.let.wait(LIMIT_SECONDS)
        return super().create(name, data)


def deltas(storage: LocalStorage) -> list[str]:
    return [n for n in storage.names(f"checkpoints/{SLOT}/") if n.endswith(".delta.arrow")]


def test_delta_is_written_while_the_row_is_and_acknowledged_only_after_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path, speed=1)  # no decision comes due meanwhile
        world.storage = disk = SlowJournal(tmp_path)
        loop = world.open()
        task = asyncio.create_task(loop.run())
        await until(lambda: loop.seat.phase is Phase.ACTIVE, "the claim")
        side = SlotHandoff(loop)
        await when_quiet(side, PinBase(handoff="h"))
        disk.let.clear()
        ask = Quiesce(handoff="h", expected_fence=loop.seat.fence, lease_ms=LEASE_MS)
        answering = asyncio.create_task(side.answer(ask))
        await until(lambda: bool(deltas(disk)), "the delta")
        assert not answering.done()
        assert loop.seat.phase is Phase.QUIESCING
        disk.let.set()
        answer = await answering
        assert isinstance(answer, Quiesced), answer
        restored = CheckpointStore(disk).restore(SLOT, answer.checkpoint)
        assert restored.meta.base is None
        assert restored.meta.sequence == answer.journal_sequence
        assert RecordSet(restored.upserts).logical_hash() == answer.logical_hash
        assert loop.seat.durable_sequence == answer.journal_sequence
        await kill(task)

    asyncio.run(scenario())
