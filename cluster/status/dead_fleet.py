"""A fleet that runs no more and was not stopped: what its storage tells, without any process.

An ordered stop ends each slot's journal with a row that says so. Where no slot has one, the fleet
died with whatever rested at the venue.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from actors.detectors.registry import new_alarm
from actors.slot.facts import StoppedFact
from actors.slot.rows import entry_of
from checkpoints.alarms import AlarmState
from checkpoints.errors import CheckpointsError
from checkpoints.journal import JOURNAL, FlushName, decode_rows, parse_flush_name
from checkpoints.journal_rows import JournalRow
from checkpoints.storage import LocalStorage
from cluster.audit.log_reading import read_log
from cluster.audit.problem import point_text
from cluster.local.state_folder import StateFolder

KIND: Final = "fleet_died"


class Death(msgspec.Struct, frozen=True, kw_only=True):
    last_wire_ms: int
    """Of its last row."""
    slots: int
    open_orders: int | None
    """Not known as ended when it died; None: the gateway's log cannot be read."""


def death_in(state: StateFolder) -> Death | None:
    """Return how a fleet ended that does not run; None: it runs, was stopped, or never was."""
    record = state.read_run()
    if record.head is not None and record.head.alive:
        return None
    try:
        return death_of(LocalStorage(state.storage))
    except CheckpointsError:
        return None


def death_of(storage: LocalStorage) -> Death | None:
    """Judge by the last row of each slot. Pure but for reading."""
    rows = list(last_rows(storage))
    if not rows or any(_is_stop(row) for row in rows):
        return None
    ledger = read_log(storage).ledger
    return Death(
        last_wire_ms=max(row.wire_ms for row in rows),
        slots=len(rows),
        open_orders=None if ledger is None else len(ledger.orders),
    )


def death_text(death: Death) -> str:
    """Say it in one sentence, and what to do."""
    orders = {
        None: "whether orders rest at the venue is not known: the gateway's log cannot be read",
        0: "no order was open",
    }.get(death.open_orders, f"{death.open_orders} orders were open and may rest at the venue")
    return (
        f"the fleet died at {point_text(death.last_wire_ms)} UTC and was not stopped; {orders}. "
        "`midstride run` brings its slots back and reconciles with the venue; "
        "`midstride trading halt` cancels at the venue now"
    )


def death_alarm(death: Death) -> AlarmState:
    """Return what `alarms list` shows; nobody has to clear it, a start ends it."""
    alarm = new_alarm(KIND, "fleet", {}, action=death_text(death), wire_ms=death.last_wire_ms)
    return AlarmState(alarm=replace(alarm, id=KIND), cleared=None)


def last_rows(storage: LocalStorage) -> Iterator[JournalRow]:
    """Yield the newest row of each slot."""
    for rows in newest_rows(storage):
        yield rows[-1]


def newest_rows(storage: LocalStorage) -> Iterator[Sequence[JournalRow]]:
    """Yield the rows of each slot's newest flush; a closed day needs none."""
    newest: dict[str, FlushName] = {}
    for day in storage.folders(JOURNAL):
        for name in storage.names(f"{JOURNAL}/{day}/"):
            flush = parse_flush_name(name)
            if flush is not None:
                before = newest.get(flush.slot, flush)
                newest[flush.slot] = max(before, flush, key=lambda one: (one.fence, one.first))
    for flush in newest.values():
        rows = decode_rows(storage.read(flush.name))
        if not isinstance(rows, str):
            yield rows


def _is_stop(row: JournalRow) -> bool:
    try:
        return isinstance(entry_of(row).fact, StoppedFact)
    except msgspec.DecodeError:
        return False
