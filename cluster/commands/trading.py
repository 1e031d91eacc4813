"""`trading halt|reduce|resume`."""

import click

from actors.runtime import load_config
from checkpoints.storage import LocalStorage
from cluster.console import emit, json_option, say, state_of, state_option
from cluster.errors import FleetError
from cluster.fleet import join_fleet
from cluster.state_folder import StateFolder
from cluster.trading import TradingSet, halt, reduce, resume


@click.group("trading")
def command() -> None:
    """Halt, reduce or resume trading; durable, also over restarts and rolls."""


def _storage(folder: StateFolder) -> LocalStorage:
    if not folder.storage.is_dir():
        raise FleetError(f"there is no fleet in {folder.root}")
    return LocalStorage(folder.storage)


def _tell(done: TradingSet, *, as_json: bool) -> None:
    if as_json:
        emit(done)
    elif done.by_gateway:
        say(f"trading is {done.state}")
    else:
        say(f"trading is {done.state}; {done.cancelled_directly} orders cancelled at the venue")


@command.command("halt")
@state_option
@click.option("--reason", default="operator", show_default=True)
@json_option
def halt_command(state: str | None, reason: str, as_json: bool) -> None:  # noqa: FBT001 click
    """No orders any more, and cancel what rests; works also when Ray does not."""
    folder = state_of(state)
    storage = _storage(folder)
    config = load_config(str(folder.storage))
    _tell(halt(storage, config, lambda: join_fleet(folder), reason), as_json=as_json)


@command.command("reduce")
@state_option
@click.option("--reason", default="operator", show_default=True)
@json_option
def reduce_command(state: str | None, reason: str, as_json: bool) -> None:  # noqa: FBT001 click
    """Take only orders that lower exposure."""
    folder = state_of(state)
    _tell(reduce(_storage(folder), lambda: join_fleet(folder), reason), as_json=as_json)


@command.command("resume")
@state_option
@click.option("--reason", default="operator", show_default=True)
@json_option
def resume_command(state: str | None, reason: str, as_json: bool) -> None:  # noqa: FBT001 click
    """Trade again."""
    folder = state_of(state)
    _tell(resume(_storage(folder), lambda: join_fleet(folder), reason), as_json=as_json)
