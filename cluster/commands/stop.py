"""`stop`: end the fleet of this state folder, in order, leaving no process."""

from typing import Final

import click

from cluster.local.ending import end_fleet, end_runner, end_watcher
from cluster.local.state_lock import hold
from cluster.terminal.console import notify, state_of, state_option
from cluster.terminal.interrupts import Interrupts

LOCK_SECONDS: Final = 180.0
"""Wire. Another `stop` at the same time; a start that is under way is asked to end first."""


@click.command("stop")
@state_option
def command(state: str | None) -> None:
    """Cancel open orders, save every slot, end the fleet."""
    folder = state_of(state)
    if not folder.root.exists():
        notify(f"nothing runs in {folder.root}")
        return
    with Interrupts() as interrupts:
        end_runner(folder, notify)
        end_watcher(folder)
        with hold(folder, "cluster stop", LOCK_SECONDS):
            end_fleet(folder, interrupts, notify)
    notify("stopped")
