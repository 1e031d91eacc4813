"""`midstride try`: the command line of a tape run."""

import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from cluster.config.offline import read_offline
from cluster.pictures.page import write_page
from cluster.replay.progress import progress_bar
from cluster.terminal.console import config_option, json_option, notify, show_text
from cluster.terminal.counting import counted
from cluster.try_signal import CYCLES, Fleet, run_try, to_json, to_text
from cluster.try_signal.errors import SignalError
from cluster.try_signal.picture import to_html

CYCLES_MAX: Final = 100_000
"""Nearly a year; a tape holds less."""
PARALLEL_FROM: Final = 3 * CYCLES
"""Cycles from which a second process pays for its start."""


@click.command("try")
@click.option("--signal", help="A strategy by name [default: each slot's own].")
@click.option(
    "--tape",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of recorded prices (klines.parquet) [default: generated prices].",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a parameter; repeat for several.",
)
@click.option(
    "--cycles",
    type=click.IntRange(1, CYCLES_MAX),
    default=CYCLES,
    show_default=True,
    help="Use only this many five-minute steps, the last ones.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="Number that generated prices start from; same number, same prices.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write one self-contained page with pictures.",
)
@config_option
@json_option
def command(**words: Any) -> None:
    """Try strategies on past or generated prices in seconds.

    Slots, capital and parameters are those of the configuration, as the fleet would run them.
    """
    pairs = [change.partition("=") for change in words["changes"]]
    wrong = next((key for key, equals, _ in pairs if not equals), None)
    if wrong is not None:
        raise SignalError(f"--set {wrong}: write KEY=VALUE, e.g. --set blend.fair=0.5")
    cycles = words["cycles"]
    with progress_bar("trying") as progress:
        result = run_try(
            words["signal"],
            words["tape"],
            cycles=cycles,
            seed=words["seed"],
            overrides={key: value for key, _, value in pairs},
            fleet=_fleet(words["config"]),
            progress=progress,
            processes=len(os.sched_getaffinity(0)) if cycles >= PARALLEL_FROM else 1,
        )
    if words["html"] is not None:
        write_page(words["html"], to_html(result))
        notify(f"wrote {words['html']}")
    if words["as_json"]:
        sys.stdout.buffer.write(to_json(result) + b"\n")
        sys.stdout.flush()
    else:
        show_text(to_text(result).rstrip())


def _fleet(file: Path) -> Fleet:
    """Read the slots and parameters that a start with this file would have."""
    config, _ = read_offline(file)
    source = f"{counted(len(config.slots), 'slot')} and their parameters from {file.name}"
    return Fleet(slots=config.slots, params=config.params, source=source)
