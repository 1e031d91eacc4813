"""`update`: the plan on one page, one question, then the rolling update."""

import click

from cluster.commands.pace import pace_options, request_of
from cluster.commands.roll_job import config_words, submit_roll
from cluster.console import say, state_of, state_option
from cluster.ending import leave
from cluster.errors import FleetError
from cluster.fleet import join_fleet
from cluster.gate.page import summary_page


@click.command("update")
@state_option
@pace_options
@click.option(
    "--replay",
    type=click.IntRange(0),
    help="Re-run this many recorded decisions under the new code "
    "[default: 288 if the gate is closed, else 0].",
)
@click.option("--yes", is_flag=True, envvar="YES", help="Skip the question.")
def command(state: str | None, yes: bool, replay: int | None, **words: object) -> None:  # noqa: FBT001 click's way
    """Show what would change, ask, and roll the working tree's code out."""
    folder = state_of(state)
    join_fleet(folder)  # before anything imports Ray: it reads its environment then
    from cluster.rolling_update.announce import announce_roll

    words = config_words(folder, words)
    made = announce_roll(str(folder.storage), request_of(words, None), replay, say)
    say(summary_page(made.plan, made.document))
    if made.refusals:
        raise FleetError("; ".join(("nothing was changed", *made.refusals)))
    if made.waits is not None:
        raise FleetError(f"nothing was changed: the gate is closed; {made.waits}")
    if not yes and not click.confirm("roll this out?", err=True):
        raise FleetError("not confirmed; nothing was changed")
    leave()  # the job has a connection of its own; Ray would print its notices into the display
    submit_roll(folder, "apply", words, as_json=False)
