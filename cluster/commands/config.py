"""`config check`: read the configuration as launch would, and say what is wrong with it."""

from pathlib import Path

import click
import msgspec

from actors.config import Venue, config_id
from cluster.config import Deployment, read_config
from cluster.console import config_option, emit, json_option, say
from signals.market_time import MarketClock


@click.group("config")
def command() -> None:
    """Look at the configuration."""


@command.command()
@config_option
@json_option
def check(config: Path, as_json: bool) -> None:  # noqa: FBT001 click passes flags by name
    """Check the configuration file without starting anything."""
    urls = {
        field.name: "http://127.0.0.1:1"
        for field in msgspec.structs.fields(Venue)
        if field.name.endswith("_url")
    }
    found = read_config(config, Deployment(storage="/", clock=MarketClock(), venue=urls))
    if as_json:
        emit(found)
    else:
        say(f"{config}: {len(found.slots)} slots, mode {found.mode}, id {config_id(found)[:12]}")
