"""`trading halt|reduce|resume`."""

import os

import click

from actors.config import FleetConfig
from actors.runtime import load_config
from checkpoints.errors import CheckpointsError
from checkpoints.storage import LocalStorage
from cluster.commands.arguments import WORDS
from cluster.errors import ClusterError, FleetError
from cluster.fleet import join_fleet
from cluster.local.state_folder import StateFolder, state_folder
from cluster.terminal.console import emit, json_option, notify, state_of, state_option
from cluster.trading import TradingSet, Unreadable, halt, reduce, resume


@click.group("trading")
def command() -> None:
    """Halt, reduce or resume trading.

    It stays so over restarts and code changes.
    """


def _storage(folder: StateFolder) -> LocalStorage:
    if not folder.storage.is_dir():
        raise FleetError(f"there is no fleet in {folder.root}; --state names another folder")
    return LocalStorage(folder.storage)


def _report(done: TradingSet, *, as_json: bool) -> None:
    if as_json:
        emit(done)
    elif done.by_gateway:
        notify(f"trading is {done.state}")
        if done.file_problem is not None:
            notify(
                f"the HALT file could not be written ({done.file_problem}): the gateway keeps the "
                "halt in its own log; once the file can be written, halt again"
            )
    elif done.cancelled_directly is None:
        notify(
            f"trading is {done.state}: no fleet was started here yet, so no order can be open; "
            "the first start will not trade until `midstride trading resume`"
        )
    else:
        notify(
            f"trading is {done.state}; the gateway did not answer, so {done.cancelled_directly} "
            "open orders were cancelled at the venue directly"
        )


def _config(folder: StateFolder) -> FleetConfig | Unreadable | None:
    """Return the stored configuration; None before the first launch."""
    try:
        return load_config(str(folder.storage))
    except FileNotFoundError:
        return None
    except CheckpointsError as error:
        return Unreadable(str(error))


def _folder(named: str | None) -> StateFolder:
    """Return the fleet's folder, also where the record of its processes cannot be read."""
    try:
        return state_of(named)
    except ClusterError:
        return state_folder(named, os.environ)


@command.command("halt")
@state_option
@click.option("--reason", type=WORDS, default="operator", show_default=True)
@json_option
def halt_command(state: str | None, reason: str, as_json: bool) -> None:  # noqa: FBT001 click
    """Send no more orders and cancel all open ones; works even when Ray is down."""
    folder = _folder(state)
    storage = _storage(folder)
    _report(halt(storage, _config(folder), lambda: join_fleet(folder), reason), as_json=as_json)


@command.command("reduce")
@state_option
@click.option("--reason", type=WORDS, default="operator", show_default=True)
@json_option
def reduce_command(state: str | None, reason: str, as_json: bool) -> None:  # noqa: FBT001 click
    """Take only orders that lower exposure; refused while trading is halted."""
    folder = state_of(state)
    _report(reduce(_storage(folder), lambda: join_fleet(folder), reason), as_json=as_json)


@command.command("resume")
@state_option
@click.option("--reason", type=WORDS, default="operator", show_default=True)
@json_option
def resume_command(state: str | None, reason: str, as_json: bool) -> None:  # noqa: FBT001 click
    """Trade again: lift a halt or a reduction."""
    folder = state_of(state)
    _report(resume(_storage(folder), lambda: join_fleet(folder), reason), as_json=as_json)
