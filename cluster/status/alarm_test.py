"""Does anybody hear? One message to each sink of the stored configuration, tried once."""

import asyncio

from actors.config import AlarmSinks, FleetConfig
from actors.runtime import CONFIG_FILE
from actors.supervisor.alarm_messages import raised
from actors.supervisor.alarm_sinks import senders
from checkpoints.alarms import Alarm
from checkpoints.errors import CheckpointsError
from checkpoints.severity import Severity
from checkpoints.small_file import from_json
from checkpoints.storage import LocalStorage
from cluster.errors import FleetError
from cluster.local.state_folder import StateFolder

KIND = "test"


def stored_sinks(folder: StateFolder) -> AlarmSinks:
    """Return what the fleet was started with; raise `FleetError`."""
    try:
        data = LocalStorage(folder.storage).read(CONFIG_FILE)
        return from_json(data, FleetConfig, CONFIG_FILE).alarms
    except CheckpointsError as error:
        raise FleetError(
            f"the configuration of the fleet in {folder.root} cannot be read ({error}): start it "
            "once, or name another folder with --state"
        ) from error


def try_sinks(sinks: AlarmSinks, who: str, wire_ms: int) -> dict[str, str]:
    """Hand each sink a message; return why it was not taken, or nothing, by the sink's name."""
    alarm = Alarm(
        id=f"{KIND}.{who}.{wire_ms}",
        kind=KIND,
        subject=who,
        severity=Severity.NOTICE,
        action="This is a test of the alarms: nothing is wrong and nothing is to be done.",
        raised_wire_ms=wire_ms,
    )

    async def send() -> dict[str, str]:
        message = raised(alarm)
        return {name: await sender(message) for name, sender in senders(sinks).items()}

    return asyncio.run(send())
