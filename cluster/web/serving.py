"""The console's process: one per fleet, on loopback, with its address in the state folder."""

import os
import socket
from collections.abc import Callable
from typing import Final

import uvicorn

from cluster.errors import ClusterError
from cluster.local.state_folder import StateFolder
from cluster.web.address import LOOPBACK, keep_record
from cluster.web.app import build

PORT: Final = 8_420
"""The console's own; where another program has it, any free one is taken."""
BACKLOG: Final = 128
CONNECTIONS_MAX: Final = 1_024
"""Open at once; each costs some ten kilobytes. More are answered with 503."""
KEEP_ALIVE_S: Final = 5
LEAVE_S: Final = 2
"""Wire, that open pages get to end when the console does."""


def serve(state: StateFolder, port: int | None, ready: Callable[[int], None]) -> None:
    """Serve until it is ended; raise `ClusterError` where it cannot listen.

    `ready` is called with the port once requests are taken.
    """
    with _listen(port) as listening:
        bound: int = listening.getsockname()[1]
        app = build(state)
        keep_record(state, bound)
        ready(bound)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws="none",
                lifespan="on",
                limit_concurrency=CONNECTIONS_MAX,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=LEAVE_S,
            )
        )
        server.run(sockets=[listening])


def _listen(port: int | None) -> socket.socket:
    """Bind loopback: the port named, else the usual one, else a free one."""
    problem = ""
    for tried in (port,) if port is not None else (PORT, 0):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((LOOPBACK, tried))
            listening.listen(BACKLOG)
        except OSError as error:
            listening.close()
            problem = f"port {tried} of {LOOPBACK}: {os.strerror(error.errno or 0)}"
        else:
            return listening
    raise ClusterError(f"the console cannot listen on {problem}; name another one with --port")
