"""``python -m cluster.sandbox.standins``: serve five exchanges on loopback until told to stop."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from cluster.sandbox.clock import Clock
from cluster.sandbox.listed import assets_option
from cluster.sandbox.model import ASSETS
from cluster.sandbox.prices.source import Prices
from cluster.sandbox.prices.tape import TapeError, load_tape
from cluster.sandbox.server.serving import HOST, PortTakenError, listen
from cluster.sandbox.standins.beside import ExchangeAddress, addresses, stand_ins_served
from cluster.sandbox.wire_time import wire_clock_ms

SPEED_MAX: Final = 3_600


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """The ready file: where each exchange is, as in the configuration of the sources."""

    pid: int
    port: int
    admin_url: str
    exchanges: tuple[ExchangeAddress, ...]
    speed: int
    anchor_wire_ms: int
    anchor_market_ms: int


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=0, show_default="any free one")
@click.option("--speed", type=click.IntRange(1, SPEED_MAX), default=1, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--tape", type=click.Path(path_type=Path), help="Folder of recorded market data.")
@click.option("--ready-file", type=click.Path(path_type=Path), help="Written when it serves.")
@click.option(
    "--clock",
    "anchors",
    type=(int, int),
    metavar="WIRE_MS MARKET_MS",
    help="The clock of a sandbox that runs: the same market time, and with its seed and tape the "
    "same prices. Without it market time is the wall's.",
)
@assets_option
def main(
    port: int,
    speed: int,
    seed: int,
    tape: Path | None,
    ready_file: Path | None,
    anchors: tuple[int, int] | None,
    more_assets: tuple[str, ...],
) -> None:
    """Serve Binance, OKX, Bybit, Hyperliquid and Coinbase in their own formats, on loopback."""
    wire_ms, market_ms = anchors or (wire_clock_ms(),) * 2
    clock = Clock(speed=speed, anchor_wire_ms=wire_ms, anchor_market_ms=market_ms)
    try:
        assets = (*ASSETS, *more_assets)
        prices = Prices(seed, None if tape is None else load_tape(tape, assets), assets)
        asyncio.run(serve(prices, clock, port, ready_file))
    except (PortTakenError, TapeError) as error:
        click.echo(f"stand-ins: {error}", err=True)
        sys.exit(2)


async def serve(prices: Prices, clock: Clock, port: int, ready_file: Path | None) -> None:
    """Serve until SIGTERM or SIGINT."""
    listener = listen(port)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def market_ms() -> int:
        return clock.at(wire_clock_ms()).market_ms

    async with stand_ins_served(listener, prices, market_ms):
        if ready_file is not None:
            _write(ready_file, listener.getsockname()[1], clock)
        await stop.wait()


def _write(path: Path, port: int, clock: Clock) -> None:
    ready = Ready(
        pid=os.getpid(),
        port=port,
        admin_url=f"http://{HOST}:{port}/admin/faults",
        exchanges=addresses(port),
        speed=clock.speed,
        anchor_wire_ms=clock.anchor_wire_ms,
        anchor_market_ms=clock.anchor_market_ms,
    )
    temporary = path.with_name(f"{path.name}.part")
    temporary.write_bytes(msgspec.json.encode(ready))
    temporary.replace(path)


if __name__ == "__main__":
    main()
