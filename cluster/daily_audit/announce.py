"""Say what an audit found: one message while all is well, an alarm that latches where it is not.

The message leaves from the audit's own process: the fleet may be what is down. What cannot be
stored, as on a full disk, is said all the same.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from actors.config import AlarmSinks, FleetConfig
from actors.detectors.registry import new_alarm
from actors.supervisor.alarm_messages import PAUSES, Message, raised
from actors.supervisor.alarm_sinks import Send, senders
from checkpoints.alarms import Alarm
from cluster.daily_audit.alarms import end_alarms, failed_alarm, store_alarm
from cluster.daily_audit.page import figures_line, headline
from cluster.daily_audit.report import DayAudit
from cluster.local.state_folder import StateFolder
from cluster.terminal.console import notify

WELL: Final = "still_well"
TRIES_MAX: Final = 12
"""Of one sink: some ten minutes. Then the silence says it, which is what the message is for."""
Deliver = Callable[[AlarmSinks, Alarm], None]


def announce(
    state: StateFolder, config: FleetConfig, audit: DayAudit, to_sinks: Deliver | None = None
) -> None:
    """Tell the sinks that the day is well, or raise the alarm that it is not."""
    to_sinks = to_sinks or deliver
    if audit.well:
        end_alarms(state, audit)
        to_sinks(config.alarms, well_message(audit))
        return
    alarm = failed_alarm(audit)
    stored = store_alarm(state, alarm)
    head = state.read_run().head
    if stored is None or head is None or not head.alive:
        to_sinks(config.alarms, stored or unstored(alarm))  # no supervisor sends it


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


def unstored(alarm: Alarm) -> Alarm:
    """Give an alarm that no store has numbered an id of its own: receivers drop a repeated key."""
    identity = f"{alarm.kind}.{alarm.subject}.{alarm.raised_wire_ms}"
    return msgspec.structs.replace(alarm, id=identity)


def deliver(sinks: AlarmSinks, alarm: Alarm) -> None:
    """Hand a message to all sinks at once, to each until it takes it or the tries are over."""
    asyncio.run(_deliver(sinks, raised(alarm)))


async def _deliver(sinks: AlarmSinks, message: Message) -> None:
    async with asyncio.TaskGroup() as group:
        for name, send in senders(sinks).items():
            group.create_task(_until_taken(name, send, message))


async def _until_taken(sink: str, send: Send, message: Message) -> None:
    why = ""
    for tries in range(1, TRIES_MAX + 1):
        await asyncio.sleep(PAUSES.wait_s(tries - 1))
        try:
            why = await send(msgspec.structs.replace(message, tries=tries))
        except Exception as error:  # noqa: BLE001 e.g. no process can be made: it is tried again
            why = type(error).__name__
        if not why:
            return
    notify(f"the {sink} did not take {message.key} in {TRIES_MAX} tries: {why}")
