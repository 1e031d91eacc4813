"""`alarms list|clear|test`: alarms latch until a person clears them with a reason."""

from collections.abc import Sequence
from typing import Final

import click

from actors.runtime import wire_ms
from checkpoints.alarms import AlarmState, AlarmStore
from checkpoints.storage import LocalStorage
from cluster.audit.screens import wire_when
from cluster.commands.arguments import WORDS
from cluster.errors import FleetError
from cluster.local.state_folder import StateFolder
from cluster.status.alarm_clearing import chosen_alarms, clear_alarms
from cluster.status.alarm_groups import AlarmGroup, group_alarms, short_ids
from cluster.status.alarm_test import stored_sinks, try_sinks
from cluster.status.dead_fleet import death_alarm, death_in
from cluster.terminal.console import (
    emit,
    json_option,
    notify,
    operator,
    show_text,
    state_of,
    state_option,
)
from cluster.terminal.counting import counted

EVIDENCE_SHOWN: Final = 6
SUBJECTS_SHOWN: Final = 6


@click.group("alarms")
def command() -> None:
    """See and clear alarms, also when no fleet runs."""


@command.command("list")
@state_option
@click.option("--all", "everything", is_flag=True, help="Show cleared ones too.")
@click.option("--each", is_flag=True, help="One line for each alarm; do not group by cause.")
@json_option
def list_command(
    state: str | None,
    everything: bool,  # noqa: FBT001 click passes flags by name
    each: bool,  # noqa: FBT001 click passes flags by name
    as_json: bool,  # noqa: FBT001 click passes flags by name
) -> None:
    """Show the alarms that nobody has cleared, grouped by cause."""
    folder = state_of(state)
    store = _store(folder)
    states = store.history() if everything else store.latched()
    if (death := death_in(folder)) is not None:
        states = [*states, death_alarm(death)]
    if as_json:
        emit(states, "alarms")
        return
    shorts = short_ids([one.alarm.id for one in (*store.history(), *states)])
    for group in _each(states) if each else group_alarms(states):
        for line in group_lines(group, shorts):
            show_text(line)
    notify(_count(states))


@command.command("clear")
@click.argument("identities", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Clear all alarms.")
@click.option("--kind", help="Clear all alarms of one kind, e.g. no_decision.")
@click.option(
    "--reason", type=WORDS, required=True, help="Why it may be cleared; kept with the alarm."
)
@state_option
def clear_command(
    identities: tuple[str, ...],
    everything: bool,  # noqa: FBT001 click passes flags by name
    kind: str | None,
    reason: str,
    state: str | None,
) -> None:
    """Clear alarms by id (as `alarms list` shows it), by kind, or all."""
    if not reason.strip():
        raise click.BadParameter("write why it may be cleared", param_hint="--reason")
    if bool(identities) + everything + (kind is not None) != 1:
        raise click.UsageError("name alarms by id, or use --kind KIND, or --all: one of the three")
    store = _store(state_of(state))
    chosen = chosen_alarms(store, identities, kind)
    for line in clear_alarms(store, chosen, reason, operator(), int(wire_ms())):
        notify(line)
    if not chosen:
        notify("there is no alarm; nothing to clear")


@command.command("test")
@state_option
def test_command(state: str | None) -> int:
    """Send a message to the webhook and the command of `[alarms]`, once.

    It is no alarm and latches nothing. Exit 0: each took it.
    """
    folder = state_of(state)
    sinks = stored_sinks(folder)
    results = try_sinks(sinks, operator(), int(wire_ms()))
    for name, refused in results.items():
        show_text(f"{name}: {f'not taken: {refused}' if refused else 'taken'}")
    if not results:
        raise FleetError(
            "neither webhook_url, webhook_url_file nor command is set in [alarms]: nobody is told"
        )
    return 1 if any(results.values()) else 0


def _store(folder: StateFolder) -> AlarmStore:
    return AlarmStore(LocalStorage(folder.storage))


def _each(states: Sequence[AlarmState]) -> tuple[AlarmGroup, ...]:
    return tuple(group for one in states for group in group_alarms([one]))


def group_lines(group: AlarmGroup, shorts: dict[str, str]) -> list[str]:
    """Return the lines of one group: what and since when, what to do, evidence, how to clear it."""
    first, latest = group.alarms[0].alarm, group.alarms[-1]
    subjects = ", ".join(group.subjects[:SUBJECTS_SHOWN])
    more = len(group.subjects) - SUBJECTS_SHOWN
    about = f"{subjects} and {more} more" if more > 0 else subjects
    lines = [
        f"{str(group.severity).upper()}  {group.kind}: {about}",
        f"    since {wire_when(first.raised_wire_ms)}   id {_ids(group, shorts)}",
        f"    what to do: {group.action}",
    ]
    evidence = list(first.evidence.items())[:EVIDENCE_SHOWN]
    lines += [f"    {key}: {value}" for key, value in evidence]
    if latest.cleared is not None:
        lines.append(f"    cleared by {latest.cleared.who}: {latest.cleared.reason}")
    return lines


def _ids(group: AlarmGroup, shorts: dict[str, str]) -> str:
    return " ".join(shorts[one.alarm.id] for one in group.alarms)


def _count(states: Sequence[AlarmState]) -> str:
    if not states:
        return "no alarms"
    count = counted(len(states), "alarm")
    return f"{count}; clear with `midstride alarms clear ID --reason TEXT` or `--all`"
