"""The journal as the rule on bad releases sees it: real files, each decision once."""

from pathlib import Path
from typing import Any

import msgspec

from actors.runtime import life_id
from actors.supervisor.conduct import Outcome
from actors.supervisor.decisions import DecisionReader, memory_mb
from actors.supervisor.events import FencesRead, SlotSeen
from checkpoints.errors import StorageError
from checkpoints.journal import Journal
from checkpoints.storage import LocalStorage
from tests.actors.slot.builders import CYCLE_MS, DUE_MS
from tests.actors.supervisor.test_supervisor_releases import BAD, OLD, record
from tests.actors.supervisor.test_supervisor_step import SLOT, Watch, status
from tests.checkpoints.builders import row


def write(root: Path, sequence: int, fence: int = 1, **changes: Any) -> None:
    due_ms = DUE_MS + sequence * CYCLE_MS
    values = {"release": OLD, "due_ms": due_ms, "market_ms": due_ms, "snapshot": "s", **changes}
    Journal(LocalStorage(root), SLOT).append([row(sequence, fence=fence, **values)])


def read(reader: DecisionReader, watch: Watch) -> Any:
    event = reader.read(watch.state, watch.now_ms)
    assert event is not None
    return event(watch.now_ms, watch.now_ms)


def test_each_decision_is_read_once_and_named_for_what_it_was(tmp_path: Path) -> None:
    reader, watch = DecisionReader(LocalStorage(tmp_path)), Watch().live()
    write(tmp_path, 1)
    write(tmp_path, 2, reason="strategy_error: SystemExit")
    write(tmp_path, 3, snapshot=None, reason="stale: no snapshot: no answer")
    found = read(reader, watch)
    assert [one.outcome for one in found.made] == [
        Outcome.GOOD,
        Outcome.FAILED,
        Outcome.NO_SNAPSHOT,
    ]
    assert (found.read_to_ms, found.writable) == (watch.now_ms, True)
    assert read(reader, watch).made == ()
    write(tmp_path, 4)
    assert [one.due_ms for one in read(reader, watch).made] == [DUE_MS + 4 * CYCLE_MS]


def test_void_rows_are_no_decisions(tmp_path: Path) -> None:
    watch = Watch().live()
    bounds = msgspec.structs.replace(record(BAD, 2, None), journal_sequence=1)
    watch.apply(FencesRead, owners={SLOT: bounds}, history={SLOT: (record(OLD, 1, None), bounds)})
    write(tmp_path, 1)
    write(tmp_path, 2)
    found = read(DecisionReader(LocalStorage(tmp_path)), watch)
    assert [one.due_ms for one in found.made] == [DUE_MS + CYCLE_MS]


class Full(LocalStorage):
    def check_writable(self) -> None:
        raise StorageError("no space left")


def test_the_disk_is_asked_only_where_a_slot_cannot_write(tmp_path: Path) -> None:
    watch = Watch().live()
    assert read(DecisionReader(Full(tmp_path)), watch).writable
    ill = status(watch.now_ms, journal_failure="no space left")
    watch.apply(SlotSeen, slot=SLOT, incarnation=1, status=ill)
    assert not read(DecisionReader(Full(tmp_path)), watch).writable
    assert read(DecisionReader(LocalStorage(tmp_path)), watch).writable, "then it is the slot's"


def test_memory_is_read_of_the_very_process_that_a_life_names() -> None:
    held = memory_mb(life_id())
    assert held is not None
    assert held > 10
    pid, _, started = life_id().partition("-")
    assert memory_mb(f"{pid}-{int(started) + 1}") is None, "another process of the same number"
    assert memory_mb("7-7x") is None
