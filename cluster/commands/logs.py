"""`logs`: what the actors logged, one line an event."""

import time
from typing import Final

import click

from cluster.errors import FleetError
from cluster.local.log_files import LogLine, LogReader, concerns, show
from cluster.terminal.console import emit, json_option, notify, show_text, state_of, state_option

FOLLOW_SECONDS: Final = 0.5
"""A person reads no faster."""


@click.command("logs")
@click.argument("name", required=False)
@click.option("--follow", "-f", is_flag=True, help="Show new lines as they come, until Ctrl-C.")
@click.option(
    "--last",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="Show this many of the latest lines.",
)
@state_option
@json_option
def command(
    name: str | None,
    follow: bool,  # noqa: FBT001 click passes flags by name
    last: int,
    state: str | None,
    as_json: bool,  # noqa: FBT001 click passes flags by name
) -> None:
    """Show the log, all of it or of NAME.

    NAME is a slot, `gateway`, `market-data` or `supervisor`.
    """
    folder = state_of(state).ray / "session_latest" / "logs"
    if not folder.is_dir():
        raise FleetError(f"there are no logs in {folder}; a fleet writes them when it starts")
    reader = LogReader(folder)
    lines = reader.new_lines()
    chosen = [line for line in lines if name is None or concerns(line, name)]
    if name is not None and not chosen and not follow:
        known = ", ".join(sorted({line.actor.rpartition("/")[0] for line in lines} - {""}))
        raise FleetError(f"nothing was logged by {name}; there are lines of: {known or 'nobody'}")
    if as_json:
        emit(chosen[-last:], "lines")
        return
    _print(chosen[-last:])
    if follow:
        notify("following; Ctrl-C ends this view, not the fleet")
        _follow(reader, name)


def _follow(reader: LogReader, name: str | None) -> None:
    try:
        while True:
            time.sleep(FOLLOW_SECONDS)
            _print([one for one in reader.new_lines() if name is None or concerns(one, name)])
    except KeyboardInterrupt:
        return


def _print(lines: list[LogLine]) -> None:
    for line in lines:
        show_text(show(line))
