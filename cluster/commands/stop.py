"""`stop`: end the fleet of this state folder, in order, leaving no process."""

import click

from cluster.console import say, state_of, state_option
from cluster.ending import end_fleet
from cluster.fleet import join_fleet


@click.command("stop")
@state_option
def command(state: str | None) -> None:
    """Cancel resting orders, checkpoint, end every process that `run` started."""
    folder = state_of(state)
    if not folder.root.exists():
        say(f"nothing runs in {folder.root}")
        return
    end_fleet(folder, lambda: join_fleet(folder), say)
    say("stopped")
