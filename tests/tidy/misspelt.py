"""What mypy must refuse: each line that ends in "wrong" has an error, the others have none.

Read by `test_misspelt_fields.py`, never run.
"""

from msgspec.structs import replace

from actors.detectors.alarm_kind import AlarmKind
from actors.detectors.finding import Finding
from actors.detectors.registry import new_alarm
from actors.gateway.draft import Draft
from actors.rollout.handoff_events import Alarm as HandoffAlarm
from actors.slot.events import RecoveryFailed, RowsDurable, SnapshotMissing, Ticked
from actors.slot.state import SlotState
from actors.supervisor.events import CreateFailed, RaiseAlarm, SlotMissing
from actors.supervisor.events import Ticked as SupervisorTicked
from actors.undated import undated
from checkpoints.journal_rows import JournalRow
from checkpoints.severity import Severity
from cluster.local.state_folder import StateFolder


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


def alarms(draft: Draft) -> None:
    new_alarm("wrong_code", "btc-5m", {}, wire_ms=1)
    new_alarm("wrong_cod", "btc-5m", {}, wire_ms=1)  # wrong
    Finding(kind="wrong_code", subject="btc-5m", holds=True, evidence={})
    Finding(kind="wrong_cod", subject="btc-5m", holds=True, evidence={})  # wrong
    draft.alarm("orphan_order", "0xab", "seen")
    draft.alarm("orphan_ordr", "0xab", "seen")  # wrong
    draft.end_alarm("balance_lo", "account", "it is enough")  # wrong
    HandoffAlarm(kind="handoff_stuk", reason="no answer")  # wrong
    RaiseAlarm(kind="slot_dead", subject="btc-5m", action="", evidence={})  # wrong
    AlarmKind(kind="new_kind", severity=Severity.CRITICAL, means="x", remedy="y")  # wrong
