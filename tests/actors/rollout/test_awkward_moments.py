"""A switch that lasts across an awkward moment: two incarnations, real storage, the shipped signal.

Quiesce comes before the moment, Adopt after it. Nothing may be missed, applied twice or changed on
the way, whatever turns over meanwhile.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from actors.messages import Claim, ClaimAnswer, FenceRecord, Granted, Settled
from actors.rollout import handoff_messages as said
from actors.rollout.handoff_state import LEASE_MS
from actors.slot.handoff import SlotHandoff
from actors.slot.loop import Shell, SlotLoop
from actors.slot.recovery import MemoryKind, recover
from actors.slot.requests import Requests
from actors.slot.seat import open_seat
from actors.slot.strategy import StrategyRunner
from checkpoints.journal import Journal
from checkpoints.journal_rows import JournalRow, RowKind
from checkpoints.record_set import RecordSet
from checkpoints.snapshots import SnapshotStore, encode_snapshot, snapshot_digest
from checkpoints.storage import LocalStorage
from signals.market import Asset, Outcome, Timeframe
from signals.market_time import MarketClock
from signals.params import Params, params_id
from signals.snapshot import Snapshot
from signals.strategy import load_strategy
from tests.actors.clocks import instants
from tests.actors.slot.builders import CYCLE_MS, OPEN_MS, SLOT, identity, rules
from tests.actors.slot.fakes import FakeGateway, SteadyClock
from tests.actors.slot.test_slot_loop import kill, until
from tests.signals.builders import make_snapshot

pytestmark = pytest.mark.nemesis

SPEED = 300
"""A cycle takes a second: long enough for a busy machine to decide in."""
DAY_MS = 86_400_000
MIDNIGHT_MS = OPEN_MS + DAY_MS
FUNDING_RESET_MS = OPEN_MS + 8 * 3_600_000
CLOSE_MS = OPEN_MS + 12 * CYCLE_MS
AROUND_MS = 20_000
"""Market ms between the moment and each side of the switch, at least."""
ID = "r0001-btc-5m"
STRATEGY = load_strategy("five_factor")


class MarketData:
    """Stores each snapshot as the real actor does, so that a successor can decide on it again."""

    def __init__(self, storage: LocalStorage, change: Callable[[Snapshot], Snapshot]) -> None:
        self._store = SnapshotStore(storage)
        self._change = change

    async def snapshot(self, asset: str, due_ms: int) -> tuple[str, bytes]:
        found = self._change(make_snapshot(asset=Asset(asset), due_ms=due_ms))
        data = encode_snapshot(found)
        self._store.put(Asset(asset), due_ms, data)
        return snapshot_digest(data), data


class Gateway(FakeGateway):
    """Gives a life that was fenced in its own record again, as the real one does."""

    async def claim(self, claim: Claim) -> ClaimAnswer:
        record = self.record
        if record is not None and (record.life, claim.resume_of_fence) == (claim.life, None):
            return Granted(record=record)
        return await super().claim(claim)


class World:
    def __init__(
        self, folder: Path, begin_ms: int, change: Callable[[Snapshot], Snapshot] = lambda s: s
    ) -> None:
        self.storage = LocalStorage(folder)
        self.gateway = Gateway()
        self.wire = SteadyClock()
        self.clock = MarketClock(
            speed=SPEED, anchor_wire_ms=int(self.wire.wire_ms()), anchor_market_ms=begin_ms
        )
        self._market_data = MarketData(self.storage, change)
        self.tasks: list[asyncio.Task[None]] = []

    def open(self, incarnation: int) -> SlotLoop:
        wanted = MemoryKind(strategy="five_factor", kind=STRATEGY.Memory)
        found = recover(self.storage, SLOT, wanted)
        seat = open_seat(
            who=identity(incarnation=incarnation, life=f"{incarnation}-1"),
            rules=msgspec.structs.replace(rules(), clock=self.clock, strategy="five_factor"),
            params=Params(),
            params_id=params_id(Params()),
            state=found.state,
            memory=found.memory,
        )
        requests = Requests(
            who=seat.who,
            gateway=self.gateway,
            snapshots=self._market_data,
            storage=self.storage,
            runner=StrategyRunner(STRATEGY, Timeframe.M5, RecordSet()),
            memory=wanted,
        )
        shell = Shell(
            now=instants(self.clock, self.wire.wire_ms),
            leave=lambda _: None,
            observe=lambda _before, _after: None,
        )
        loop = SlotLoop(seat, requests, shell)
        self.tasks.append(asyncio.create_task(loop.run()))
        return loop

    def now_ms(self) -> int:
        return self.clock.market_ms(self.wire.wire_ms())

    async def reach(self, market_ms: int) -> None:
        await until(lambda: self.now_ms() >= market_ms, f"market time {market_ms}")

    def fence(self, successor: SlotLoop, quiesced: said.Quiesced) -> FenceRecord:
        who = successor.seat.who
        self.gateway.incarnation = who.incarnation
        self.gateway.record = FenceRecord(
            slot=SLOT,
            fence=quiesced.fence + 1,
            incarnation=who.incarnation,
            life=who.life,
            release=who.attestation.release,
            commit="c",
            params=successor.seat.params_id,
            journal_sequence=quiesced.journal_sequence,
            outbox_sequence=quiesced.outbox_sequence,
            handoff=ID,
            checkpoint=quiesced.checkpoint,
            logical_hash=quiesced.logical_hash,
        )
        return self.gateway.record

    def rows(self, kind: RowKind) -> list[JournalRow]:
        return [row for row in Journal(self.storage, SLOT).rows_after(0).rows if row.kind is kind]


async def switch(
    world: World,
    old: SlotLoop,
    moment_ms: int,
    meanwhile: Callable[[], None] = lambda: None,
    around_ms: int = AROUND_MS,
) -> SlotLoop:
    """Hand the slot over so that the moment lies between Quiesce and Adopt."""
    given = SlotHandoff(old)
    pinned = await given.answer(said.PinBase(handoff=ID))
    assert isinstance(pinned, said.BasePinned), pinned
    new = world.open(incarnation=2)
    taken = SlotHandoff(new)
    warm = said.Warm(handoff=ID, base=pinned.digest, base_sequence=pinned.journal_sequence)
    warmed = await taken.answer(warm)
    assert isinstance(warmed, said.Warmed), warmed
    await world.reach(moment_ms - 3 * around_ms)
    quiesced = await given.answer(
        said.Quiesce(handoff=ID, expected_fence=pinned.fence, lease_ms=LEASE_MS)
    )
    assert isinstance(quiesced, said.Quiesced), quiesced
    assert world.now_ms() < moment_ms, "the machine is too slow for this test"
    meanwhile()
    await world.reach(moment_ms + around_ms)
    record = world.fence(new, quiesced)
    adopted = await taken.answer(said.Adopt(handoff=ID, record=record, delta=quiesced.delta))
    assert isinstance(adopted, said.Adopted), adopted
    assert adopted.logical_hash == quiesced.logical_hash
    return new


async def two_more_decisions(new: SlotLoop) -> None:
    wanted = new.seat.state.counts.decisions + 2
    await until(
        lambda: new.seat.state.counts.decisions >= wanted and new.seat.all_durable,
        "decisions of the successor",
    )


def assert_every_point_decided_once(world: World, new: SlotLoop) -> None:
    dues = [row.due_ms or 0 for row in world.rows(RowKind.DECISION)]
    assert dues == list(range(dues[0], dues[0] + CYCLE_MS * len(dues), CYCLE_MS))
    assert new.seat.state.counts.missed == 0


@pytest.mark.parametrize(
    "moment_ms",
    [
        pytest.param(MIDNIGHT_MS, id="UTC midnight"),
        pytest.param(FUNDING_RESET_MS, id="funding reset"),
        pytest.param(CLOSE_MS - 30_000, id="last minute before the close"),
    ],
)
def test_switch_across_the_moment_misses_nothing(tmp_path: Path, moment_ms: int) -> None:
    async def scenario() -> None:
        world = World(tmp_path, moment_ms - 4 * CYCLE_MS)
        old = world.open(incarnation=1)
        await until(lambda: old.seat.state.counts.decisions >= 2, "two decisions")
        new = await switch(world, old, moment_ms)
        await two_more_decisions(new)
        await kill(world.tasks[0])
        assert_every_point_decided_once(world, new)
        fences = {row.fence for row in world.rows(RowKind.DECISION)}
        assert fences == {1, 2}

    asyncio.run(scenario())


def test_resolution_during_the_switch_is_applied_once_by_the_successor(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = World(tmp_path, CLOSE_MS - 4 * CYCLE_MS)
        old = world.open(incarnation=1)
        await until(lambda: old.seat.state.counts.decisions >= 2, "two decisions")

        def resolve() -> None:
            sequence = world.gateway.next_sequence
            world.gateway.emit(
                Settled(sequence=sequence, condition_id="0xabc", winner=Outcome.UP, at_ms=CLOSE_MS)
            )

        new = await switch(world, old, CLOSE_MS, meanwhile=resolve)
        last = world.gateway.next_sequence - 1
        await until(lambda: new.seat.state.outbox_sequence >= last, "the resolution")
        await two_more_decisions(new)
        await kill(world.tasks[0])
        events = [row.fence for row in world.rows(RowKind.ORDER_EVENT)]
        assert events == [2]
        assert_every_point_decided_once(world, new)

    asyncio.run(scenario())


def test_tick_change_during_the_switch_reaches_the_successors_first_decision(
    tmp_path: Path,
) -> None:
    seen: list[tuple[int, int]] = []

    def finer(snapshot: Snapshot) -> Snapshot:
        tick = 1_000 if snapshot.due_ms > CLOSE_MS else 10_000
        seen.append((snapshot.due_ms, tick))
        markets = tuple(
            msgspec.structs.replace(
                market,
                up_book=market.up_book
                and msgspec.structs.replace(market.up_book, tick_micro_usd=tick),
                down_book=market.down_book
                and msgspec.structs.replace(market.down_book, tick_micro_usd=tick),
            )
            for market in snapshot.markets
        )
        return msgspec.structs.replace(snapshot, markets=markets)

    async def scenario() -> None:
        world = World(tmp_path, CLOSE_MS - 4 * CYCLE_MS, finer)
        old = world.open(incarnation=1)
        await until(lambda: old.seat.state.counts.decisions >= 2, "two decisions")
        new = await switch(world, old, CLOSE_MS)
        await two_more_decisions(new)
        await kill(world.tasks[0])
        assert {tick for _, tick in seen} == {1_000, 10_000}
        assert new.seat.state.counts.strategy_errors == 0
        assert_every_point_decided_once(world, new)

    asyncio.run(scenario())
