"""Why a Ray head did not start or died: the lines of all its logs that say so."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

TAIL_BYTES: Final = 200_000
"""Of each log: a head that fails at its start says why within a few kilobytes."""
LINES_SHOWN: Final = 6
LINE_LENGTH_MAX: Final = 240
CAUSES: Final = re.compile(
    r"path length cannot exceed|[Nn]o space left|[Tt]oo many open files|[Aa]ddress already in use"
    r"|[Cc]annot allocate memory|[Oo]ut of memory|[Rr]esource temporarily unavailable"
    r"|[Pp]ermission denied|[Rr]ead-only file system|[Dd]isk quota|bus error|[Nn]ot enough"
    r"|already running at|[Ii]nvalid (?:authentication )?token|ModuleNotFoundError|ImportError"
)
"""What a machine lacks, in the words of libc, Python and Ray."""
ERRORS: Final = re.compile(
    r"^\w*(?:Error|Exception)\b: |\b(?:ERROR|FATAL|CRITICAL)\b| [EFC] \d*:|Check failed"
)
CONSEQUENCES: Final = re.compile(
    r"Timed out waiting|Remaining processes will be killed|ray_client_server|subprocesses exited"
    r"|Some Ray subprocess|raise \w|Traceback"
)
"""What follows from a cause and hides it."""
STAMP: Final = re.compile(r"^[\[(]?\d{4}-\d\d-\d\d[T ][\d:,.]+\S*\s*")


def causes(logs: Mapping[str, str]) -> list[str]:
    """Return the lines that name a cause, each with its file; errors where there is no cause."""
    for wanted in (CAUSES, ERRORS):
        found: dict[str, str] = {}
        for name, text in logs.items():
            for line in text.splitlines():
                place = wanted.search(line)
                if place is not None and not CONSEQUENCES.search(line):
                    begin = max(0, place.start() - LINE_LENGTH_MAX // 2)
                    said = STAMP.sub("", line[begin:].strip())[:LINE_LENGTH_MAX]
                    found.setdefault(said, name)
        if found:
            return [f"{name}: {said}" for said, name in list(found.items())[:LINES_SHOWN]]
    return []


def read_logs(head_log: Path, ray: Path) -> dict[str, str]:
    """Return the end of each log of the last session, the head's own output first."""
    try:
        inside = sorted((ray / "session_latest" / "logs").glob("*.*"))
    except OSError:
        inside = []
    return {file.name: _tail(file) for file in (head_log, *inside) if file.is_file()}


def _tail(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - TAIL_BYTES))
            return stream.read().decode("utf-8", errors="replace")
    except OSError as error:
        return f"unreadable: {error}"
