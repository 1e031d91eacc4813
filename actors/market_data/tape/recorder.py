"""Keep what market data saw as a tape; whatever goes wrong with it stops nothing else."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from actors.config import FleetConfig, Mode
from actors.market_data.state import MarketDataState, Now
from actors.market_data.tape.files import delete_old, write_rows
from actors.market_data.tape.first_frames import FirstFrames
from actors.market_data.tape.rows import Marks, Place, Rows, book_rows, new_rows
from actors.runtime import log_event
from checkpoints.journal_days import DISK_WARNING_BYTES
from signals.market import day_of

POLL_S: Final = 1.0
"""Wire, between two looks at the books."""
WRITE_EVERY_LOOKS: Final = 60
"""What a crash can lose; what buffers hold for longer is written by the next life."""
KEEP_DAYS: Final = 14
"""Two weeks of all eight assets: enough to replay what a release did and what came before it."""
FREE_BYTES_MIN: Final = 2 * DISK_WARNING_BYTES
"""The tape stops long before the journal is in danger."""
ROWS_MAX: Final = 200_000
"""Kept in memory while the disk takes none: half an hour of books; the oldest go first."""
CLOSE_S: Final = 10.0


def tape_folder(storage_root: str) -> Path:
    """Name the folder: beside the storage, which is copied as evidence."""
    root = Path(storage_root)
    return root.with_name(f"{root.name}-tape")


class Recorder:
    """Looks at the state once a second, and writes once a minute, in a thread."""

    def __init__(self, folder: Path, free_bytes: Callable[[Path], int] | None = None) -> None:
        self.trouble = ""
        """Why nothing is recorded now; empty: all is well."""
        self.written = 0
        """Rows, by this life."""
        self._folder = folder
        self._free_bytes = free_bytes or _free_bytes
        self._marks = Marks()
        self._waiting: Rows = {}
        self._first = FirstFrames(folder / "first")

    async def run(
        self, state: Callable[[], MarketDataState | None], now: Callable[[], Now]
    ) -> None:
        """Record until cancelled; `state` answers None while another life serves."""
        looks = 0
        while True:
            await asyncio.sleep(POLL_S)
            seen = state()
            if seen is None:
                continue
            looks += 1
            try:
                self.sample_books(seen, now().market_ms)
                self.gather(seen)
            except Exception as error:  # noqa: BLE001 a row that cannot be made ends no recording
                self._note(f"what was seen cannot be recorded: {_reason(error)}")
                continue
            if looks % WRITE_EVERY_LOOKS == 0:
                await self.write(now().market_ms)

    def sample_books(self, state: MarketDataState, market_ms: int) -> None:
        self._wait(book_rows(state, self._marks, market_ms))

    def gather(self, state: MarketDataState) -> None:
        self._wait(new_rows(state, self._marks))

    def frame(self, stream: str, frame: bytes) -> None:
        """Keep one of the first frames of its kind; a disk that takes none costs nothing else."""
        try:
            self._first.offer(stream, frame)
        except OSError as error:
            self._note(f"a first frame cannot be kept: {_reason(error)}")

    async def write(self, market_ms: int) -> None:
        """Write what waits; what cannot be written waits on, within bounds."""
        rows, self._waiting = self._waiting, {}
        try:
            self.written += await asyncio.to_thread(self._write, rows, market_ms)
        except Exception as error:  # noqa: BLE001 a tape must never stop trading
            self._waiting = _within_bounds(_together(rows, self._waiting))
            self._note(f"the tape in {self._folder} cannot be written: {_reason(error)}")
            return
        self._note("")

    async def close(self, state: MarketDataState, market_ms: int) -> None:
        self.gather(state)
        try:
            async with asyncio.timeout(CLOSE_S):
                await self.write(market_ms)
        except TimeoutError:
            log_event("tape_not_closed", folder=str(self._folder))

    def _write(self, rows: Rows, market_ms: int) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        # first: a disk that old days have filled gets room by it
        for day in delete_old(self._folder, day_of(market_ms), KEEP_DAYS):
            log_event("tape_day_deleted", day=day)
        free = self._free_bytes(self._folder)
        if free < FREE_BYTES_MIN:
            raise OSError(0, f"{free // 2**20} MB are free, {FREE_BYTES_MIN // 2**20} are needed")
        return write_rows(self._folder, rows)

    def _wait(self, rows: Rows) -> None:
        self._waiting = _within_bounds(_together(self._waiting, rows))

    def _note(self, trouble: str) -> None:
        if trouble != self.trouble:
            log_event("tape_trouble", reason=trouble or "over")
        self.trouble = trouble


def recorder_of(config: FleetConfig, storage_root: str) -> Recorder | None:
    """Record real markets only: the sandbox's are invented, or a tape already."""
    return None if config.mode is Mode.SANDBOX else Recorder(tape_folder(storage_root))


def _reason(error: Exception) -> str:
    """Say what failed; errors of the Parquet library have no text of the system's."""
    return (error.strerror if isinstance(error, OSError) else None) or repr(error)


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _together(older: Rows, newer: Rows) -> Rows:
    return {
        place: [*older.get(place, ()), *newer.get(place, ())]
        for place in dict.fromkeys((*older, *newer))
    }


def _within_bounds(rows: Rows) -> Rows:
    """Drop the oldest rows where more wait than memory is meant for; those of whole days last.

    Within an hour the longest file gives first: no asset is lost before another.
    """
    over = sum(map(len, rows.values())) - ROWS_MAX
    for place in sorted(rows, key=lambda one: (*_age(one), -len(rows[one]))) if over > 0 else ():
        dropped = min(over, len(rows[place]))
        rows[place] = rows[place][dropped:]
        over -= dropped
        if not over:
            break
    return {place: kept for place, kept in rows.items() if kept}


def _age(place: Place) -> tuple[bool, str, int]:
    return place.hour is None, place.day, place.hour or 0
