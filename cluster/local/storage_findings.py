"""What `doctor` says of a fleet's storage: disk, journal, alarms, account, settlements."""

from collections.abc import Iterator
from typing import Final

from actors.detectors.settlement import counts_text
from actors.gateway.lock import halt_reason
from actors.supervisor.detecting import read_kept
from checkpoints.alarms import AlarmStore
from checkpoints.errors import StorageError
from checkpoints.journal_days import disk_state, journal_dataset
from checkpoints.severity import Severity
from checkpoints.storage import LocalStorage
from cluster.local.findings import Finding, fault, note, ok
from cluster.local.state_folder import StateFolder
from cluster.terminal.counting import counted

ACCOUNT_KINDS: Final = frozenset(
    {"orders_refused", "balance_low", "listing_unreadable", "odd_rows", "books_differ"}
)
"""Alarms of the gateway about the account at the venue."""


def check_storage(state: StateFolder) -> Iterator[Finding]:
    storage = LocalStorage(state.storage)
    halted = halt_reason(state.storage)
    if halted is not None:
        yield note("trading", f"HALT file: {halted}; `midstride trading resume` removes it")
    for what, check in (
        ("disk", _disk),
        ("journal", _journal),
        ("alarms", _alarms),
        ("account", _account),
        ("settlements", _settlements),
    ):
        try:
            yield check(what, storage)
        except StorageError as error:
            yield fault(what, str(error))


def _account(what: str, storage: LocalStorage) -> Finding:
    """Say what the gateway found of the account at the venue, while that lasts."""
    found = [state.alarm for state in AlarmStore(storage).latched()]
    told = [
        f"{alarm.evidence.get('seen', alarm.kind)}: {alarm.action}"
        for alarm in found
        if alarm.kind in ACCOUNT_KINDS
    ]
    return fault(what, "; ".join(told)) if told else ok(what, "the gateway has found nothing")


def _settlements(what: str, storage: LocalStorage) -> Finding:
    """Say how many of the venue's settlements agree with the recorded averages."""
    watch = read_kept(storage).watch.settlements
    text = counts_text(watch)
    return fault(what, f"{text}: `midstride alarms list`") if watch.differences else ok(what, text)


def _disk(what: str, storage: LocalStorage) -> Finding:
    found = disk_state(storage)
    free = f"{found.free_bytes / 1e9:.1f} GB free"
    return ok(what, free) if found.warning is None else fault(what, f"{free}: {found.warning}")


def _journal(what: str, storage: LocalStorage) -> Finding:
    damaged = journal_dataset(storage.root).damaged
    if damaged:
        named = "; ".join(f"{entry.name}: {entry.reason}" for entry in damaged[:3])
        return fault(what, f"{len(damaged)} damaged files, skipped by readers: {named}")
    return ok(what, "every file is whole")


def _alarms(what: str, storage: LocalStorage) -> Finding:
    latched = AlarmStore(storage).latched()
    if latched:
        named = ", ".join(entry.alarm.id for entry in latched[:5])
        if all(entry.alarm.severity is Severity.NOTICE for entry in latched):
            return note(
                what, f"{counted(len(latched), 'notice')}: {named}; `midstride alarms list`"
            )
        return fault(what, f"{len(latched)} not cleared: {named}; `midstride alarms list`")
    return ok(what, "none")
