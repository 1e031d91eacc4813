"""`trading halt|drill|reduce|resume`."""

import math
import os
from pathlib import Path
from typing import Final

import click

from actors.clock import wall_ms
from actors.gateway.lock import halt_reason
from checkpoints.storage import LocalStorage
from cluster.commands.arguments import WORDS
from cluster.errors import ClusterError, FleetError
from cluster.fleet import join_fleet
from cluster.halting.ask_gateway import AskGateway
from cluster.halting.drill import hold, keep
from cluster.halting.halt import HaltPorts, TradingSet, halt
from cluster.halting.screen import halt_lines
from cluster.halting.venue_side import PROVE_S_MAX, Limits
from cluster.halting.which_config import config_to_stop
from cluster.local.ending import end_watcher
from cluster.local.head import end_head
from cluster.local.state_folder import StateFolder, state_folder
from cluster.terminal.console import emit, json_option, notify, operator, state_of, state_option
from cluster.trading import reduce, resume
from cluster.web.operators import kept

NOT_PROVEN: Final = 3
"""Exit code of a halt after which it is not proven that nothing rests at the venue."""
EXCHANGE_DOWN_S: Final = 5.0
"""Wire, for a simulated exchange that does not run: the watcher may be starting it again."""


@click.group("trading")
def command() -> None:
    """Halt, reduce or resume trading.

    It stays so over restarts and code changes.
    """


def _storage(folder: StateFolder) -> LocalStorage:
    if not folder.storage.is_dir():
        raise FleetError(f"there is no fleet in {folder.root}; --state names another folder")
    return LocalStorage(folder.storage)


by_option = click.option("--by", type=WORDS, hidden=True)
"""Who pressed the console's button that runs this command; the operators' journal says so."""


def _in_force(done: TradingSet) -> str:
    return f"trading is {done.state}"


def _report(done: TradingSet, *, as_json: bool) -> None:
    if as_json:
        emit(done)
    else:
        notify(_in_force(done))


def _folder(named: str | None) -> StateFolder:
    """Return the fleet's folder, also where the record of its processes cannot be read."""
    try:
        return state_of(named)
    except ClusterError:
        return state_folder(named, os.environ)


def _end_fleet(folder: StateFolder) -> None:
    """End what would start a gateway again, then all that the head started."""
    end_watcher(folder)
    end_head(folder)


def _patience_s(folder: StateFolder) -> float:
    """Return how long an answer can be waited for; an exchange of ours that is down gives none."""
    try:
        record = folder.read_run()
    except ClusterError:
        return math.inf
    runs = record.sandbox is not None and record.sandbox.alive
    return EXCHANGE_DOWN_S if record.sandbox_command and not runs else math.inf


def _standing(storage: LocalStorage) -> str:
    stands = halt_reason(storage.root) is not None
    return "The HALT file stands" if stands else "There is no HALT file"


@command.command("halt")
@state_option
@click.option("--reason", type=WORDS, default="operator", show_default=True)
@click.option(
    "--config",
    "named",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration whose account is emptied, where the state folder is damaged or gone.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1.0, 3_600.0),
    default=PROVE_S_MAX,
    show_default=True,
    help="How long a venue that takes no cancel is asked again.",
)
@by_option
@json_option
def halt_command(
    state: str | None,
    reason: str,
    named: Path | None,
    seconds: float,
    by: str | None,
    as_json: bool,  # noqa: FBT001 click
) -> int:
    """Send no more orders, cancel all open ones, prove that none rests; works when Ray is down.

    Exit 0: proven; 3: it is not proven that nothing rests at the venue.
    """
    folder = _folder(state)
    config = config_to_stop(folder, named)
    if config is None and not folder.storage.is_dir():
        raise FleetError(
            f"there is no fleet in {folder.root}; --state names another folder; where a fleet's "
            "folder is gone, --config names its configuration"
        )
    storage = LocalStorage(folder.storage)
    ports = HaltPorts(
        gateway=AskGateway(folder),
        end_fleet=lambda: _end_fleet(folder),
        tell=notify,
        limits=Limits(prove_s=min(seconds, _patience_s(folder))),
    )
    try:
        done = kept(
            folder.root,
            (by or operator(), "halt trading", reason),
            lambda: halt(storage, config, ports, reason),
            lambda found: list(halt_lines(found))[-1],
        )
    except KeyboardInterrupt:
        notify(
            f"NOT PROVEN: you stopped the waiting. {_standing(storage)}; what rests at the venue "
            "is not known: `midstride trading halt` again proves it"
        )
        return NOT_PROVEN
    if as_json:
        emit(done)
    else:
        for line in halt_lines(done):
            notify(line)
    return NOT_PROVEN if done.proof is not None and not done.proof.proven else 0


@command.command("drill")
@state_option
@json_option
def drill_command(state: str | None, as_json: bool) -> int:  # noqa: FBT001 click
    """Drill the halt on an exchange of its own, beside whatever runs; about a minute.

    Exit 0: it passed; 1: it did not. `doctor` says when the last one was.
    """
    folder = state_of(state)
    result = hold(int(wall_ms()))
    keep(folder, result)
    if as_json:
        emit(result)
    else:
        notify(f"halt drill {'passed' if result.passed else 'FAILED'}: {result.said}")
        if result.last_cancel_ms is not None:
            notify(
                f"{result.orders} orders rested; the last cancel was acknowledged "
                f"{result.last_cancel_ms / 1_000:.2f} s after the halt began, proven after "
                f"{result.took_ms / 1_000:.1f} s"
            )
    return 0 if result.passed else 1


@command.command("reduce")
@state_option
@click.option("--reason", type=WORDS, default="operator", show_default=True)
@by_option
@json_option
def reduce_command(state: str | None, reason: str, by: str | None, as_json: bool) -> None:  # noqa: FBT001 click
    """Take only orders that lower exposure; refused while trading is halted."""
    folder = state_of(state)
    storage = _storage(folder)
    done = kept(
        folder.root,
        (by or operator(), "reduce trading", reason),
        lambda: reduce(storage, lambda: join_fleet(folder), reason),
        _in_force,
    )
    _report(done, as_json=as_json)


@command.command("resume")
@state_option
@click.option("--reason", type=WORDS, default="operator", show_default=True)
@by_option
@json_option
def resume_command(state: str | None, reason: str, by: str | None, as_json: bool) -> None:  # noqa: FBT001 click
    """Trade again: lift a halt or a reduction."""
    folder = state_of(state)
    storage = _storage(folder)
    done = kept(
        folder.root,
        (by or operator(), "resume trading", reason),
        lambda: resume(storage, lambda: join_fleet(folder), reason),
        _in_force,
    )
    _report(done, as_json=as_json)
