"""The operators' journal: who did what to a fleet, when and why, and what came of it.

`operators.jsonl` in the state folder, one line each, appended and synced. A row is written before a
thing is done and another after it, so that a machine that dies in between leaves the first. A disk
that takes no line stops no halt: it is said beside what the button says.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from actors.clock import wall_ms
from checkpoints.errors import CheckpointsError
from checkpoints.small_file import UNREADABLE_JSON, read_file
from cluster.errors import ClusterError

FILE: Final = "operators.jsonl"
BYTES_MAX: Final = 16_000_000
"""Of one file; then it becomes `operators.jsonl.1`, and the one before that is removed. That is
some hundred thousand rows."""
LINE_BYTES_MAX: Final = 8_192
SESSION: Final = "console session"
"""Who pressed a button is named with it; who typed a command is not."""
_P = TypeVar("_P")


class OperatorRow(msgspec.Struct, frozen=True, kw_only=True):
    wire_ms: int
    id: str
    """Of one thing that was done: its rows have it in common."""
    who: str
    what: str
    about: str = ""
    """Which alarm, rollout or release; empty: the whole fleet."""
    why: str
    result: str = ""
    """Empty: it begins. Else what came of it, or why it was refused."""

    @property
    def pressed(self) -> bool:
        """Tell whether a button did it; else a command did."""
        return f"({SESSION} " in self.who


def who_pressed(operator: str, session: int) -> str:
    return f"{operator} ({SESSION} {session})"


class OperatorJournal:
    """Appends to and reads the journal of one state folder; several processes may append.

    Nothing is locked: a line is one short append, and a process that was stopped with a lock in its
    hand would keep a halt waiting.
    """

    def __init__(self, root: Path) -> None:
        self._file = root / FILE

    def append(self, row: OperatorRow) -> str:
        """Write one row; return what went wrong, empty where nothing did."""
        line = msgspec.json.encode(row)
        if len(line) > LINE_BYTES_MAX:
            line = msgspec.json.encode(msgspec.structs.replace(row, result="too long to keep"))
        try:
            self._roll()
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, _after_a_torn_line(descriptor) + line + b"\n")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            return f"the operators' journal took no line ({error.strerror}): free space"
        return ""

    def rows(self, limit: int) -> tuple[OperatorRow, ...]:
        """Return the newest rows, oldest first; a line that was cut short is left out."""
        found: list[OperatorRow] = []
        for file in (self._older, self._file):
            try:
                lines = read_file(file).splitlines()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise ClusterError(f"{file} cannot be read ({error.strerror})") from error
            found += [row for row in map(_row, lines[-limit:]) if row is not None]
        return tuple(found[-limit:])

    def of(self, who: str, what: str, about: str, why: str) -> "Record":
        return Record(
            self,
            OperatorRow(
                wire_ms=0, id=secrets.token_hex(6), who=who, what=what, about=about, why=why
            ),
        )

    @property
    def _older(self) -> Path:
        return self._file.with_name(f"{FILE}.1")

    def _roll(self) -> None:
        try:
            if self._file.stat().st_size > BYTES_MAX:
                self._file.replace(self._older)
        except FileNotFoundError:
            return


class Record:
    """One thing that is done: its row before and its row after."""

    def __init__(self, journal: OperatorJournal, row: OperatorRow) -> None:
        self._journal = journal
        self._row = row

    def begin(self) -> str:
        return self._append("")

    def end(self, result: str) -> str:
        return self._append(result)

    def of_call(self, call: Callable[[_P], str], argument: _P) -> str:
        """Do it between its two rows; return what it said."""
        self.begin()
        try:
            said = call(argument)
        except (ClusterError, CheckpointsError, OSError) as error:
            self.end(f"refused: {error}")
            raise
        problem = self.end(said)
        return f"{said} ({problem})" if problem else said

    def _append(self, result: str) -> str:
        return self._journal.append(
            msgspec.structs.replace(self._row, wire_ms=int(wall_ms()), result=result)
        )


def kept(
    root: Path, row: tuple[str, str, str], call: Callable[[], _P], result: Callable[[_P], str]
) -> _P:
    """Do what a command does between its two rows; `row` is who, what and why."""
    who, what, why = row
    record = OperatorJournal(root).of(who, what, "", why)
    record.begin()
    try:
        done = call()
    except (ClusterError, CheckpointsError, OSError, KeyboardInterrupt) as error:
        record.end(f"refused: {error}" if str(error) else "stopped by the operator")
        raise
    record.end(result(done))
    return done


def _after_a_torn_line(descriptor: int) -> bytes:
    """Return what keeps a new line apart from one that a power cut left without its end."""
    size = os.fstat(descriptor).st_size
    return b"" if not size or os.pread(descriptor, 1, size - 1) == b"\n" else b"\n"


def _row(line: bytes) -> OperatorRow | None:
    try:
        return msgspec.json.decode(line, type=OperatorRow)
    except UNREADABLE_JSON:
        return None
