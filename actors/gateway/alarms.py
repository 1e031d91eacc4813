"""Where the gateway's alarms go: the durable store latches them, the log says them at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from actors.config import FleetConfig
from actors.gateway.events import RaiseAlarm
from actors.runtime import log_event, wire_ms
from checkpoints.alarms import Alarm, AlarmStore, Severity
from checkpoints.errors import StorageError
from checkpoints.storage import LocalStorage

WARNINGS: Final = frozenset(
    {"order_open_after_end", "fill_unconfirmed", "order_without_end", "market_unsettled"}
)
"""Reconciliation deals with these; all other kinds need a person before trading goes on."""


def alarm_sink(root: Path, config: FleetConfig) -> Callable[[RaiseAlarm], None]:
    """Return the function that makes an alarm durable; it never raises."""
    store = AlarmStore(LocalStorage(root))

    def raise_alarm(alarm: RaiseAlarm) -> None:
        wire = wire_ms()
        log_event("alarm", kind=alarm.kind, subject=alarm.subject, evidence=alarm.evidence)
        latched = Alarm(
            kind=alarm.kind,
            subject=alarm.subject,
            severity=Severity.WARNING if alarm.kind in WARNINGS else Severity.CRITICAL,
            action=alarm.action,
            evidence={"seen": alarm.evidence, "by": "gateway"},
            raised_wire_ms=int(wire),
            market_ms=config.clock.market_ms(wire),
        )
        try:
            store.raise_alarm(latched)
        except StorageError as error:
            log_event("alarm_not_stored", kind=alarm.kind, error=str(error))

    return raise_alarm
