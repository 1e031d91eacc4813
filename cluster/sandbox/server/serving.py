"""Run the application on loopback: socket, pulse, ready file, clean stop."""

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Final

import msgspec
import uvicorn

from cluster.sandbox.model import Provenance
from cluster.sandbox.server.app import make_app
from cluster.sandbox.server.guarded import GuardedProtocol
from cluster.sandbox.server.world import World
from cluster.sandbox.standins.beside import ExchangeAddress, stand_ins_served
from cluster.sandbox.wire_time import boot_anchor_ms, boot_id

HOST: Final = "127.0.0.1"
PULSE_S: Final = 0.05
"""Wire seconds between two moves of the exchange: 1.5 market seconds at speed 30."""
GRACE_S: Final = 1
"""How long open connections may take to end when the sandbox stops."""
SOCKET_BYTES_MAX: Final = 65_536
KEEP_ALIVE_S: Final = 300
"""Clients keep connections between decisions, which may be minutes apart."""


class PortTakenError(Exception):
    """The port is in use; the message names it and what to do."""


class Urls(msgspec.Struct, frozen=True, kw_only=True):
    """Where each service is; names as in the fleet's configuration."""

    clob_url: str
    gamma_url: str
    data_url: str
    relayer_url: str
    rpc_url: str
    market_ws_url: str
    user_ws_url: str
    prices_ws_url: str
    binance_url: str
    admin_url: str
    region_url: str


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """The ready file."""

    pid: int
    port: int
    urls: Urls
    speed: int
    anchor_wire_ms: int
    anchor_market_ms: int
    anchor_boot_ms: int
    """Time since the machine's start at the anchor: the fleet counts from it, as the sandbox does,
    whatever sets the machine's clock in between."""
    anchor_boot_id: str
    provenance: tuple[Provenance, ...]
    exchanges: tuple[ExchangeAddress, ...] = ()
    """Stand-ins of the exchanges of candles, funding and open interest, where they are served."""
    notice: str = "The simulated makers are beatable on purpose; profit and loss mean nothing."


def urls_of(port: int) -> Urls:
    http, ws = f"http://{HOST}:{port}", f"ws://{HOST}:{port}/ws"
    return Urls(
        clob_url=f"{http}/clob",
        gamma_url=f"{http}/gamma",
        data_url=f"{http}/data",
        relayer_url=f"{http}/relayer",
        rpc_url=f"{http}/rpc",
        market_ws_url=f"{ws}/market",
        user_ws_url=f"{ws}/user",
        prices_ws_url=f"{ws}/prices",
        binance_url=f"{http}/binance",
        admin_url=f"{http}/admin",
        region_url=f"{http}/region/geoblock",
    )


def listen(port: int) -> socket.socket:
    """Bind loopback before anything else is opened; 0 lets the system choose."""
    # TCP is named because asyncio switches off the 40 ms delay of Nagle only where it is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        reason = f"port {port} on {HOST} cannot be used: {error.strerror}"
        raise PortTakenError(f"{reason}; choose another with --port, or 0 for any") from error
    return listener


def write_ready(
    path: Path, world: World, port: int, others: tuple[ExchangeAddress, ...] = ()
) -> None:
    clock = world.clock.clock
    ready = Ready(
        pid=os.getpid(),
        port=port,
        urls=urls_of(port),
        speed=clock.speed,
        anchor_wire_ms=clock.anchor_wire_ms,
        anchor_market_ms=clock.anchor_market_ms,
        anchor_boot_ms=boot_anchor_ms(clock.anchor_wire_ms),
        anchor_boot_id=boot_id(),
        provenance=world.exchange.provenance(),
        exchanges=others,
    )
    temporary = path.with_name(f"{path.name}.part")
    temporary.write_bytes(msgspec.json.encode(ready))
    temporary.replace(path)


async def _beat(world: World) -> None:
    """Pulse for ever; a late pulse is followed at once, never by a burst."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        world.pulse()
        due = max(due + PULSE_S, loop.time())
        await asyncio.sleep(due - loop.time())


async def serve(
    world: World,
    listener: socket.socket,
    ready_file: Path | None,
    exchanges: socket.socket | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then flush and return.

    On a second listener the stand-ins of the data exchanges serve at the same clock and prices.
    """
    prices = world.exchange.prices
    async with stand_ins_served(exchanges, prices, lambda: world.now().market_ms) as others:
        await _serve(world, listener, ready_file, others)


async def _serve(
    world: World,
    listener: socket.socket,
    ready_file: Path | None,
    others: tuple[ExchangeAddress, ...],
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    world.pulse()
    server = make_server(world)
    await server.startup(sockets=[listener])
    if ready_file is not None:
        write_ready(ready_file, world, listener.getsockname()[1], others)
    beat = asyncio.create_task(_beat(world))
    serving = asyncio.create_task(server.main_loop())
    ending = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((beat, serving, ending), return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        await serving
        await server.shutdown(sockets=[listener])
        for task in (beat, ending):
            task.cancel()
        outcomes = await asyncio.gather(beat, ending, return_exceptions=True)
        world.close()
    if isinstance(outcomes[0], Exception):
        raise outcomes[0]


def make_server(world: World) -> uvicorn.Server:
    """Make uvicorn without its own signal handlers: the sandbox has its own way to stop."""
    config = uvicorn.Config(
        make_app(world),
        http=GuardedProtocol,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws_max_size=SOCKET_BYTES_MAX,
        ws_per_message_deflate=False,  # on loopback it costs both sides more than it saves
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server
