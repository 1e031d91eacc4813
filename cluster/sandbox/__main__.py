"""``python -m cluster.sandbox --state FOLDER``: run one sandbox exchange until told to stop."""

import asyncio
import fcntl
import os
import shutil
import sys
from pathlib import Path
from typing import Final

import click

from cluster.sandbox.assemble import open_sandbox
from cluster.sandbox.auth import AccountFile
from cluster.sandbox.behaviours import ALL, Behaviour
from cluster.sandbox.clock import Clock
from cluster.sandbox.exchange import ExchangeConfig
from cluster.sandbox.ledger import LedgerError
from cluster.sandbox.limits import Tier
from cluster.sandbox.listed import assets_option, timeframes_option
from cluster.sandbox.model import ASSETS, MICRO, TIMEFRAMES, MarketTime, Timeframe
from cluster.sandbox.prices.tape import TapeError
from cluster.sandbox.server.serving import PortTakenError, listen, serve
from cluster.sandbox.server.world import World
from cluster.sandbox.wire_time import wire_clock_ms

SPEED_MAX: Final = 3_600
MARKER: Final = "sandbox-state"
"""A file that says that a folder is ours: --fresh empties no other."""


LOCK: Final = "sandbox-lock"


class StateFolderError(Exception):
    """The state folder cannot be used; the message says why and what to do."""


def prepare_folder(folder: Path, *, fresh: bool) -> int:
    """Lock the folder for this process; with `fresh`, empty it first if it is a sandbox's own.

    Returns the descriptor that holds the lock until the process ends.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / MARKER).exists():
            raise StateFolderError(
                f"{folder} holds files that are not a sandbox's: choose an empty folder"
            )
        (folder / MARKER).write_text("state of a midstride sandbox exchange\n")
        lock = _lock(folder)
        if fresh:
            _empty(folder)
    except OSError as error:
        raise StateFolderError(
            f"cannot write in {folder}: {error.strerror}; choose another with --state"
        ) from error

    return lock


def _lock(folder: Path) -> int:
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StateFolderError(
            f"another sandbox runs on {folder}: stop it, or choose another folder with --state"
        ) from error
    return descriptor


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name not in (MARKER, LOCK):
            entry.unlink()


@click.command()
@click.option("--state", "folder", type=click.Path(path_type=Path), required=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, show_default="any free one")
@click.option("--speed", type=click.IntRange(1, SPEED_MAX), default=30, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--tape", type=click.Path(path_type=Path), help="Folder of recorded market data.")
@click.option("--fresh", is_flag=True, help="Forget what the state folder holds.")
@click.option("--ready-file", type=click.Path(path_type=Path), help="Written when it serves.")
@click.option(
    "--balance-usd", type=click.IntRange(1, 100_000_000), default=10_000, show_default=True
)
@click.option(
    "--tier",
    type=click.Choice([tier.value for tier in Tier]),
    default=Tier.UNLIMITED.value,
    show_default=True,
    help="Per-signer limits of orders and cancels.",
)
@click.option(
    "--clock",
    "anchors",
    type=(int, int),
    metavar="WIRE_MS MARKET_MS",
    help="Go on with this clock: of a sandbox that died under a running fleet.",
)
@click.option(
    "--without",
    "without",
    multiple=True,
    type=click.Choice([behaviour.value for behaviour in Behaviour]),
    help="Switch off a behaviour of the venue; may be repeated.",
)
@click.option(
    "--older-wallets",
    is_flag=True,
    help="Accounts are from before deposit wallets: bare keys may trade too.",
)
@click.option(
    "--claims",
    is_flag=True,
    help="Settled markets leave shares to be redeemed through the relayer or the chain.",
)
@click.option(
    "--confirmed-after-ms",
    type=click.IntRange(1_000, 600_000),
    default=2_000,
    show_default=True,
    help="Wire time from a trade or transaction until its block is final.",
)
@assets_option
@timeframes_option
@click.option(
    "--market-clock",
    type=click.Choice([clock.value for clock in MarketTime]),
    default=MarketTime.OWN.value,
    show_default=True,
    help="Market time of its own, or the wall's (then --speed 1).",
)
@click.option(
    "--exchanges-port",
    type=click.IntRange(0, 65_535),
    help="Serve Binance, OKX, Bybit, Hyperliquid and Coinbase there too, each in its own format; "
    "0: any free one.",
)
def main(  # noqa: PLR0913, PLR0917 one parameter per option of the command line
    folder: Path,
    port: int,
    speed: int,
    seed: int,
    tape: Path | None,
    fresh: bool,  # noqa: FBT001 click passes options by name
    ready_file: Path | None,
    balance_usd: int,
    tier: str,
    anchors: tuple[int, int] | None,
    without: tuple[str, ...],
    older_wallets: bool,  # noqa: FBT001 click passes options by name
    claims: bool,  # noqa: FBT001 click passes options by name
    confirmed_after_ms: int,
    more_assets: tuple[str, ...],
    more_timeframes: tuple[Timeframe, ...],
    market_clock: str,
    exchanges_port: int | None,
) -> None:
    """Serve the venue's protocols on loopback, with invented makers and a planted edge."""
    if market_clock == MarketTime.WALL and speed != 1:
        raise click.UsageError("--market-clock wall needs --speed 1")
    config = ExchangeConfig(
        seed=seed,
        speed=speed,
        starting_balance_micro_usd=balance_usd * MICRO,
        behaviours=ALL - {Behaviour(name) for name in without},
        older_wallets=older_wallets,
        claims=claims,
        confirmed_after_wire_ms=confirmed_after_ms,
        market_time=MarketTime(market_clock),
        assets=(*ASSETS, *more_assets),
        timeframes=(*TIMEFRAMES, *more_timeframes),
    )
    try:
        listener = listen(port)
        exchanges = None if exchanges_port is None else listen(exchanges_port)
        prepare_folder(folder, fresh=fresh)
        sandbox = open_sandbox(
            folder, config, tape=tape, wire_ms=wire_clock_ms(), before=_clock(speed, anchors)
        )
    except (PortTakenError, StateFolderError, LedgerError, TapeError) as error:
        click.echo(f"sandbox: {error}", err=True)
        sys.exit(2)
    world = World(
        sandbox.exchange, sandbox.clock, sandbox.ledger, AccountFile(folder), seed, Tier(tier)
    )
    asyncio.run(serve(world, listener, ready_file, exchanges))


def _clock(speed: int, anchors: tuple[int, int] | None) -> Clock | None:
    if anchors is None:
        return None
    return Clock(speed=speed, anchor_wire_ms=anchors[0], anchor_market_ms=anchors[1])


if __name__ == "__main__":
    main()
