"""Roll out the rest of a rollout that stopped or lost its driver, inside a Ray job."""

from pathlib import Path

from actors.rollout.abort import abort
from actors.rollout.ray_calls import RayCalls
from actors.rollout.record import read_active
from actors.rollout.report import Report
from actors.runtime import load_config, wire_ms
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage, Storage
from cluster.rolling_update.apply import apply
from cluster.rolling_update.planning import Notify, Request, rest_of
from cluster.terminal.console import operator


async def resume(storage_root: str, notify: Notify) -> Report:
    """End what is left of the last rollout, then go on to the same release; raise `FleetError`."""
    storage = LocalStorage(Path(storage_root))
    if read_active(storage) is not None:
        speed = load_config(storage_root).clock.speed
        await abort(storage_root, RayCalls(storage_root), speed, notify)
    release, options, rollout = rest_of(storage)
    clear_alarms_of(storage, rollout)
    request = Request(options=options, to_release=release, verb="resume")
    return await apply(storage_root, request, notify)


def clear_alarms_of(storage: Storage, rollout: str) -> None:
    """Clear what was said of this rollout: who resumes it has read that it stopped."""
    alarms = AlarmStore(storage)
    for state in alarms.latched():
        if state.alarm.subject == rollout:
            alarms.clear(state.alarm.id, "resumed", operator(), int(wire_ms()))
