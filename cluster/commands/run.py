"""`run`: everything on this machine with one command; the Makefile's `run`."""

from pathlib import Path

import click

from cluster.local.run import RunOptions, run
from cluster.local.sandbox_process import SandboxOptions
from cluster.local.state_folder import HeadPorts
from cluster.terminal.console import config_option, screen, state_of, state_option

SPEED_MAX = 3_600


@click.command("run")
@config_option
@state_option
@click.option("--for", "seconds", type=click.FloatRange(1), help="End after this many seconds.")
@click.option(
    "--tape",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of recorded market data; without it prices are generated.",
)
@click.option(
    "--speed",
    type=click.IntRange(1, SPEED_MAX),
    default=30,
    show_default=True,
    help="How many times faster than real time.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Number that generated prices start from; same number, same prices.",
)
@click.option(
    "--wall-clock", is_flag=True, help="Use the real time of day, as the venue does (--speed 1)."
)
@click.option("--fresh", is_flag=True, help="Delete what earlier runs stored and begin anew.")
@click.option(
    "--detach", is_flag=True, help="Do not watch; the fleet runs on until `midstride stop`."
)
@click.option(
    "--head-port",
    type=click.IntRange(1_024, 65_532),
    help="First of four consecutive ports for Ray.",
)
def command(  # noqa: PLR0913, PLR0917 each option is a flag of the command line
    config: Path,
    state: str | None,
    seconds: float | None,
    tape: Path | None,
    speed: int,
    seed: int,
    wall_clock: bool,  # noqa: FBT001 click passes flags by name
    fresh: bool,  # noqa: FBT001 click passes flags by name
    detach: bool,  # noqa: FBT001 click passes flags by name
    head_port: int | None,
) -> None:
    """Start a fleet on a simulated exchange and watch it.

    No real money is used. Ctrl-C stops: open orders are cancelled and every slot is saved.
    """
    if wall_clock and speed != 1:
        raise click.UsageError("--wall-clock needs --speed 1")
    options = RunOptions(
        config=config,
        seconds=seconds,
        sandbox=SandboxOptions(speed=speed, seed=seed, tape=tape, wall_clock=wall_clock),
        ports=HeadPorts.starting_at(head_port) if head_port else HeadPorts(),
        fresh=fresh,
        detach=detach,
    )
    run(state_of(state), options, screen(stderr=True))
