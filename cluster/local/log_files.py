"""What the actors logged, read from the files that Ray keeps of its workers.

Each actor writes one JSON line an event, with ``time``, ``actor`` and ``release``; other lines of a
worker, such as a traceback, are kept with the actor that the file names before them.
"""

import contextlib
import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

ACTOR_LINE: Final = re.compile(r"^:actor_name:\w+\((?P<actor>[^ )]+)")
"""Ray names the actor of a worker before its first line, by its ``repr``."""
FIRST_FIELDS: Final = ("time", "actor", "release", "event")
READ_MAX: Final = 8 * 1024 * 1024
"""Bytes read of one file's end; an actor logs some hundred lines an hour."""
TEXT_MAX: Final = 2_000
"""Characters of one line that are shown."""


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    time: str
    """UTC in ISO form; of a line without its own time that of the event before it."""
    actor: str
    release: str = ""
    event: str = ""
    fields: dict[str, Any] = {}
    text: str = ""
    """Of a line that is no event."""


class LogReader:
    """Reads what is new in the workers' files of one Ray session folder."""

    def __init__(self, session_logs: Path) -> None:
        self._folder = session_logs
        self._offsets: dict[Path, int] = {}
        self._last: dict[Path, LogLine] = {}

    def new_lines(self) -> list[LogLine]:
        """Return the lines that were written since the last call, in order of time."""
        lines = [line for file in self._files() for line in self._read(file)]
        return sorted(lines, key=lambda line: line.time)

    def _files(self) -> Iterable[Path]:
        return sorted(self._folder.glob("worker-*.err"))

    def _read(self, file: Path) -> Iterator[LogLine]:
        try:
            size = file.stat().st_size
            start = self._offsets.get(file, max(0, size - READ_MAX))
            with file.open("rb") as opened:
                opened.seek(start)
                data = opened.read(READ_MAX)
        except OSError:
            return  # Ray rotates and removes files of its own
        whole = data.rfind(b"\n") + 1
        self._offsets[file] = start + whole
        for text in data[:whole].decode("utf-8", "replace").splitlines():
            line = parse_line(text, self._last.get(file))
            if line is not None:
                self._last[file] = line
                if line.event or line.text:
                    yield line


def parse_line(text: str, before: LogLine | None) -> LogLine | None:
    """Read one line of a worker's file; None for one that belongs to no actor of ours."""
    named = ACTOR_LINE.match(text)
    if named is not None:
        return LogLine(time="" if before is None else before.time, actor=named["actor"])
    event = _event_of(text)
    if event is not None:
        fields = {key: value for key, value in event.items() if key not in FIRST_FIELDS}
        words = {key: str(event.get(key, "")) for key in FIRST_FIELDS}
        if not words["actor"] and before is not None:
            words["actor"] = before.actor
        return LogLine(fields=fields, **words)
    if before is None or not text.strip():
        return None
    return LogLine(time=before.time, actor=before.actor, release=before.release, text=text)


def _event_of(text: str) -> Mapping[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        decoded = json.loads(text)
    except ValueError:
        return None
    return decoded if isinstance(decoded, dict) and "event" in decoded else None


def concerns(line: LogLine, name: str) -> bool:
    """Say whether a line is of or about a slot or actor; ``btc-5m`` names all its incarnations."""
    actor = line.actor
    return name in {actor, actor.rpartition("/")[0], line.fields.get("slot")}


def show(line: LogLine) -> str:
    """Write one line for people: time, actor, release, event and its fields; one line of text."""
    moment = line.time
    with contextlib.suppress(ValueError):  # a line from before the first event has no time
        moment = dt.datetime.fromisoformat(line.time).strftime("%m-%d %H:%M:%S.%f")[:-3]
    if not line.event:
        return f"{moment:<18} {line.actor:<14} | {_plain(line.text)}"
    fields = " ".join(f"{key}={_plain(str(value))}" for key, value in line.fields.items())
    return f"{moment:<18} {line.actor:<14} {line.release[:6]:<6} {line.event} {fields}".rstrip()


def _plain(text: str) -> str:
    """Make foreign text safe for a terminal: control characters are written as escapes."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text[:TEXT_MAX]
    )
