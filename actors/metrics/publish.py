"""Set the figures as Ray's gauges, over and over, beside the supervisor's loop.

Ray lets go of a gauge that was not set for two of its report intervals (2 * 10 s): each figure is
set again at each round, changed or not. So what a dead process told vanishes by itself.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from ray.util.metrics import Gauge

from actors.clock import wall_ms
from actors.config import FleetConfig
from actors.metrics.audit_due import audit_due_ms
from actors.metrics.figures import Beside, Disk, figures
from actors.metrics.seen import SeenBefore, see
from actors.metrics.slots import Figure
from actors.metrics.table import METRICS
from actors.redemption.log import Book, read_book
from actors.runtime import log_event
from actors.supervisor.alarm_sinks import Latched
from actors.supervisor.state import SupervisorState
from checkpoints.audit_days import audited_days, owed_since
from checkpoints.errors import CheckpointsError
from checkpoints.journal_days import DISK_WARNING_BYTES
from checkpoints.storage import LocalStorage
from signals.market import Timeframe, decision_points

PUBLISH_SECONDS: Final = 2.0
"""Wire. Ray sends what was set each `RAY_metrics_report_interval_ms` (10 s)."""
DISK_ROUNDS: Final = 3
"""Rounds between two reads of the disk: free space, the redeemer's log, the audited days."""

Reads = Callable[[], tuple[SupervisorState, Latched, int, int]]
"""Returns the state, what is latched, wire ms and market ms."""


class FleetMetrics:
    """The gauges of one supervisor process; a fault of theirs stops nobody from watching."""

    def __init__(self, config: FleetConfig) -> None:
        self._config = config
        self._storage = LocalStorage(Path(config.storage))
        self._gauges = {row.name: _gauge(row.name) for row in METRICS.values()}
        self._seen = SeenBefore()
        self._disk = Disk()
        self._fault = ""

    async def run(self, reads: Reads) -> None:
        """Publish until cancelled."""
        rounds = 0
        while True:
            try:
                if rounds % DISK_ROUNDS == 0:
                    self._disk = await asyncio.to_thread(self._read_disk)
                self.publish(*reads())
            except Exception as error:  # noqa: BLE001 whatever it is, Prometheus sees the silence
                self._report_once(repr(error))
            rounds += 1
            await asyncio.sleep(PUBLISH_SECONDS)

    def publish(
        self, state: SupervisorState, latched: Latched, wire_ms: int, market_ms: int
    ) -> None:
        self._seen = see(self._seen, state)
        offsets = self._config.timing.decision_offsets_ms
        beside = Beside(
            unix_seconds=wall_ms() / 1_000,
            wire_ms=wire_ms,
            market_ms=market_ms,
            severities=tuple(alarm.severity for alarm in latched.alarms),
            undelivered=latched.undelivered,
            warning_bytes=DISK_WARNING_BYTES,
            next_due_ms=next(decision_points(Timeframe.M5, offsets, market_ms)).due_ms,
            disk=self._disk,
        )
        for figure in figures(state, self._seen, beside):
            self._set(figure)

    def _set(self, figure: Figure) -> None:
        row = METRICS[f"midstride_{figure.name}"]
        labels = dict(zip(row.labels, map(str, figure.labels), strict=True))
        self._gauges[row.name].set(float(figure.value), tags=labels)

    def _read_disk(self) -> Disk:
        disk = Disk()
        try:
            disk = Disk(free_bytes=self._storage.free_bytes())
            disk = replace(disk, audit_due_ms=self._read_audit_due())
        except (CheckpointsError, ValueError) as error:
            self._report_once(str(error))
        book = read_book(self._storage.root)
        if not isinstance(book, Book):
            return disk
        return replace(
            disk,
            claims=len(book.open_claims),
            claims_micro_usd=book.owed_micro_usd,
            redeemed_micro_usd=book.paid_micro_usd,
        )

    def _read_audit_due(self) -> int | None:
        return audit_due_ms(self._config, audited_days(self._storage), owed_since(self._storage))

    def _report_once(self, fault: str) -> None:
        if fault != self._fault:
            log_event("metrics_failed", reason=fault[:500])
        self._fault = fault


def _gauge(name: str) -> Gauge:
    row = METRICS[name]
    return Gauge(name, f"{row.meaning} ({row.unit})", row.labels)
