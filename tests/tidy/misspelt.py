"""What mypy must refuse: each line that ends in "wrong" has an error, the others have none.

Read by `test_misspelt_fields.py`, never run.
"""

from msgspec.structs import replace

from actors.slot.events import RecoveryFailed, RowsDurable, SnapshotMissing, Ticked
from actors.slot.state import SlotState
from actors.supervisor.events import CreateFailed, SlotMissing
from actors.supervisor.events import Ticked as SupervisorTicked
from actors.undated import undated
from checkpoints.journal_rows import JournalRow
from cluster.state_folder import StateFolder


def events(named: dict[str, str]) -> None:
    undated(Ticked)
    undated(SupervisorTicked)
    undated(RecoveryFailed, reason="damaged")
    undated(RecoveryFailed, reson="damaged")  # wrong
    undated(RecoveryFailed)  # wrong
    undated(RecoveryFailed, reason=7)  # wrong
    undated(RecoveryFailed, reason="damaged", cause="damaged")  # wrong
    undated(RowsDurable, sequence=3)
    undated(RowsDurable, sequnce=3)  # wrong
    undated(SnapshotMissing, due_ms="3", cause="late")  # wrong
    undated(SlotMissing, slot="btc-5m", incarnation=1)
    undated(SlotMissing, slot="btc-5m", incarnaton=1)  # wrong
    undated(SlotMissing, **named)  # wrong
    undated(CreateFailed, slot="btc-5m", reason="no room")
    undated(CreateFailed, slot="btc-5m", reason="no room", incarnation="1")  # wrong
    undated(Ticked, market_ms=1)  # wrong
    undated(StateFolder)  # wrong
    RecoveryFailed(1, 2, reson="damaged")  # wrong


def rows(row: JournalRow, state: SlotState) -> None:
    replace(row, action="hold", due_ms=None)
    replace(row, acton="hold")  # wrong
    replace(row, due_ms="300")  # wrong
    replace(row, sequence=None)  # wrong
    replace(state, journal_sequence=3)
    replace(state, journal_sequnce=3)  # wrong


def run_record(folder: StateFolder) -> None:
    folder.update_run(launched=True)
    folder.update_run(lanched=True)  # wrong
    folder.update_run(launched="yes")  # wrong
