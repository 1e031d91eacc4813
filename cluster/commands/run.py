"""`run`: everything on this machine with one command; the Makefile's `run`."""

import sys
from pathlib import Path

import click
import msgspec

from actors.config import Mode
from cluster.local.bring_up import RunOptions
from cluster.local.modes import Asked, choose
from cluster.local.run import run
from cluster.local.state_folder import HeadPorts
from cluster.terminal.console import screen, state_of, state_option

SPEED_MAX = 3_600


@click.command("run")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration file (TOML) [default: of the mode, in cluster/configs].",
)
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    help="sandbox: a simulated exchange; paper: real data, orders filled here; live: real orders "
    "[default: sandbox].",
)
@click.option(
    "--stand-ins",
    is_flag=True,
    help="Paper or live beside simulated services on this machine, without internet: no order "
    "leaves.",
)
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
    help="How many times faster than real time [default: 30; in paper 1].",
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
@click.option(
    "--confirm",
    help="Words that confirm a live start; a start without them prints them, or asks at a "
    "terminal.",
)
@click.option("--fresh", is_flag=True, help="Delete what earlier runs stored and begin anew.")
@click.option(
    "--detach", is_flag=True, help="Do not watch; the fleet runs on until `midstride stop`."
)
@click.option(
    "--console/--no-console",
    default=None,
    help="Serve the fleet's pages to a browser on this machine [default: at a terminal].",
)
@click.option(
    "--head-port",
    type=click.IntRange(1_024, 65_532),
    help="First of four consecutive ports for Ray.",
)
def command(  # noqa: PLR0913, PLR0917 each option is a flag of the command line
    config: Path | None,
    mode: str | None,
    stand_ins: bool,  # noqa: FBT001 click passes flags by name
    state: str | None,
    seconds: float | None,
    tape: Path | None,
    speed: int | None,
    seed: int,
    wall_clock: bool,  # noqa: FBT001 click passes flags by name
    confirm: str | None,
    fresh: bool,  # noqa: FBT001 click passes flags by name
    detach: bool,  # noqa: FBT001 click passes flags by name
    console: bool | None,  # noqa: FBT001 click passes flags by name
    head_port: int | None,
) -> None:
    """Start a fleet and watch it: sandbox, paper or live.

    Real money is used only with --mode live, and only after you have typed what is at risk.
    Ctrl-C stops: open orders are cancelled and every slot is saved.
    """
    asked = Asked(mode=mode, config=config, stand_ins=stand_ins, speed=speed, wall_clock=wall_clock)
    chosen = choose(asked)
    if confirm is not None and mode != Mode.LIVE:
        raise click.UsageError("--confirm is for --mode live")
    if chosen.sandbox is None and tape is not None:
        raise click.UsageError("--tape needs a simulated exchange: add --stand-ins")
    options = RunOptions(
        config=chosen.config,
        seconds=seconds,
        sandbox=chosen.sandbox and msgspec.structs.replace(chosen.sandbox, seed=seed, tape=tape),
        ports=HeadPorts.starting_at(head_port) if head_port else HeadPorts(),
        fresh=fresh,
        detach=detach,
        confirm=confirm,
        console=sys.stderr.isatty() if console is None else console,
    )
    run(state_of(state), options, screen(stderr=True))
