"""`head`: the fleet's own Ray head alone, for `ray up` machines and for looking around."""

import click

from cluster.local.head import dashboard_url, end_head, ensure_head
from cluster.local.state_folder import HeadPorts
from cluster.local.state_lock import hold
from cluster.terminal.console import notify, state_of, state_option


@click.group("head")
def command() -> None:
    """Start or end only Ray's main process, its head."""


@command.command()
@state_option
def start(state: str | None) -> None:
    """Start Ray's head, or find the one that runs, and print how to reach it."""
    folder = state_of(state)
    folder.prepare()
    with hold(folder, "cluster head start"):
        record = ensure_head(folder, HeadPorts())
    notify(f"Ray dashboard: {dashboard_url(record.ports)}   its token: `cat {folder.token}`")


@command.command()
@state_option
def end(state: str | None) -> None:
    """End Ray's head and every process under it; stop a fleet with `midstride stop`."""
    folder = state_of(state)
    if folder.root.exists():
        with hold(folder, "cluster head end"):
            end_head(folder)
