"""The slot's one writer: rows in order, flushed together, retried while the storage is ill."""

import asyncio
from collections.abc import Callable
from typing import Final

from actors.machine.pump import CAUSE
from actors.slot.events import AppendEntries
from actors.slot.naming import error_name
from actors.slot.rows import row_of
from actors.slot.seat import Identity
from checkpoints.errors import StaleWriterError, StorageError
from checkpoints.journal import Journal
from checkpoints.journal_rows import JournalRow

APPEND_RETRY_SECONDS: Final = 0.5
ROWS_WAITING_MAX: Final = 100_000
"""A storage that stays full for days fills memory up to here; then the slot ends itself."""


class RowWriter:
    """Queue of rows and the task that writes them; one flush is under way at a time."""

    def __init__(
        self,
        journal: Journal,
        who: Identity,
        on_durable: Callable[[int], None],
        on_failure: Callable[[str], None],
        on_overtaken: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._who = who
        self._on_durable = on_durable
        self._on_failure = on_failure
        self._on_overtaken = on_overtaken
        self._rows: list[JournalRow] = []
        self._cause = ""
        """Of the newest row: what its durability lets go goes back to the same event."""
        self._task: asyncio.Task[None] | None = None

    def append(self, effect: AppendEntries) -> None:
        for entry, state in zip(effect.entries, effect.states, strict=True):
            self._rows.append(row_of(self._who, effect.params, entry, state))
        self._cause = CAUSE.get()
        assert len(self._rows) <= ROWS_WAITING_MAX, "journal rows pile up; end and recover"
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while self._rows:
            fence = self._rows[0].fence
            batch = [row for row in self._rows if row.fence == fence]
            CAUSE.set(self._cause)  # of this task alone
            try:
                await asyncio.to_thread(self._journal.append, batch)
            except StaleWriterError as error:
                if not await asyncio.to_thread(self._mine, batch):
                    self._on_overtaken(str(error))
                    return
            except Exception as error:  # noqa: BLE001 rows wait, whatever the reason
                is_storage = isinstance(error, StorageError)
                self._on_failure(str(error) if is_storage else error_name(error))
                await asyncio.sleep(APPEND_RETRY_SECONDS)
                continue
            del self._rows[: len(batch)]
            self._on_durable(batch[-1].sequence)

    def _mine(self, batch: list[JournalRow]) -> bool:
        """Say whether the file that is there is this batch, written by a try that seemed to fail.

        Only a prefix may have been tried: rows that joined the retry later are still missing.
        """
        stored = self._journal.rows_after(batch[0].sequence - 1).rows
        own = [row for row in stored if (row.fence, row.life) == (batch[0].fence, self._who.life)]
        count = sum(row in own for row in batch)
        del batch[count:]
        return count > 0
