"""The detectors' hands: files and journal are read in a thread, beside the supervisor's turn.

A look hashes what processes run from, reads the journal's new rows and asks the pure detectors;
only what holds, or has just ended, goes to the machine as one event. What the detectors know is
stored once a minute, so that a supervisor that restarts or takes over goes on where one was.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from actors.config import FleetConfig
from actors.detectors import watch as watching
from actors.detectors.day_counts import Counts, add_poll, add_rows
from actors.detectors.disk import DiskReleases
from actors.detectors.finding import Finding
from actors.detectors.params import ExpectedParams
from actors.detectors.snapshots import Cycles
from actors.detectors.tail import JournalTail, Positions, TailRead
from actors.detectors.uniformity import Running, judge
from actors.detectors.watch import Deployment, ParamsSet, Watch
from actors.runtime import log_event
from actors.supervisor.plans import read_planned
from actors.supervisor.shadowing import Shadows
from actors.supervisor.sightings import OnDisk, Process, Stranger, allowed, processes, running
from actors.supervisor.state import SupervisorState
from checkpoints.archive import archived_releases
from checkpoints.errors import CheckpointsError, MissingFileError
from checkpoints.journal_rows import valid_rows
from checkpoints.process_id import ProcessId
from checkpoints.storage import LocalStorage

DISK_EVERY_LOOKS: Final = 2
"""A look at the change times of one folder's files takes some ten milliseconds."""
KEEP_EVERY_LOOKS: Final = 60
KEPT_FILE: Final = "supervisor/detectors"
FAILED_KIND: Final = "detectors_failed"
FAILED_GRACE_MS: Final = 10_000
"""Wire: a file that vanished under a look is read again at the next one."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What outlives a supervisor."""

    watch: Watch
    positions: Positions
    counts: Counts = {}
    """What was looked at, day by day. Empty: the release that kept it did not count."""


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The process that looks."""

    release: str
    """What it attests."""
    life: str
    node_id: str


class Detecting:
    """One watcher's looks; used by one thread at a time."""

    def __init__(self, storage: LocalStorage, config: FleetConfig, me: Me) -> None:
        kept = read_kept(storage)
        self.watch = kept.watch
        self._storage = storage
        self._config = config
        self._me = me
        self._tail = JournalTail(storage, dict(kept.positions))
        self._cycles = Cycles(storage)
        self._disk = DiskReleases()
        self._counts = kept.counts
        self._cycles_taken = 0
        """At this look."""
        self._params = ExpectedParams(storage, config, me.release)
        self._shadows = Shadows(storage)
        self._on_disk: dict[str, OnDisk] = {}
        self._archived: frozenset[str] = frozenset()
        self._lately_ms: dict[str, int] = {}
        self._held: frozenset[str] = frozenset()
        self._looks = 0
        self._caught_up = False
        """The journal was read to its end at this look: what is not in it was not decided."""

    def poll(
        self, state: SupervisorState, strangers: tuple[Stranger, ...], wire_ms: int
    ) -> tuple[Finding, ...]:
        """Look at everything once; return what holds, and what held at the look before.

        A detector's own fault is a finding too: it must neither end the watch nor stay unsaid.
        """
        market_ms = self._config.clock.market_ms(wire_ms)
        parts: tuple[tuple[str, Callable[[], tuple[Finding, ...]]], ...] = (
            ("processes", lambda: self._check_processes(state, strangers, wire_ms)),
            ("journal", lambda: self._check_journal(state, market_ms)),
            ("deployment", lambda: self._check_deployment(state, market_ms)),
            ("shadow", lambda: self._shadows.poll(state.rollout)),
        )
        found: list[Finding] = []
        self._cycles_taken = 0
        for name, part in parts:
            found += _guarded(name, part)
        failed = [one.subject for one in found if one.kind == FAILED_KIND and one.holds]
        self._counts = add_poll(self._counts, market_ms, self._cycles_taken, failed)
        self._looks += 1
        if self._looks % KEEP_EVERY_LOOKS == 0:
            self.keep()
        held, self._held = self._held, frozenset(one.key for one in found if one.holds)
        return tuple(one for one in found if one.holds or one.key in held)

    def keep(self) -> None:
        """Store what is known, for the next supervisor."""
        kept = Kept(watch=self.watch, positions=self._tail.positions, counts=self._counts)
        try:
            self._storage.write(KEPT_FILE, msgspec.json.encode(kept))
        except CheckpointsError as error:
            log_event("detectors_not_kept", reason=str(error))

    # ---- processes ----------------------------------------------------------------------------

    def _check_processes(
        self, state: SupervisorState, strangers: tuple[Stranger, ...], wire_ms: int
    ) -> tuple[Finding, ...]:
        me = Process(subject="supervisor", life=self._me.life, node_id=self._me.node_id)
        if self._looks % DISK_EVERY_LOOKS == 0:
            self._on_disk = self._hashed(processes(state, strangers, me))
            self._archived = frozenset(archived_releases(self._storage))
        planned = read_planned(self._storage, frozenset(state.owners))
        expected, self._lately_ms = allowed(
            state, planned, self._lately_ms, self._archived, wire_ms
        )
        myself = Running(subject=me.subject, attested=self._me.release, life=me.life, shared=True)
        return judge(running(state, strangers, self._on_disk, myself), expected)

    def _hashed(self, seen: tuple[Process, ...]) -> dict[str, OnDisk]:
        """Hash each folder that processes of this machine run from, once."""
        found: dict[str, OnDisk] = {}
        releases: dict[str, str | None] = {}
        for process in seen:
            root = root_of(process) if process.node_id == self._me.node_id else None
            if root is None:
                continue
            if root not in releases:
                releases[root] = self._disk.release_at(root)
            found[process.life] = OnDisk(root=root, release=releases[root])
        return found

    # ---- journal ------------------------------------------------------------------------------

    def _check_journal(self, state: SupervisorState, market_ms: int) -> tuple[Finding, ...]:
        self._caught_up = False
        news = self._tail.read()
        self._caught_up = news.caught_up
        self.watch = watching.begin_late(self.watch, news.begun_late)
        records = [record for history in state.history.values() for record in history]
        rows = valid_rows(news.rows, records)
        for row in rows:
            self.watch = watching.apply(self.watch, row)
            self._cycles.apply(row)
        self._counts = add_rows(self._counts, rows)  # now: rows that a detector failed at are not
        upto_ms = market_ms if news.caught_up else min(market_ms, _reached_ms(news))
        for cycle in self._cycles.closed(upto_ms):
            self.watch = watching.see(self.watch, cycle)
            self._cycles_taken += 1
        self.watch = watching.tick(self.watch, upto_ms)
        return watching.findings(self.watch)

    def _check_deployment(self, state: SupervisorState, market_ms: int) -> tuple[Finding, ...]:
        found: list[Finding] = []
        if not self._caught_up:
            return ()
        for slot, owner in state.owners.items():
            watched = state.slots.get(slot)
            if watched is None:
                continue
            in_place = self.watch.params.get(slot, ParamsSet())
            deployment = Deployment(
                owner=owner,
                history=state.history.get(slot, ()),
                params=self._params.of(slot, owner.release, in_place),
                owes_from_ms=watched.owes_from_ms,
            )
            config = self._config
            found += watching.judge_deployment(
                self.watch, deployment, config.clock, config.timing, market_ms
            )
        return tuple(found)


def _reached_ms(news: TailRead) -> int:
    """Return the market time up to which every slot that is behind has been read."""
    last: dict[str, int] = {}
    for row in news.rows:
        last[row.slot] = row.market_ms
    return min(last.values(), default=0)


def _guarded(name: str, part: Callable[[], tuple[Finding, ...]]) -> tuple[Finding, ...]:
    reason = ""
    found: tuple[Finding, ...] = ()
    try:
        found = part()
    except Exception as error:  # noqa: BLE001 see `look`
        reason = f"{type(error).__name__}: {error}"
        log_event("detectors_failed", part=name, reason=reason)
    failed = Finding(
        kind=FAILED_KIND,
        subject=name,
        holds=bool(reason),
        grace_ms=FAILED_GRACE_MS,
        evidence={"reason": reason[:1000]},
    )
    return (*found, failed)


def root_of(process: Process) -> str | None:
    """Return the folder that a process works in, by the kernel; where that holds no code, its word.

    None: the process is gone.
    """
    named = ProcessId.parse(process.life)
    working = None if named is None else named.folder
    if working is None:
        return None
    if (working / "actors").is_dir():
        return str(working)
    return process.told_root or None


def read_kept(storage: LocalStorage) -> Kept:
    """Return what a supervisor left; what another version wrote is not read."""
    try:
        return msgspec.json.decode(storage.read(KEPT_FILE), type=Kept)
    except (MissingFileError, msgspec.DecodeError, UnicodeDecodeError):
        return Kept(watch=Watch(), positions={})
