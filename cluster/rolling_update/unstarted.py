"""A release whose job died before anything began: nobody drives, nothing is undone, so it is said.

A job that refuses says why ("error: ..."); one whose code does not import, or whose process is
ended at once, says nothing that the fleet hears. Two look at it: the job itself, where its front
door could still be imported, and the operator's process that submitted it. The alarm latches by
release, so both together raise one.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from actors.detectors.registry import new_alarm
from actors.ray_job import JOB_MARK
from checkpoints.alarms import AlarmStore
from checkpoints.errors import CheckpointsError
from checkpoints.release import release_of
from checkpoints.storage import LocalStorage
from cluster.errors import JobError
from cluster.local.head import answers
from cluster.local.jobs import WORKING_TREE, submit
from cluster.local.state_folder import StateFolder
from cluster.status.dead_fleet import death_in, death_text

KIND: Final = "release_did_not_start"
REFUSED: Final = "error: "
"""How a job begins the line with its own reason."""
ROLLS: Final = ("rolling-update", "update")
ACTIVE: Final = "rollouts/active.json"
LINES_KEPT: Final = 40
EVIDENCE_MAX: Final = 1_500


def submit_roll_job(
    state: StateFolder, arguments: Sequence[str], line: Callable[[str], None], name: str = ""
) -> None:
    """Submit a roll and pass on its lines; raise `JobError`, and the alarm, if it did not begin."""
    said: deque[str] = deque(maxlen=LINES_KEPT)

    def apply(text: str) -> None:
        said.append(text)
        line(text)

    try:
        submit(state, state.read_run().ports, arguments, apply, name)
    except JobError:
        if not head_lives(state):
            raise JobError(head_gone(state)) from None
        report_unstarted(LocalStorage(state.storage), WORKING_TREE, tuple(said))
        raise


def head_lives(state: StateFolder) -> bool:
    record = state.read_run()
    return record.head is not None and record.head.alive and answers(state, record.ports)


def head_gone(state: StateFolder) -> str:
    """Say that the fleet itself is gone: no word about the tree, which nobody has run yet."""
    death = death_in(state)
    said = "its Ray head does not answer; `midstride run` starts it again"
    return f"nothing was rolled out: {said if death is None else death_text(death)}"


def report_unstarted(storage: LocalStorage, tree: Path, said: Sequence[str]) -> str:
    """Raise the alarm unless the job refused by itself or a rollout began; return its id or ''."""
    if any(line.startswith(REFUSED) for line in said) or _rolls(storage):
        return ""
    try:
        release = release_of(tree, "").release
        evidence = {"said": "\n".join(said)[-EVIDENCE_MAX:]}
        wire_ms = time.time_ns() // 1_000_000
        alarm = new_alarm(KIND, release[:12], evidence, wire_ms=wire_ms, release=release)
        return AlarmStore(storage).raise_alarm(alarm).alarm.id
    except (CheckpointsError, OSError):
        return ""  # the reason was printed; there is no storage to keep it in


def report_from_job(arguments: Sequence[str], fault: BaseException) -> str:
    """Do so for this very process, if it is a job that was to roll out."""
    if JOB_MARK not in os.environ or not arguments or arguments[0] not in ROLLS:
        return ""
    states = [word.partition("=")[2] for word in arguments if word.startswith("--state=")]
    if not states:
        return ""
    storage = LocalStorage(Path(states[0]) / "storage")
    return report_unstarted(storage, Path.cwd(), [f"{type(fault).__name__}: {fault}"])


def _rolls(storage: LocalStorage) -> bool:
    try:
        storage.read(ACTIVE)
    except CheckpointsError:
        return False
    return True
