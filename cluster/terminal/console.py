"""What the commands share of the terminal: options, JSON on stdout, messages on stderr."""

import getpass
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec

from actors.venue.kinds import VenueKind
from actors.venue.storage_mark import kind_in
from cluster.config.load import DEFAULT_FILE
from cluster.local.environment import continue_in
from cluster.local.state_folder import StateFolder, state_folder
from cluster.terminal.plain_text import (
    ForgivingStream,
    OutputError,
    OutputStream,
    PlainConsole,
    plain,
    plain_lines,
    silence,
    wrap,
)

KINDS: Final[Mapping[VenueKind | None, str]] = {
    VenueKind.PAPER: "PAPER: orders of this fleet never left this machine",
    VenueKind.REHEARSAL: "LIVE REHEARSAL: orders of this fleet never left this machine",
    VenueKind.LIVE: "LIVE: this fleet trades real money",
}
"""Said before every answer about such a fleet."""
_SAID: Final = "midstride.kind_said"
_F = TypeVar("_F", bound=Callable[..., Any])


def state_option(function: _F) -> _F:
    """Add --state: the fleet's folder on this machine."""
    return click.option(
        "--state",
        envvar="MIDSTRIDE_STATE",
        help="Folder where this fleet keeps everything [default: midstride in "
        "~/.local/state or $XDG_STATE_HOME].",
    )(function)


def json_option(function: _F) -> _F:
    return click.option("--json", "as_json", is_flag=True, help="Write the answer as JSON.")(
        function
    )


def config_option(function: _F) -> _F:
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        default=DEFAULT_FILE,
        help="Configuration file (TOML) [default: cluster/configs/sandbox.toml].",
    )(function)


def state_of(named: str | None) -> StateFolder:
    """Return the folder of the fleet; go on in its environment where that is another one."""
    state = state_folder(named, os.environ)
    record = state.read_run()
    if record.head is not None and record.head.alive:
        continue_in(record.python)
    _notify_kind(state)
    return state


def _notify_kind(state: StateFolder) -> None:
    """Say once in a command what kind of fleet it is about, where that is not the sandbox."""
    said = KINDS.get(kind_in(state.storage))
    context = click.get_current_context(silent=True)
    known = {} if context is None else context.meta
    if said is not None and not known.get(_SAID):
        notify(said)
        known[_SAID] = True


def operator() -> str:
    """Name who acts; an account without a name is named by its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


SCHEMA: Final = 1
"""Of all documents that commands write: grows when a field goes or means something else."""


def emit(value: object, rows: str = "rows") -> None:
    """Write one JSON document to stdout: an object with ``schema``; a list stands under `rows`."""
    document = msgspec.to_builtins(value)
    named = document if isinstance(document, dict) else {rows: document}
    data = msgspec.json.encode({"schema": SCHEMA, **named})
    try:
        sys.stdout.buffer.write(msgspec.json.format(data, indent=2) + b"\n")
        sys.stdout.flush()
    except BrokenPipeError:  # a reader that has seen enough
        silence(sys.stdout)
    except OSError as error:
        silence(sys.stdout)
        raise OutputError(
            f"the output cannot be written ({error.strerror}): free space, or write elsewhere"
        ) from error


def notify(text: str) -> None:
    """Tell the operator something, on stderr; nothing in it is a command to the terminal."""
    _write(ForgivingStream(sys.stderr), plain_lines(text))


def show_text(text: str) -> None:
    """Write what was asked for, on stdout; nothing in it is a command to the terminal."""
    _write(OutputStream(sys.stdout), plain_lines(text, len(text)))


def show_line(text: str) -> None:
    """Write a line that is made to be pasted into a file: it is broken nowhere."""
    stream = OutputStream(sys.stdout)
    stream.write(f"{plain(text, len(text))}\n")
    stream.flush()


def _write(stream: ForgivingStream, text: str) -> None:
    stream.write(f"{wrap(text, stream.columns())}\n")
    stream.flush()


def screen(*, stderr: bool = False, width: int | None = None) -> PlainConsole:
    """Return the console for tables and bars; the only way that anything here makes one."""
    file = ForgivingStream(sys.stderr) if stderr else OutputStream(sys.stdout)
    return PlainConsole(file, width=width)
