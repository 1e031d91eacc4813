"""What a start brings up, in order: venue, a person's word for it where it is live, head, fleet."""

import shlex
import time
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from actors.config import FleetConfig
from cluster.commands.launch import PROGRESS
from cluster.config.offline import read_beside_stand_ins, read_offline
from cluster.local.head import dashboard_url, ensure_head
from cluster.local.live_start import start_live
from cluster.local.sandbox_process import SandboxOptions
from cluster.local.starting import launch_tree
from cluster.local.state_folder import HeadPorts, StateFolder
from cluster.local.venue_up import venue_up


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    config: Path
    seconds: float | None
    """Wire, counted from all slots live; None: until Ctrl-C."""
    sandbox: SandboxOptions | None
    """The simulated exchange, in paper mode as a stand-in; None: the real addresses."""
    ports: HeadPorts
    fresh: bool
    detach: bool
    confirm: str | None = None
    """Words that confirm a live start; None: they are asked for at the terminal."""
    console: bool = False
    """Serve the fleet's pages to a browser on this machine."""


def offline(options: RunOptions) -> FleetConfig:
    if options.sandbox is not None:
        return read_beside_stand_ins(options.config)
    return read_offline(options.config)[0]


def bring_up(state: StateFolder, options: RunOptions, console: Console) -> bool:
    """Start venue, head and fleet; False when the time was over before the venue was reached."""
    began = time.monotonic()
    if not venue_up(state, offline(options), options.sandbox, options.seconds, console):
        return False
    start_live(state, options.config, options.confirm, console)
    exchange = time.monotonic()
    with console.status("starting a local Ray head"):
        record = ensure_head(state, options.ports)
    head = time.monotonic()
    token = shlex.quote(str(state.token))
    console.print(f"Ray dashboard: {dashboard_url(record.ports)}   token: `cat {token}`")
    _launch(state, options, console)
    console.print(took(began, exchange, head, time.monotonic()))
    return True


def took(began: float, exchange: float, head: float, fleet: float) -> str:
    """Say how long the start took, by its parts."""
    return (
        f"all slots live {fleet - began:.0f} s after the start: exchange {exchange - began:.0f} s, "
        f"Ray {head - exchange:.0f} s, slots {fleet - head:.0f} s"
    )


def _launch(state: StateFolder, options: RunOptions, console: Console) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("launch job", total=None)

        def line(text: str) -> None:
            words = text.split()
            if len(words) == 3 and words[0] == PROGRESS:  # noqa: PLR2004 "progress what n/m"
                done, _, total = words[2].partition("/")
                progress.update(task, description=words[1], completed=int(done), total=int(total))
            else:
                progress.console.print(text, style="dim")

        launch_tree(state, options.config, line)
