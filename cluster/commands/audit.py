"""`audit`: proofs from the durable record."""

import click

from actors.runtime import load_config
from cluster.console import emit, json_option, say, state_of, state_option
from cluster.errors import FleetError
from cluster.reconcile import reconcile


@click.group("audit")
def command() -> None:
    """Check the fleet's record; needs no running fleet, only its storage and the venue."""


@command.command("reconcile")
@state_option
@json_option
def reconcile_command(state: str | None, as_json: bool) -> int:  # noqa: FBT001 click
    """Compare the journal with the venue's orders, trades and winners."""
    folder = state_of(state)
    try:
        config = load_config(str(folder.storage))
    except FileNotFoundError:
        raise FleetError(f"there is no fleet in {folder.root}") from None
    found = reconcile(config)
    if as_json:
        emit(found)
    else:
        for text in found.differences:
            click.echo(text)
        say(f"{len(found.differences)} differences; {found.fills} fills, {found.winners} markets")
    return 1 if found.differences else 0
