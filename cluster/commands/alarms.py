"""`alarms list|clear`: alarms latch until a person clears them with a reason."""

from typing import Final

import click

from actors.runtime import wire_ms
from checkpoints.alarms import AlarmStore
from checkpoints.errors import MissingFileError
from checkpoints.storage import LocalStorage
from cluster.console import emit, json_option, operator, say, state_of, state_option
from cluster.errors import FleetError

EVIDENCE_SHOWN: Final = 6


@click.group("alarms")
def command() -> None:
    """See and clear alarms; needs no running fleet."""


@command.command("list")
@state_option
@click.option("--all", "everything", is_flag=True, help="Cleared ones too.")
@json_option
def list_command(state: str | None, everything: bool, as_json: bool) -> None:  # noqa: FBT001 click
    """Show the alarms that nobody has cleared."""
    store = AlarmStore(LocalStorage(state_of(state).storage))
    states = store.history() if everything else store.latched()
    if as_json:
        emit(states)
        return
    for entry in states:
        alarm = entry.alarm
        cleared = f"   cleared: {entry.cleared.reason}" if entry.cleared else ""
        click.echo(f"{alarm.id}   {alarm.severity}   {alarm.action}{cleared}")
        for key, value in list(alarm.evidence.items())[:EVIDENCE_SHOWN]:
            click.echo(f"    {key}: {value}")
    say(f"{len(states)} alarms")


@command.command("clear")
@click.argument("identity")
@click.option("--reason", required=True, help="Why it may be cleared; kept with it.")
@state_option
def clear_command(identity: str, reason: str, state: str | None) -> None:
    """Clear one alarm by its id."""
    if not reason.strip():
        raise click.BadParameter("say why it may be cleared", param_hint="--reason")
    store = AlarmStore(LocalStorage(state_of(state).storage))
    try:
        new = store.clear(identity, reason, operator(), int(wire_ms()))
    except MissingFileError:
        raise FleetError(f"there is no alarm {identity}; `alarms list` shows their ids") from None
    say(f"{identity} cleared" if new else f"{identity} was cleared before")
