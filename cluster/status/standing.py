"""One sentence about who runs and watches a fleet, where that is not as it should be."""

from checkpoints.process_id import ProcessId
from cluster.local.state_folder import RunRecord


def standing(record: RunRecord) -> str | None:
    """Return what is unusual about the processes beside a fleet and what to do, or None."""
    if record.gave_up:
        return (
            "it died again and again and is not started any more: `midstride alarms list` says "
            "why, `midstride run` starts it"
        )
    if not _lives(record.head):
        if record.launched and _lives(record.watcher):
            return f"its Ray head is dead; the watcher (pid {_pid(record.watcher)}) starts it again"
        return None
    if not record.launched:
        return "a start was cut short: `midstride run` finishes it, `midstride stop` ends it"
    if not _lives(record.watcher):
        return "its watcher is gone, so nothing starts it again: `midstride run` brings one back"
    if record.runner is not None and not _lives(record.runner):
        return (
            f"the `run` that started it (pid {record.runner.pid}) is gone and it goes on: "
            "`midstride run` watches it, `midstride stop` ends it"
        )
    return None


def _lives(process: ProcessId | None) -> bool:
    return process is not None and process.alive


def _pid(process: ProcessId | None) -> int:
    return 0 if process is None else process.pid
