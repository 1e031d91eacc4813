"""`update`: the plan on one page, one question, then the rolling update."""

import asyncio

import click

from cluster.commands.rolling_update import pace_options, request_of, submit_roll
from cluster.console import say, state_of, state_option
from cluster.errors import FleetError
from cluster.fleet import join_fleet
from cluster.rolling_update.page import plan_page


@click.command("update")
@state_option
@pace_options
@click.option("--yes", is_flag=True, envvar="YES", help="Do not ask.")
def command(state: str | None, yes: bool, **words: object) -> None:  # noqa: FBT001 click's way
    """Show what would change, ask, and roll the working tree's code out."""
    folder = state_of(state)
    join_fleet(folder)  # before anything imports Ray: it reads its environment then
    from cluster.rolling_update.apply import plan_for

    made, _ = asyncio.run(plan_for(str(folder.storage), request_of(words, None)))
    say(plan_page(made))
    if made.refusals:
        raise FleetError("nothing was changed; mend what is named above")
    if not yes and not click.confirm("roll this out?", err=True):
        raise FleetError("not confirmed; nothing was changed")
    submit_roll(folder, "apply", words, as_json=False)
