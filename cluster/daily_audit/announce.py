"""Say what an audit found: one message while all is well, an alarm that latches where it is not.

The message leaves from the audit's own process: the fleet may be what is down. What cannot be
stored, as on a full disk, is said all the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from actors.config import AlarmSinks, FleetConfig
from actors.detectors.registry import new_alarm
from actors.supervisor.alarm_messages import PAUSES, Message, raised
from actors.supervisor.alarm_senders import post, run_command
from checkpoints.alarms import Alarm
from cluster.daily_audit.alarms import end_alarms, failed_alarm, store_alarm
from cluster.daily_audit.page import figures_line, headline
from cluster.daily_audit.report import DayAudit
from cluster.local.state_folder import StateFolder
from cluster.terminal.console import notify

WELL: Final = "still_well"
TRIES_MAX: Final = 12
"""Of one sink: some ten minutes. Then the silence says it, which is what the message is for."""
Send = Callable[[AlarmSinks, Alarm], None]


def announce(
    state: StateFolder, config: FleetConfig, audit: DayAudit, send: Send | None = None
) -> None:
    """Tell the sinks that the day is well, or raise the alarm that it is not."""
    send = send or deliver
    if audit.well:
        end_alarms(state, audit)
        send(config.alarms, well_message(audit))
        return
    stored = store_alarm(state, failed_alarm(audit))
    head = state.read_run().head
    if stored is None or head is None or not head.alive:
        send(config.alarms, stored or failed_alarm(audit))  # no supervisor says it


def well_message(audit: DayAudit) -> Alarm:
    """Make what the sinks get: it has the shape of an alarm, and is none that latches."""
    figures = msgspec.structs.asdict(audit.figures)
    evidence = {
        name: ", ".join(value) if isinstance(value, tuple) else str(value)
        for name, value in figures.items()
    }
    alarm = new_alarm(
        WELL,
        audit.day,
        evidence,
        action=f"{headline(audit)}. {figures_line(audit.figures)}",
        wire_ms=audit.ended_wire_ms,
    )
    return msgspec.structs.replace(alarm, id=f"{WELL}.{audit.day}")


def deliver(sinks: AlarmSinks, alarm: Alarm) -> None:
    """Hand a message to each sink until it takes it or the tries are over."""
    asyncio.run(_deliver(sinks, raised(alarm)))


async def _deliver(sinks: AlarmSinks, message: Message) -> None:
    if sinks.webhook_url or sinks.webhook_url_file:
        await _until_taken("webhook", lambda one: post(sinks, one), message)
    if sinks.command:
        command = sinks.command
        await _until_taken("command", lambda one: run_command(command, one), message)


async def _until_taken(
    sink: str, send: Callable[[Message], Awaitable[str]], message: Message
) -> None:
    refused = ""
    for tries in range(1, TRIES_MAX + 1):
        refused = await send(msgspec.structs.replace(message, tries=tries))
        if not refused:
            return
        await asyncio.sleep(PAUSES.wait_s(tries))
    notify(f"the {sink} did not take {message.key} in {TRIES_MAX} tries: {refused}")
