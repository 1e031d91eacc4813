"""Where the gateway's alarms go: the durable store latches them, the log says them at once."""

from collections.abc import Callable
from pathlib import Path

from actors.config import FleetConfig
from actors.detectors.registry import new_alarm
from actors.gateway.events import EndAlarm, RaiseAlarm
from actors.runtime import log_event, wire_ms
from checkpoints.alarms import AlarmStore
from checkpoints.errors import StorageError
from checkpoints.storage import LocalStorage


def alarm_sink(root: Path, config: FleetConfig) -> Callable[[RaiseAlarm | EndAlarm], None]:
    """Return the function that makes an alarm durable; it never raises."""
    store = AlarmStore(LocalStorage(root))

    def raise_alarm(alarm: RaiseAlarm | EndAlarm) -> None:
        if isinstance(alarm, EndAlarm):
            end_alarm(store, alarm)
            return
        wire = wire_ms()
        log_event("alarm", kind=alarm.kind, subject=alarm.subject, evidence=alarm.evidence)
        latched = new_alarm(
            alarm.kind,
            alarm.subject,
            {"seen": alarm.evidence, "by": "gateway"},
            action=alarm.action,
            wire_ms=int(wire),
            market_ms=config.clock.market_ms(wire),
            release=alarm.release,
        )
        try:
            store.raise_alarm(latched)
        except StorageError as error:
            log_event("alarm_not_stored", kind=alarm.kind, error=str(error))

    return raise_alarm


def end_alarm(store: AlarmStore, ended: EndAlarm) -> None:
    """Clear what is latched of an alarm whose cause is over; its history stays."""
    log_event("alarm_over", kind=ended.kind, subject=ended.subject, why=ended.why)
    try:
        for state in store.latched():
            if state.alarm.kind == ended.kind and ended.subject in ("", state.alarm.subject):
                store.clear(state.alarm.id, ended.why, "gateway", int(wire_ms()))
    except StorageError as error:
        log_event("alarm_not_cleared", kind=ended.kind, error=str(error))
