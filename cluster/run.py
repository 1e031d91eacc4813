"""`make run`: sandbox, Ray head, the launch job, a live table, and an orderly end."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import msgspec
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from actors.runtime import CONFIG_FILE, load_config
from checkpoints.storage import LocalStorage
from cluster.commands.launch import PROGRESS
from cluster.config import read_document
from cluster.ending import end_fleet, leave, stop_actors
from cluster.errors import ClusterError
from cluster.fleet import RayLink, connect
from cluster.jobs import git_commit, submit
from cluster.local_head import dashboard_url, end_head, ensure_head
from cluster.private_key import ensure_sandbox_key
from cluster.sandbox_process import (
    SandboxOptions,
    SandboxReady,
    end_sandbox,
    ensure_sandbox,
)
from cluster.screen import page, summary
from cluster.state_folder import HeadPorts, RunRecord, StateFolder
from cluster.status import StatusReport, ask_report
from cluster.tally import tally

REFRESH_SECONDS: Final = 1.0


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    config: Path
    seconds: float | None
    """Wire, counted from all slots live; None: until Ctrl-C."""
    sandbox: SandboxOptions
    ports: HeadPorts
    fresh: bool
    detach: bool


def run(state: StateFolder, options: RunOptions, console: Console) -> None:
    """Bring everything up, watch it, end it; raise `ClusterError` with what is in the way."""
    read_document(options.config)
    state.prepare()
    if options.fresh:
        end_fleet(state, lambda: connect(state, state.read_run().ports), console.print)
        state.forget()
        state.prepare()
    keep = False
    try:
        with _interrupts():
            record = _bring_up(state, options, console)
            keep = options.detach
            if not keep:
                _watch(state, record, options.seconds, console)
    except KeyboardInterrupt:
        console.print("stopping: orders are cancelled, slots checkpoint (Ctrl-C again: at once)")
    finally:
        if not keep:
            _end(state, console)
    if keep:
        console.print("the fleet stays up: `make status`, `make stop`")


def _bring_up(state: StateFolder, options: RunOptions, console: Console) -> RunRecord:
    ensure_sandbox_key(state.private_key)
    with console.status("starting the sandbox exchange"):
        ready = ensure_sandbox(state, options.sandbox)
    _say_sandbox(ready, console)
    with console.status("starting a local Ray head"):
        record = ensure_head(state, options.ports)
    console.print(f"Ray dashboard: {dashboard_url(record.ports)}   token: cat {state.token}")
    _launch(state, record, options, console)
    return record


def _say_sandbox(ready: SandboxReady, console: Console) -> None:
    console.print(f"sandbox exchange on port {ready.port}, speed {ready.speed}")
    for line in ready.sources():
        console.print(f"  {line}", style="dim")
    console.print(f"  {ready.notice}", style="dim")


def _launch(state: StateFolder, record: RunRecord, options: RunOptions, console: Console) -> None:
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
                progress.console.print(text, style="dim", highlight=False, markup=False)

        arguments = [
            "launch",
            f"--config={options.config.resolve()}",
            f"--storage={state.storage}",
            f"--sandbox-ready={state.sandbox_ready}",
            f"--key-file={state.private_key}",
            f"--commit={git_commit()}",
        ]
        submit(state, record.ports, arguments, line)


def _watch(state: StateFolder, record: RunRecord, seconds: float | None, console: Console) -> None:
    """Show the table until the time is over; the clock starts with all slots live."""
    link = connect(state, record.ports)
    end = None if seconds is None else time.monotonic() + seconds
    refresh = _reporter(state, link)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while end is None or time.monotonic() < end:
            note = "" if end is None else f"{max(0.0, end - time.monotonic()):.0f} s left"
            live.update(page(refresh(), note), refresh=True)
            left = REFRESH_SECONDS if end is None else min(REFRESH_SECONDS, end - time.monotonic())
            time.sleep(max(0.0, left))


def _reporter(state: StateFolder, link: RayLink) -> Callable[[], StatusReport]:
    config = load_config(str(state.storage))
    storage = LocalStorage(state.storage)
    return lambda: ask_report(link, config, storage)


def _end(state: StateFolder, console: Console) -> None:
    """Say what came of it, then end all that this run started; a second Ctrl-C skips the order."""
    record = state.read_run()
    try:
        if record.head is not None and record.head.alive and (state.storage / CONFIG_FILE).exists():
            link = connect(state, record.ports)
            report = _reporter(state, link)()
            stop_actors(link, LocalStorage(state.storage), console.print)
            for line in summary(tally(state.storage), report):
                console.print(line, highlight=False)
    except ClusterError as error:
        console.print(f"not in order: {error}; processes are ended now")
    except KeyboardInterrupt:
        console.print("not in order: interrupted again; processes are ended now")
    finally:
        leave()
        end_head(state)
        end_sandbox(state)


@contextmanager
def _interrupts() -> Iterator[None]:
    """Treat a polite kill like Ctrl-C, so that it ends in order too."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
