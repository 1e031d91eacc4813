"""Where a fleet's console listens, and links that log in to it. Nothing heavy is imported here."""

from pathlib import Path
from typing import Final

import msgspec

from checkpoints.errors import DamagedError
from checkpoints.process_id import ProcessId
from checkpoints.small_file import from_json, read_file
from cluster.errors import ClusterError
from cluster.local.durable_files import write_durably
from cluster.local.state_folder import StateFolder
from cluster.web.sessions import LoginCodes

LOOPBACK: Final = "127.0.0.1"


class ConsoleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Where a fleet's console listens, and which process it is."""

    process: ProcessId
    port: int


def record_of(state: StateFolder) -> ConsoleRecord | None:
    """Return the console that runs for a fleet; None: none does."""
    file = record_file(state)
    try:
        record = from_json(read_file(file), ConsoleRecord, str(file))
    except (OSError, DamagedError):
        return None
    return record if record.process.alive else None


def new_link(state: StateFolder, port: int) -> str:
    """Return an address that logs in once."""
    code = LoginCodes(codes_folder(state)).make()
    return f"http://{LOOPBACK}:{port}/login#{code}"


def keep_record(state: StateFolder, port: int) -> None:
    """Say that this process is the fleet's console."""
    record = ConsoleRecord(process=ProcessId.own(), port=port)
    write_durably(record_file(state), msgspec.json.encode(record))


def codes_folder(state: StateFolder) -> Path:
    return state.root / "console" / "codes"


def record_file(state: StateFolder) -> Path:
    folder = state.root / "console"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ClusterError(
            f"{folder} cannot be made ({error.strerror}): free space, or name another --state"
        ) from error
    return folder / "console.json"
