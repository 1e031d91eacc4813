"""The switch without Ray: both incarnations' real loops, the real gateway, one process, real disk.

What is left is ours alone: quiesce row, delta and fence on the disk, hashes, the steps. The
difference to the bench on a fleet is Ray's three calls and the other processes on the cores.
``python -m tests.bench.handoff.protocol``
"""

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec

from actors.messages import (
    ClaimAnswer,
    FenceAnswer,
    FenceRequest,
    Granted,
    OpenAnswer,
    Opened,
    OpenIncarnation,
    OutboxPage,
    Refusal,
    decode,
    encode,
)
from actors.rollout.handoff_messages import (
    Adopt,
    Adopted,
    BasePinned,
    PinBase,
    Quiesce,
    Quiesced,
    Warm,
    Warmed,
)
from actors.runtime import wire_ms
from actors.slot.handoff import SlotHandoff
from actors.slot.loop import Shell, SlotLoop
from actors.slot.recovery import MemoryKind
from actors.slot.requests import Requests
from actors.slot.seat import Phase, open_seat
from actors.slot.strategy import StrategyRunner
from checkpoints.record_set import RecordSet
from checkpoints.storage import LocalStorage
from signals.market import Timeframe
from signals.params import Params, params_id
from tests.actors.clocks import instants
from tests.actors.gateway.fake_venue import Book, FakeVenue
from tests.actors.gateway.shells import configure, gateway
from tests.actors.slot.builders import RELEASE, SLOT, identity, rules
from tests.actors.slot.fakes import FakeMarketData
from tests.bench.frame import Row, bench, row_at_most, row_free, spread
from tests.bench.handoff import carrier

ROUNDS: Final = 45
WARM_ROUNDS: Final = 5
SIZES: Final = (100, 10_000)
GROWTH_AIM: Final = 1.3
PHASE_SECONDS: Final = 20.0
LEASE_MS: Final = 4_000


class Door:
    """The gateway as a slot calls it, and as the driver does, without a cluster between."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    async def claim(self, claim: Any) -> Any:
        return decode(await self._shell.claim(encode(claim)), ClaimAnswer | Refusal)  # type: ignore[arg-type]

    async def send(self, intent: Any) -> Any:
        raise AssertionError(f"the carrier trades nothing, and sent {intent}")

    async def outbox(self, *asked: Any) -> Any:
        return decode(await self._shell.outbox(*asked), OutboxPage | Refusal)  # type: ignore[arg-type]

    async def open(self, fence: int, *, vacant: bool) -> int:
        request = OpenIncarnation(
            slot=SLOT, expected_fence=fence, release=RELEASE, vacant=vacant, reason="bench"
        )
        opened: Any = decode(await self._shell.open_incarnation(encode(request)), OpenAnswer)  # type: ignore[arg-type]
        assert isinstance(opened, Opened), opened
        return opened.incarnation

    async def fence(self, request: FenceRequest) -> Any:
        return decode(await self._shell.fence(encode(request)), FenceAnswer)  # type: ignore[arg-type]


class Incarnation:
    """One loop with its handoff, running."""

    def __init__(self, root: Path, door: Door, number: int, strategy: ModuleType) -> None:
        who, kind = identity(incarnation=number, life=f"{number}-1"), strategy.Memory
        seen = {str(n): (n, n / 7, "carried") for n in range(strategy.RECORDS)}
        seat = open_seat(
            who=who,
            rules=rules(anchor_wire_ms=int(wire_ms()), offsets=(290_000,)),
            params=Params(),
            params_id=params_id(Params()),
            state=_empty_state(),
            memory=kind(seen=seen) if number == 1 else kind(),
        )
        requests = Requests(
            who=who,
            gateway=door,
            snapshots=FakeMarketData(),
            storage=LocalStorage(root),
            runner=StrategyRunner(strategy, Timeframe.M5, RecordSet()),
            memory=MemoryKind(strategy="told", kind=kind),
        )
        self.loop = SlotLoop(
            seat,
            requests,
            Shell(now=instants(seat.rules.clock, wire_ms), leave=_ignore, observe=_ignore),
        )
        self.handoff = SlotHandoff(self.loop)
        self.task = asyncio.create_task(self.loop.run())

    async def reach(self, phase: Phase) -> None:
        async with asyncio.timeout(PHASE_SECONDS):
            while self.loop.seat.phase is not phase:  # noqa: ASYNC110 a phase has no event
                await asyncio.sleep(0.005)


def _empty_state() -> Any:
    from actors.slot.state import SlotState

    return SlotState(slot=SLOT)


def _ignore(*_: object) -> None:
    pass


class Switched(msgspec.Struct, frozen=True, kw_only=True):
    took_ms: float
    """In which nobody owned the slot."""
    processor_ms: float
    """Of all threads of this process meanwhile: does not grow with the machine's load."""


async def switch(door: Door, old: Incarnation, new: Incarnation, name: str) -> Switched:
    """Hand the slot over."""
    pinned = await old.handoff.answer(PinBase(handoff=name))
    assert isinstance(pinned, BasePinned), pinned
    warm = Warm(handoff=name, base=pinned.digest, base_sequence=pinned.journal_sequence)
    warmed = await new.handoff.answer(warm)
    assert isinstance(warmed, Warmed), warmed
    began, began_cpu = time.perf_counter(), time.process_time()
    ask = Quiesce(handoff=name, expected_fence=pinned.fence, lease_ms=LEASE_MS)
    quiesced = await old.handoff.answer(ask)
    assert isinstance(quiesced, Quiesced), quiesced
    who = new.loop.seat.who
    granted = await door.fence(
        FenceRequest(
            slot=SLOT,
            expected_fence=quiesced.fence,
            handoff=name,
            incarnation=who.incarnation,
            life=who.life,
            attestation=who.attestation,
            params=warmed.params,
            checkpoint=quiesced.checkpoint,
            logical_hash=quiesced.logical_hash,
            journal_sequence=quiesced.journal_sequence,
            outbox_sequence=quiesced.outbox_sequence,
        )
    )
    assert isinstance(granted, Granted), granted
    adopted = await new.handoff.answer(
        Adopt(handoff=name, record=granted.record, delta=quiesced.delta)
    )
    took_ms = (time.perf_counter() - began) * 1000
    processor_ms = (time.process_time() - began_cpu) * 1000
    assert isinstance(adopted, Adopted), adopted
    assert adopted.logical_hash == quiesced.logical_hash
    return Switched(took_ms=took_ms, processor_ms=processor_ms)


async def _rounds(records: int, rounds: int) -> list[Switched]:
    strategy = ModuleType(carrier.NAME)
    exec(carrier.source(records), strategy.__dict__)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        configure(root)
        async with gateway(root, FakeVenue(Book())) as shell:
            door = Door(shell)
            owner = Incarnation(root, door, await door.open(0, vacant=True), strategy)
            await owner.reach(Phase.ACTIVE)
            took = []
            for number in range(rounds):
                fence = owner.loop.seat.fence
                successor = Incarnation(root, door, await door.open(fence, vacant=False), strategy)
                await successor.reach(Phase.STANDBY)
                took.append(await switch(door, owner, successor, f"r{number:04d}-{SLOT}"))
                owner.task.cancel()
                owner = successor
            owner.task.cancel()
    return took[WARM_ROUNDS:]


def measure(rounds: int = ROUNDS) -> Sequence[Row]:
    logging.getLogger("midstride").setLevel(logging.ERROR)
    found = {size: asyncio.run(_rounds(size, rounds)) for size in SIZES}
    first, last = SIZES[0], SIZES[-1]
    took = {size: spread(one.took_ms for one in ones) for size, ones in found.items()}
    processor = {size: spread(one.processor_ms for one in ones) for size, ones in found.items()}
    growth = took[last].p50 / took[first].p50
    of_processor = processor[last].p50 / processor[first].p50
    what = f"{last:,} records against {first:,}, p50"
    return (
        *(Row(what=f"switch, {s:,} records, ms", measured=str(t)) for s, t in took.items()),
        *(
            Row(what=f"its processor time, {s:,}, ms", measured=str(p))
            for s, p in processor.items()
        ),
        row_at_most(what, growth, GROWTH_AIM, "x"),
        row_free(f"{what}, processor time", of_processor, "x"),
    )


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    bench("the switch without Ray: one process, real disk", measure)
