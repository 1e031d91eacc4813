"""`update`: the plan on one page, one question, then exactly that plan."""

from pathlib import Path
from typing import Any

import click

from actors.runtime import load_config
from checkpoints.storage import LocalStorage
from cluster.commands.pace import pace_options, request_of
from cluster.commands.roll_job import config_flags, submit_roll
from cluster.errors import FleetError
from cluster.fleet import join_fleet
from cluster.gate.page import QUESTION_LINES_MAX, code_lines, summary_lines
from cluster.local.ending import leave
from cluster.terminal.console import notify, state_of, state_option
from cluster.terminal.counting import counted

LETTERS = 12


@click.command("update")
@state_option
@pace_options
@click.option(
    "--replay",
    type=click.IntRange(0),
    help="Make this many recorded decisions again with the new code, and compare [default: 288 "
    "if that takes less than 10 s here or approvals are needed]; 0: none.",
)
@click.option("--yes", is_flag=True, envvar="YES", help="Skip the question.")
def command(state: str | None, yes: bool, replay: int | None, **words: Any) -> None:  # noqa: FBT001 click's way
    """Bring your edits into the running fleet; asks first."""
    folder = state_of(state)
    join_fleet(folder)  # before anything imports Ray: it reads its environment then
    from actors.rollout.plan import changes_nothing
    from cluster.rolling_update.announce import announce_roll
    from cluster.rolling_update.import_check import import_faults

    root = str(folder.storage)
    words = config_flags(folder, words)
    made = announce_roll(root, request_of(words, None), replay, notify)
    document = made.document
    if changes_nothing(document.plan):
        count = len(document.plan.order)
        notify(
            f"No changes: all {counted(count, 'slot')} already run {document.to_release[:LETTERS]}."
        )
        return
    gate_is_open = load_config(root).gate_is_open
    notify("\n".join(summary_lines(made.plan, document, gate_is_open=gate_is_open)))
    notify("\n".join(code_lines(document, QUESTION_LINES_MAX)))
    storage = LocalStorage(Path(root))
    faults = import_faults(storage, document.to_release, document.plan.files)
    refusals = (*made.refusals, *faults)
    if refusals:
        raise FleetError("\n".join(("nothing was changed:", *(f"  {one}" for one in refusals))))
    if made.waits is not None:
        raise FleetError(f"nothing was changed: the gate is closed; {made.waits}")
    if not yes and not click.confirm("Roll this out?", err=True):
        raise FleetError("not confirmed; nothing was changed")
    leave()  # the job has a connection of its own; Ray would print its notices into the display
    planned = words | {"plan": made.plan} if gate_is_open else words
    submit_roll(folder, "apply", planned, as_json=False)
