"""An invented version 2 of state and memory, both ways: read what is older, hand over to it."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from actors.rollout.handoff_messages import BasePinned, PinBase, Quiesce, Quiesced
from actors.runtime import wire_ms
from actors.slot.checkpoints import Taken
from actors.slot.downgrade import Downgrade
from actors.slot.facts import RecordChange
from actors.slot.handoff import SlotHandoff
from actors.slot.loop import Shell, SlotLoop
from actors.slot.recovery import Folded, MemoryKind, _memory, recover
from actors.slot.requests import Requests
from actors.slot.seat import Phase, open_seat
from actors.slot.shadow import Follower
from actors.slot.state import SlotState
from actors.slot.strategy import StrategyRunner
from actors.slot.successor import Prover, WarmError
from actors.slot.versions import Schemas, Versions, schemas_of, versions_of_release
from checkpoints.archive import archive_release
from checkpoints.checkpoint_store import CheckpointStore
from checkpoints.codec import CheckpointKind, CheckpointMeta
from checkpoints.errors import NewerSchemaError, UpgradePathError
from checkpoints.record_set import Delta, RecordSet, logical_hash_of
from checkpoints.records import Records, records_of
from checkpoints.storage import LocalStorage
from checkpoints.upgrades import MEMORY_PREFIX, Added, Row, Step, UpgradeChain, memory_chain
from signals.market import Timeframe
from signals.params import Params, params_id
from signals.units import MicroUsd
from tests.actors.clocks import instants
from tests.actors.slot.builders import SLOT, Memory, Told, identity, rules
from tests.actors.slot.fakes import FakeGateway, FakeMarketData
from tests.actors.slot.test_slot_loop import SPEED, until, when_quiet
from tests.checkpoints.builders import meta as checkpoint_meta


def head_up(row: Row) -> Iterable[Row]:
    """Version 2: the head has a regime, and what was set is called params_set."""
    segment, key, value = row
    if segment == "head":
        value = {**value, "regime": None}
    yield "params_set" if segment == "settings" else segment, key, value


def head_down(row: Row) -> Iterable[Row]:
    segment, key, value = row
    if segment == "head":
        value = {name: item for name, item in value.items() if name != "regime"}
    yield "settings" if segment == "params_set" else segment, key, value


def seen_up(row: Row) -> Iterable[Row]:
    """Version 2 of the memory: what was seen is counted in tens less."""
    segment, key, value = row
    yield (segment, key, value - 10) if segment == "seen" else row


def seen_down(row: Row) -> Iterable[Row]:
    segment, key, value = row
    yield (segment, key, value + 10) if segment == "seen" else row


STEP = Step(
    up=head_up,
    down=head_down,
    added=(Added(segment="head", field="regime", initial=None),),
)
WORDS = Schemas(
    state=UpgradeChain(name="slot state", steps=(STEP,)),
    memory=memory_chain("told", 2, [(seen_up, seen_down)]),
)
OLD, NEW = Versions(state=1, memory=1), Versions(state=2, memory=2)
WANTED = MemoryKind(strategy="told", kind=Memory, words=WORDS)
STATE = SlotState(slot=SLOT, journal_sequence=10, fence=3, params_set={"edge": 0.02})
MEMORY = Memory(calls=4, seen={"a": 5})


def records(state: SlotState = STATE, memory: Memory = MEMORY) -> Records:
    return {**records_of(state), **records_of(memory, MEMORY_PREFIX)}


def old_meta(rows: Records, **changes: Any) -> CheckpointMeta:
    fields = {"strategy": "told", "memory_version": 1, "schema_version": 1}
    return checkpoint_meta(logical_hash=logical_hash_of(rows), **{**fields, **changes})


def save_old(storage: LocalStorage) -> tuple[str, Records]:
    """Store what an older release would have: the same state, in its words."""
    rows = WORDS.convert(records(), NEW, OLD)
    assert ("settings", "edge") in rows
    assert rows[("memory.seen", "a")] == b"15"
    return CheckpointStore(storage).save(SLOT, old_meta(rows), rows), rows


def requests(storage: LocalStorage) -> Requests:
    return Requests(
        who=identity(),
        gateway=FakeGateway(),
        snapshots=FakeMarketData(),
        storage=storage,
        runner=StrategyRunner(Told().strategy(), Timeframe.M5, RecordSet()),
        memory=WANTED,
    )


# ---- up ---------------------------------------------------------------------------------------


def test_a_restart_reads_an_older_checkpoint_and_knows_what_was_handed_over(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    _, rows = save_old(storage)
    found = recover(storage, SLOT, WANTED)
    assert (found.state, found.memory) == (STATE, MEMORY)
    assert found.damaged == ()
    assert found.reads_as(logical_hash_of(rows)), "the owner's hash is of the older words"
    assert found.reads_as(logical_hash_of(records()))
    assert not found.reads_as("00" * 32)


def test_a_successor_restores_the_older_base_and_every_change_since(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    digest, rows = save_old(storage)
    base = Prover(requests(storage)).restore(digest)
    assert (base.state, base.memory) == (STATE, MEMORY)
    assert base.logical_hash == logical_hash_of(rows)

    state = msgspec.structs.replace(STATE, journal_sequence=12, params_set={"late": 1})
    memory = Memory(calls=6, seen={"a": 5, "b": 7})
    after = WORDS.convert(records(state, memory), NEW, OLD)
    gone = tuple(key for key in rows if key not in after)
    changed = {key: value for key, value in after.items() if rows.get(key) != value}
    assert gone == (("settings", "edge"),)
    adopted = base.with_delta(Delta(upserts=changed, deletes=gone))
    assert (adopted.state, adopted.memory) == (state, memory)
    assert adopted.logical_hash == logical_hash_of(after)
    assert adopted.own_hash() == logical_hash_of(records(state, memory))


def test_a_change_that_does_not_read_back_is_refused(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    digest, rows = save_old(storage)
    base = Prover(requests(storage)).restore(digest)
    lossy = Step(up=lambda row: [(*row[:2], {}) if row[0] == "x" else row], down=head_down)
    words = msgspec.structs.replace(WORDS, state=UpgradeChain(name="slot state", steps=(lossy,)))
    broken = msgspec.structs.replace(base, words=words)
    with pytest.raises(WarmError, match="hash"):
        broken.with_delta(Delta(upserts={("x", "k"): b'{"lost":1}'}))
    assert rows


def test_a_step_that_loses_something_is_refused_at_warm(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    digest, _ = save_old(storage)
    lossy = memory_chain("told", 2, [(lambda row: [(*row[:2], 0)], lambda row: [row])])
    asked = requests(storage)
    memory = msgspec.structs.replace(WANTED, words=msgspec.structs.replace(WORDS, memory=lossy))
    with pytest.raises(UpgradePathError):
        Prover(msgspec.structs.replace(asked, memory=memory)).restore(digest)


def test_a_shadow_knows_the_owners_states_by_their_older_hash() -> None:
    follower = Follower(STATE, MEMORY, WORDS, OLD)
    old = WORDS.convert(records(), NEW, OLD)
    assert follower.knows_state(logical_hash_of(old))
    assert not follower.knows_state(logical_hash_of(records()))
    assert follower.memory == MEMORY


def test_a_shadow_of_another_strategy_follows_the_owners_states_and_begins_with_nothing() -> None:
    owners = {**records_of(STATE), **(foreign := {("memory.head", "0"): b'{"bought":7}'})}
    follower = Follower(STATE, Memory(), WORDS, NEW, foreign)
    assert follower.knows_state(logical_hash_of(owners))
    assert not follower.knows_state(logical_hash_of(records()))
    assert follower.memory == Memory()


def test_rows_of_either_version_build_one_memory() -> None:
    def change(key: str, value: bytes | None) -> RecordChange:
        return RecordChange(segment="memory.seen", key=key, value=value)

    folded = Folded(
        state=STATE,
        changes=(change("b", b"17"), change("a", None), change("c", b"1"), change("d", b"12")),
        changed_under=(1, 1, 2, 1),
        strategy="told",
        changed_strategy=False,
    )
    stored = WORDS.convert(records(), NEW, OLD)
    built = _memory(WANTED, stored, 1, folded)
    assert built == Memory(calls=4, seen={"b": 7, "c": 1, "d": 2})


# ---- down -------------------------------------------------------------------------------------


def test_an_older_release_is_handed_what_it_could_have_written_itself(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    state = msgspec.structs.replace(STATE, regime="crowded")
    meta = old_meta(records(state), schema_version=2, memory_version=2)
    older = Downgrade(WORDS, OLD, Taken(meta=meta, records=records(state)))
    digest = CheckpointStore(storage).save(SLOT, older.base.meta, older.base.records)
    assert older.base.records == WORDS.convert(records(state), NEW, OLD)

    later = msgspec.structs.replace(state, cash_micro_usd=MicroUsd(7), params_set={})
    live = RecordSet(records(state))
    mark = live.mark()
    live.apply_struct(later)
    live.apply_struct(Memory(calls=5, seen={"b": 1}), MEMORY_PREFIX)
    said, delta = older.change(meta, live.changes_since(mark))
    sent = msgspec.structs.replace(
        said, kind=CheckpointKind.DELTA, base=digest, base_sequence=10, handoff="h"
    )
    store = CheckpointStore(storage)
    changed = store.save(SLOT, sent, delta)
    restored = store.restore(SLOT, changed)
    assert restored.upserts == WORDS.convert(live.records(), NEW, OLD)
    assert older.change(meta, live.changes_since(mark)) == (said, delta), "asked twice, the same"


def test_words_of_a_newer_release_are_refused_by_name(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    meta = old_meta(records(), schema_version=2, memory_version=2)
    store = CheckpointStore(storage, 2)
    digest = store.save(SLOT, meta, records())
    assert store.restore(SLOT, digest).upserts == records()
    with pytest.raises(NewerSchemaError):
        CheckpointStore(storage).restore(SLOT, digest)


def test_an_owner_pins_and_quiesces_in_the_successors_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    monkeypatch.setattr("actors.slot.handoff.versions_of_release", lambda *_: OLD)
    asked = requests(storage)
    mine = msgspec.structs.replace(rules(SPEED, int(wire_ms())), state_version=2, memory_version=2)
    seat = open_seat(
        who=asked.who,
        rules=mine,
        params=Params(),
        params_id=params_id(Params()),
        state=SlotState(slot=SLOT),
        memory=Memory(),
    )
    shell = Shell(
        now=instants(mine.clock, wire_ms),
        leave=lambda _: None,
        observe=lambda _before, _after: None,
    )

    async def play() -> tuple[BasePinned, Quiesced]:
        loop = SlotLoop(seat, asked, shell)
        running = asyncio.create_task(loop.run())
        await until(lambda: loop.seat.state.counts.decisions >= 1, "a decision")
        side = SlotHandoff(loop)
        pinned = await when_quiet(side, PinBase(handoff="h", release="older"))
        assert isinstance(pinned, BasePinned), pinned
        await until(lambda: loop.seat.state.counts.decisions >= 2, "a decision more")
        await until(lambda: loop.seat.phase is Phase.ACTIVE and not loop.seat.pending, "quiet")
        ask = Quiesce(handoff="h", expected_fence=pinned.fence, lease_ms=60_000)
        answer = await when_quiet(side, ask)
        assert isinstance(answer, Quiesced), answer
        running.cancel()
        return pinned, answer

    pinned, quiesced = asyncio.run(play())
    store = CheckpointStore(storage)
    base, sent = store.restore(SLOT, pinned.digest), store.restore(SLOT, quiesced.checkpoint)
    assert (base.meta.schema_version, base.meta.memory_version) == (1, 1)
    assert logical_hash_of(sent.upserts) == quiesced.logical_hash
    assert b"regime" not in sent.upserts[("head", "")]
    back = Prover(asked).restore(quiesced.checkpoint)
    assert back.state.counts.decisions >= 2


# ---- what a release knows ---------------------------------------------------------------------


def test_a_releases_versions_are_read_from_its_archive_without_running_it(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for package in ("signals/strategies", "checkpoints", "actors", "cluster"):
        (tree / package).mkdir(parents=True)
        (tree / package / "__init__.py").write_text("")
    strategy = "raise SystemExit\nMEMORY_VERSION: int = 3\n"
    (tree / "signals/strategies/mine.py").write_text(strategy)
    storage = LocalStorage(tmp_path / "storage")
    release = archive_release(storage, tree, "c").release
    assert versions_of_release(storage, release, "mine") == Versions(state=1, memory=3)
    assert versions_of_release(storage, release, "absent") == Versions(state=1, memory=1)
    assert versions_of_release(storage, "00" * 32, "mine") is None
    (tree / "signals/strategies/mine.py").write_text("def broken(:\n")
    broken = archive_release(storage, tree, "c").release
    assert versions_of_release(storage, broken, "mine") is None, "its own start says why"


def test_a_strategy_that_raised_its_version_without_a_step_cannot_start() -> None:
    strategy: Any = SimpleNamespace(MEMORY_VERSION=2, Memory=Memory, decide=None)
    with pytest.raises(UpgradePathError, match="MEMORY_UPGRADES"):
        schemas_of("mine", strategy)
    strategy.MEMORY_UPGRADES = ((seen_up, seen_down),)
    assert schemas_of("mine", strategy).own == Versions(state=1, memory=2)
