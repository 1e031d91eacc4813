"""`python -m cluster try`: the command line of a tape run."""

from pathlib import Path

import click

from cluster.console import json_option
from cluster.try_signal import CYCLES, run_try, to_json, to_text
from cluster.try_signal.errors import SignalError

CYCLES_MAX = 100_000
"""Nearly a year; a tape holds less."""


@click.command("try")
@click.option("--signal", default="five_factor", show_default=True, help="A strategy by name.")
@click.option(
    "--tape",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with klines.parquet [default: a generated tape].",
)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a parameter; repeatable."
)
@click.option(
    "--cycles",
    type=click.IntRange(1, CYCLES_MAX),
    default=CYCLES,
    show_default=True,
    help="The last five-minute cycles of the tape.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@json_option
def command(  # click passes each option by name
    *,
    signal: str,
    tape: Path | None,
    changes: tuple[str, ...],
    cycles: int,
    seed: int,
    as_json: bool,
) -> None:
    """Run a strategy over a tape: decisions, trades and calibration, in seconds."""
    pairs = [change.partition("=") for change in changes]
    wrong = next((key for key, equals, _ in pairs if not equals), None)
    if wrong is not None:
        raise SignalError(f"--set {wrong}: write KEY=VALUE, e.g. --set blend.fair=0.5")
    result = run_try(
        signal,
        tape,
        cycles=cycles,
        seed=seed,
        overrides={key: value for key, _, value in pairs},
    )
    click.echo(to_json(result) if as_json else to_text(result).rstrip())
