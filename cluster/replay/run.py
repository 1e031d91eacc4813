"""Run a replay: read asset by asset, decide in the releases' own processes, count what differs."""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final

import msgspec

from checkpoints.archive import archived_releases
from checkpoints.storage import LocalStorage
from cluster.audit.journal_view import ALL, JournalView, Within, read_journal
from cluster.replay.asset import AssetJob, AssetResult, AssetWork
from cluster.replay.errors import ReplayError
from cluster.replay.guests import ProcessRooms, Rooms
from cluster.replay.pool import GuestPool
from cluster.replay.recorded import (
    Recorded,
    Wanted,
    count_wanted,
    first_due_ms,
    read_slot,
    wanted_slots,
)
from cluster.replay.result import Replayed
from cluster.replay.total import Totals, total_of

PROCESSES_MAX: Final = 8
"""More than the machine has processors for would only wait."""
Progress = Callable[[int, int], None]
"""Called with decisions done and decisions in all."""


class ReplayOptions(msgspec.Struct, frozen=True, kw_only=True):
    wanted: Wanted = Wanted()
    within: Within = ALL
    """The part of the journal that is read: the wanted decisions and those before them."""
    with_release: str | None = None
    processes: int = 0
    """0: one for each processor that this process may use."""


def replay(
    storage: Path,
    options: ReplayOptions,
    rooms: Callable[[Path], Rooms] | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Replayed:
    """Make recorded decisions again; raise `ReplayError` or `StorageError` if there are none.

    `rooms`: where releases decide, given a folder for unpacked archives; by default processes.
    """
    make = rooms or (lambda folder: ProcessRooms(LocalStorage(storage), folder))
    return read_journal(
        storage,
        lambda view: _replay(view, options, make, progress),
        verify=True,
        within=options.within,
    )


def _replay(
    view: JournalView, options: ReplayOptions, rooms: Callable[[Path], Rooms], progress: Progress
) -> Replayed:
    began = time.monotonic()
    processes = options.processes or min(PROCESSES_MAX, len(os.sched_getaffinity(0)))
    with_release = _archived(view, options.with_release)
    with tempfile.TemporaryDirectory(prefix="midstride-replay-") as folder:
        pool = GuestPool(rooms(Path(folder)))
        totals = Totals(view, pool, with_release)
        totals.day = options.wanted.day
        try:
            _run(view, options, pool, _Counted(totals, progress), processes)
            pool.confirm()
        finally:
            pool.close()
    return total_of(totals, time.monotonic() - began, processes)


def _archived(view: JournalView, release: str | None) -> str | None:
    """Complete the beginning of a release id; raise `ReplayError` if it names none or several."""
    if release is None:
        return None
    known = [name for name in archived_releases(view.storage) if name.startswith(release)]
    if len(known) != 1:
        there = ", ".join(name[:12] for name in known or archived_releases(view.storage))
        what = "several archived releases begin" if known else "no archived release begins"
        raise ReplayError(f'{what} with "{release}"; known: {there or "none"}')
    return known[0]


class _Counted:
    """Adds results up as they come, from any thread, and tells the progress."""

    def __init__(self, totals: Totals, progress: Progress) -> None:
        self.totals = totals
        self._progress = progress
        self._lock = threading.Lock()
        self._done = 0
        self.all = 0

    def step(self, decisions: int) -> None:
        with self._lock:
            self._done += decisions
            self._progress(self._done, self.all)

    def add(self, result: AssetResult) -> None:
        with self._lock:
            self.totals.add(result)


def _run(
    view: JournalView, options: ReplayOptions, pool: GuestPool, counted: _Counted, processes: int
) -> None:
    wanted = options.wanted
    from_due_ms = first_due_ms(view, wanted) or 0
    assets = wanted_slots(view, wanted)
    if not assets:
        raise ReplayError(f"no recorded decision matches that day, slot and release{view.lost}")
    counted.all = count_wanted(view, wanted, from_due_ms)
    counted.totals.expected = counted.all
    counted.step(0)
    running: set[Future[AssetResult]] = set()
    with ThreadPoolExecutor(processes, thread_name_prefix="replay") as executor:
        for job in _jobs(view, options.wanted, from_due_ms, counted):
            if len(running) > processes:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                _collect(done, counted)
            running.add(executor.submit(AssetWork(view.storage, pool, counted.step).run, job))
        _collect(running, counted)


def _collect(done: set[Future[AssetResult]], counted: _Counted) -> None:
    for future in done:
        counted.add(future.result())


def _jobs(
    view: JournalView, wanted: Wanted, from_due_ms: int, counted: _Counted
) -> Iterator[AssetJob]:
    with_release = counted.totals.with_release
    for asset, slots in wanted_slots(view, wanted).items():
        history: list[Recorded] = []
        for slot in slots:
            found = read_slot(view, slot, wanted, from_due_ms)
            history += found.decisions
            for problem in found.problems:
                counted.totals.problem(problem)
        history.sort(key=lambda one: (one.due_ms, one.slot, one.sequence))
        if with_release is not None:
            yield AssetJob(
                asset=asset, release=None, with_release=with_release, history=tuple(history)
            )
            continue
        for release in sorted({one.release for one in history if one.wanted}):
            yield AssetJob(
                asset=asset, release=release, with_release=release, history=tuple(history)
            )
