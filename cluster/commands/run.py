"""`run`: everything on this machine with one command; the Makefile's `run`."""

from pathlib import Path

import click

from cluster.console import config_option, screen, state_of, state_option
from cluster.run import RunOptions, run
from cluster.sandbox_process import SandboxOptions
from cluster.state_folder import HeadPorts

SPEED_MAX = 3_600


@click.command("run")
@config_option
@state_option
@click.option("--for", "seconds", type=click.FloatRange(1), help="End by itself after SECONDS.")
@click.option(
    "--tape",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of recorded market data; without it prices are generated.",
)
@click.option("--speed", type=click.IntRange(1, SPEED_MAX), default=30, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option(
    "--wall-clock", is_flag=True, help="Market time is the wall's, as at the venue (--speed 1)."
)
@click.option("--fresh", is_flag=True, help="Forget the last run's storage and exchange.")
@click.option("--detach", is_flag=True, help="Leave the fleet up; `stop` ends it.")
@click.option(
    "--head-port", type=click.IntRange(1_024, 65_532), help="Ray's ports, four from here."
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
    """Start the sandbox exchange, Ray and sixteen slots, and watch them trade."""
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
