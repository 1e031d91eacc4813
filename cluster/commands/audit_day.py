"""`audit day`: make the daily audit now, or show what it found last."""

import os
import subprocess

import click
import msgspec

from actors.clock import wire_ms
from checkpoints.storage import LocalStorage
from cluster.commands.arguments import DAY
from cluster.daily_audit import records
from cluster.daily_audit.page import page
from cluster.daily_audit.process import MODULE
from cluster.daily_audit.report import DayAudit
from cluster.daily_audit.run import open_case
from cluster.errors import ClusterError
from cluster.local.environment import child_environment, interpreter
from cluster.local.jobs import WORKING_TREE
from cluster.local.state_folder import StateFolder
from cluster.terminal.console import emit, json_option, show_text, state_of, state_option


@click.command("day")
@click.option("--date", "day", type=DAY, help="UTC day of market time [default: yesterday].")
@click.option("--last", is_flag=True, help="Audit nothing: show the last audit, or that of --date.")
@click.option(
    "--notify",
    is_flag=True,
    help="Tell the alarm sinks what it found, as the daily audit does: for a timer of the system.",
)
@state_option
@json_option
def command(
    day: str | None,
    last: bool,  # noqa: FBT001 click
    notify: bool,  # noqa: FBT001 click
    state: str | None,
    as_json: bool,  # noqa: FBT001 click
) -> int:
    """Audit a whole day again: decisions, record, venue, what runs, and the detectors.

    Exit 0: all is well; 1: something is not, or could not be checked.
    """
    if last and notify:
        raise click.UsageError(
            "--last makes no audit, so --notify has nothing to send: leave one out"
        )
    folder = state_of(state)
    audit = _kept(folder, day) if last else _made(folder, day, notify=notify)
    if as_json:
        emit(audit)
    else:
        show_text(page(audit))
    return 0 if audit.well else 1


def _kept(folder: StateFolder, day: str | None) -> DayAudit:
    storage = LocalStorage(folder.storage)
    found = records.latest(storage) if day is None else records.read(storage, day)
    if found is None:
        what = "no day was audited" if day is None else f"no audit of {day} is kept"
        raise ClusterError(f"{what}; without --last it is made now")
    return found


def _made(folder: StateFolder, day: str | None, *, notify: bool) -> DayAudit:
    """Audit in a process of its own, which steps behind all others; this one does not."""
    open_case(folder, day, lambda: int(wire_ms()))  # refuses at once what cannot be audited
    arguments = [
        str(folder.root),
        *(() if day is None else (day,)),
        *(("--notify",) if notify else ()),
    ]
    done = subprocess.run(  # noqa: S603 our own module with our own folder
        [interpreter(), "-m", MODULE, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env=child_environment(os.environ),
        cwd=WORKING_TREE,
    )
    if not done.stdout:
        said = done.stderr.decode(errors="replace").strip().removeprefix("error: ")
        raise ClusterError(said or f"the audit's process ended (exit {done.returncode})")
    return msgspec.json.decode(done.stdout, type=DayAudit)
