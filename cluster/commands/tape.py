"""`tape check`: what a folder of recorded market data holds and lacks."""

from pathlib import Path

import click

from cluster.terminal.console import emit, json_option, show_text


@click.group("tape")
def command() -> None:
    """Look at recorded market data (docs/tape.md)."""


@command.command("check")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
def check(folder: Path, as_json: bool) -> int:  # noqa: FBT001 click
    """Say what a tape holds and lacks: gaps, repetitions, order, assets."""
    from cluster.tape.check import check_tape, time_text

    found = check_tape(folder)
    if as_json:
        emit(found, "tape")
    else:
        for one in found.held:
            span = f"{time_text(one.from_ms)} .. {time_text(one.until_ms)}"
            show_text(f"{one.asset:>5}  {one.series:<13} {one.rows:>9} rows  {span}")
        for lack in found.lacks:
            show_text(f"LACKS  {lack.asset} {lack.series}: {lack.what}")
        if not found.lacks:
            show_text("Nothing is missing, twice or out of order.")
    return 1 if found.lacks else 0
