"""`live`: prepare a live configuration, look at its account, and say what a start asks to type."""

import asyncio
from pathlib import Path

import click
import msgspec

from actors.config import FleetConfig, Mode
from actors.live.confirmation import in_force
from actors.live.guard import start_of
from actors.live.refusals import gate_refusals
from actors.runtime import load_config
from actors.venue.account_report import Credentials
from actors.venue.connect import adapter_of
from actors.venue.keys import PrivateKeyError
from actors.venue.kinds import address_problem
from actors.venue.port import Rejected, Unknown, reason_of
from checkpoints.storage import LocalStorage
from cluster.config.live import Owner, live_text
from cluster.config.offline import read_offline
from cluster.errors import ClusterError, FleetError
from cluster.gate.keys import public_of, read_key
from cluster.local.account_check import SECONDS, check_account
from cluster.local.confirming import risk_table
from cluster.local.jobs import packed_tree
from cluster.local.modes import LIVE_FILE
from cluster.local.state_folder import StateFolder
from cluster.status.climb import climb_in
from cluster.terminal.console import notify, operator, screen, show_line, state_of, state_option

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("live")
def command() -> None:
    """Prepare live trading and see what is at risk."""


@command.command("new")
@click.option("--out", type=FILE, default=Path("my-live.toml"), show_default=True)
@click.option("--operator-key", type=FILE, required=True, help="File that `gate key` made.")
@click.option("--wallet", help="Address of the wallet whose money is used.")
@click.option("--key-file", type=FILE, help="Where the key of that wallet lies.")
def new_command(out: Path, operator_key: Path, wallet: str | None, key_file: Path | None) -> None:
    """Write a live configuration with the first limits: 5, 50 and 20 USD."""
    if out.exists():
        raise ClusterError(f"{out} exists; name another file with --out")
    owner = Owner(
        name=operator(),
        operator_public_key=public_of(read_key(operator_key)),
        wallet=wallet,
        key_file=None if key_file is None else str(key_file.resolve()),
    )
    try:
        out.write_text(live_text(LIVE_FILE.read_text(encoding="utf-8"), owner), encoding="utf-8")
    except OSError as error:
        raise ClusterError(
            f"{out} cannot be written ({error.strerror}): name another file"
        ) from error
    notify(f"wrote {out}; rehearse with `midstride run --mode live --stand-ins --config {out}`")


@command.command("check")
@click.option("--config", type=FILE, required=True, help="Your live configuration.")
@state_option
def check_command(config: Path, state: str | None) -> None:
    """Look at the account as a start does; change nothing."""
    folder = state_of(state)
    storage = LocalStorage(folder.storage)
    check_account(storage, _live(folder, config), screen(stderr=True))
    notify("nothing about the account forbids a start")


@command.command("keys")
@click.option("--config", type=FILE, required=True, help="Your live configuration.")
@click.option("--yes", is_flag=True, envvar="YES", help="Skip the question.")
@state_option
def keys_command(config: Path, state: str | None, yes: bool) -> None:  # noqa: FBT001 click's way
    """Have the venue make API credentials for your key; a start never does."""
    fleet = _live(state_of(state), config)
    if not yes and not click.confirm("Make API credentials for this key?", err=True):
        raise ClusterError("not confirmed; nothing was made")
    made = asyncio.run(adapter_of(fleet).create_credentials(fleet))
    match made:
        case Rejected() | Unknown():
            raise FleetError(f"the venue made no credentials: {reason_of(made)}")
        case Credentials.DERIVED:
            notify("the venue has credentials for this key already; nothing was made")
        case _:
            notify("made; they are derived from the key at each start and stored nowhere")


@command.command("refresh")
@click.option("--config", type=FILE, required=True, help="Your live configuration.")
@state_option
def refresh_command(config: Path, state: str | None) -> None:
    """Have the exchange look at the wallet's approvals again."""
    fleet = _live(state_of(state), config)
    refused = asyncio.run(adapter_of(fleet).refresh_allowances(fleet, SECONDS))
    if isinstance(refused, Rejected | Unknown):
        raise FleetError(f"the exchange did not look again: {reason_of(refused)}")
    notify("the exchange has looked again")


@command.command("show")
@state_option
def show_command(state: str | None) -> None:
    """Show what is at risk, who confirmed it, and what the next start asks you to type."""
    folder = state_of(state)
    storage = LocalStorage(folder.storage)
    fleet = _stored(folder)
    release = packed_tree(folder, ["launch"]).rpartition("/")[2].removesuffix(".zip")
    try:
        start = start_of(fleet, release)
    except PrivateKeyError as error:
        raise FleetError(str(error)) from error
    screen().print(risk_table(start.risked))
    confirmed = in_force(storage)
    if confirmed is None or isinstance(confirmed, str):
        show_line(f"confirmed: {confirmed or 'nothing is in force'}")
    else:
        show_line(f"confirmed: by {confirmed.who}, release {confirmed.risked.release[:12]}")
    show_line(climb_in(storage))
    for refused in gate_refusals(start):
        show_line(f"a start is refused: {refused}")
    show_line(f"a start of this tree asks for: {start.risked.full_text}")


def _live(folder: StateFolder, config: Path) -> FleetConfig:
    """Return a live configuration with its real addresses; raise `ClusterError`."""
    fleet, _ = read_offline(config)
    if fleet.mode is not Mode.LIVE:
        raise ClusterError(f"{config} is of mode {fleet.mode}, not live")
    problem = address_problem(fleet)
    if problem is not None:
        raise ClusterError(problem)
    return msgspec.structs.replace(fleet, storage=str(folder.storage))


def _stored(folder: StateFolder) -> FleetConfig:
    try:
        fleet = load_config(str(folder.storage))
    except FileNotFoundError:
        raise FleetError(
            f"no fleet was started in {folder.root} yet: `midstride run --mode live`"
        ) from None
    if fleet.mode is not Mode.LIVE:
        raise ClusterError(f"{folder.root} holds a fleet of mode {fleet.mode}, not live")
    return fleet
