"""`status`: one page about the running fleet."""

import click

from actors.config import Mode
from actors.runtime import load_config
from checkpoints.storage import LocalStorage
from cluster.fleet import join_fleet
from cluster.status.climb import climb_in
from cluster.status.fleet_page import FleetPage
from cluster.status.page import ask_report
from cluster.status.standing import standing
from cluster.terminal.console import emit, json_option, notify, screen, state_of, state_option


@click.command("status")
@state_option
@json_option
def command(state: str | None, as_json: bool) -> None:  # noqa: FBT001 click passes flags by name
    """Show slots, alarms, gateway and price feeds."""
    folder = state_of(state)
    told = standing(folder.read_run())
    if told is not None:
        notify(f"this fleet: {told}")
    link = join_fleet(folder)
    config, storage = load_config(str(folder.storage)), LocalStorage(folder.storage)
    if config.mode is Mode.LIVE:
        notify(climb_in(storage))
    found = ask_report(link, config, storage)
    if as_json:
        emit(found)
    else:
        screen().print(FleetPage(found))
