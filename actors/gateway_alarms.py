"""Where the gateway's alarms go: the durable store latches them, the log says them at once."""

from collections.abc import Callable
from pathlib import Path

from actors.config import FleetConfig
from actors.gateway_events import RaiseAlarm
from actors.runtime import log_event


def alarm_sink(root: Path, config: FleetConfig) -> Callable[[RaiseAlarm], None]:
    """Return the function that makes an alarm durable; it never raises."""
    where = f"{config.mode} {root.name}"

    def raise_alarm(alarm: RaiseAlarm) -> None:
        log_event(
            "alarm",
            kind=alarm.kind,
            subject=alarm.subject,
            action=alarm.action,
            evidence=alarm.evidence,
            where=where,
        )

    return raise_alarm
