"""The last door of a command: what a person reads when something was not foreseen.

What storage and operating system refuse is named as it is. Anything else is a fault of midstride:
its traceback goes to a file of the state folder and one line says where.
"""

import os
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from actors.venue.keys import PrivateKeyError
from checkpoints.errors import CheckpointsError

FAULTS_KEPT: Final = 20
"""Reports kept in one folder; the oldest goes first."""


def report(arguments: Sequence[str], fault: Exception) -> str:
    """Return the line for the operator; keep the traceback of a fault that is ours."""
    _report_job(arguments, fault)
    if isinstance(fault, CheckpointsError | PrivateKeyError):
        return f"error: {fault}"
    if isinstance(fault, OSError) and fault.strerror:
        where = f"{fault.filename}: " if fault.filename else ""
        return f"error: {where}{fault.strerror}"
    kept = _keep(arguments, fault)
    where = f"The report is in {kept}." if kept else "No report could be written."
    what = f"{type(fault).__name__}: {fault}".splitlines()[0][:300]
    return (
        f"error: midstride met a fault of its own and did nothing further ({what}). {where} "
        "A fleet that runs goes on; `midstride status` shows it."
    )


def _report_job(arguments: Sequence[str], fault: Exception) -> None:
    """Say that a job died of its own code; where even this cannot be imported, its sender says."""
    try:
        from cluster.rolling_update.unstarted import report_from_job
    except (ImportError, SyntaxError):
        return
    report_from_job(arguments, fault)


def _keep(arguments: Sequence[str], fault: Exception) -> Path | None:
    text = "".join(traceback.format_exception(fault))
    for folder in _folders():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = folder / f"fault-{time.time_ns() // 1_000_000}-{os.getpid()}.txt"
            file.write_text(
                f"midstride {' '.join(arguments)}\n\n{text}",
                encoding="utf-8",
                errors="backslashreplace",
            )
            for old in sorted(folder.glob("fault-*.txt"))[:-FAULTS_KEPT]:
                old.unlink(missing_ok=True)
        except OSError:
            continue
        return file
    return None


def _folders() -> list[Path]:
    """Where a report may go: the user's state folder, else the machine's temporary folder."""
    from cluster.local.state_folder import state_folder

    folders = [Path(gettempdir()) / f"midstride-faults-{os.getuid()}"]
    try:
        folders.insert(0, state_folder(os.environ.get("MIDSTRIDE_STATE"), os.environ).logs)
    except (OSError, RuntimeError):
        return folders  # no home folder is known
    return folders
