"""Read the slots' decisions and memory, twice a second, for the rule on bad releases.

Apart from the detectors: what decides whether a slot goes back waits for nothing else. It begins
with each slot's latest flushes, so that a supervisor that has just started knows who decided last.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from actors.detectors.tail import JournalTail
from actors.runtime import log_event
from actors.supervisor.conduct import Made, made_of
from actors.supervisor.events import DecisionsRead
from actors.supervisor.loop import SupervisorLoop
from actors.supervisor.requests import Undated
from actors.supervisor.state import SupervisorState
from actors.undated import undated
from checkpoints.errors import StorageError
from checkpoints.journal_rows import valid_rows
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage

READ_SECONDS: Final = 0.5
"""Wire, between two reads; an unchanged folder costs one look at its time."""


class DecisionReader:
    """Remembers what it read; used by one thread at a time."""

    def __init__(self, storage: LocalStorage) -> None:
        self._storage = storage
        self._tail = JournalTail(storage, {})
        self._waiting: list[Made] = []

    def read(self, state: SupervisorState, began_market_ms: int) -> Undated | None:
        """Return the new decisions as an event; None until the journal is read to its end."""
        news = self._tail.read()
        records = [record for history in state.history.values() for record in history]
        made = (made_of(row) for row in valid_rows(news.rows, records))
        self._waiting += [one for one in made if one is not None]
        if not news.caught_up:
            return None
        found, self._waiting = tuple(self._waiting), []
        return undated(
            DecisionsRead,
            made=found,
            read_to_ms=began_market_ms,
            writable=self._writable(state),
            memory_mb=_memory_of(state),
        )

    def _writable(self, state: SupervisorState) -> bool:
        """Ask the disk only where a slot says that its rows do not get there."""
        ill = any(w.status is not None and w.status.journal_failure for w in state.slots.values())
        if not ill:
            return True
        try:
            self._storage.check_writable()
        except StorageError:
            return False
        return True


def _memory_of(state: SupervisorState) -> dict[str, int]:
    lives = {w.slot: w.life for w in state.slots.values() if w.life is not None}
    found = {slot: memory_mb(life) for slot, life in lives.items()}
    return {slot: held for slot, held in found.items() if held is not None}


def memory_mb(life: str) -> int | None:
    """Return what a process of this machine holds in memory; None for another machine's."""
    process = ProcessId.parse(life)
    if process is None or not process.alive:
        return None
    try:
        pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


async def read_on(
    reader: DecisionReader, loop: SupervisorLoop, market_ms: Callable[[], int]
) -> None:
    """Read until cancelled; what cannot be read now is read at the next look."""
    while True:
        try:
            event = await asyncio.to_thread(reader.read, loop.state, market_ms())
        except Exception as error:  # noqa: BLE001 one file must not end the watch; an alarm says so
            log_event("decisions_unread", reason=f"{type(error).__name__}: {error}")
        else:
            if event is not None:
                loop.post(event)
        await asyncio.sleep(READ_SECONDS)
