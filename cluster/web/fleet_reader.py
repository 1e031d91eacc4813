"""`python -m cluster.web.fleet_reader FOLDER`: asks the fleet's actors for the console.

A process of its own, since it is a driver of Ray: Ray ends its drivers when a head dies, and a join
may hang. It answers each line on stdin with one line on stdout, and ends with its stdin.
"""

import os
import sys
from pathlib import Path
from typing import Final

import msgspec

from actors.clock import wall_ms
from actors.directory import serving
from actors.gateway.status import GatewayStatus
from actors.runtime import load_config
from actors.shared_kind import Kind
from checkpoints.storage import LocalStorage
from cluster.fleet import join_fleet
from cluster.local.state_folder import StateFolder
from cluster.status.page import ask_answers, report
from cluster.web.fleet_seen import Seen, account_of

ASK_SECONDS: Final = 1.5
"""Wire, for each of two rounds: a slot that takes longer keeps its last row, which ages."""


def main(folder: str) -> None:
    """Answer until nobody asks any more."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever Ray prints is no answer
    state = StateFolder(Path(folder))
    link = join_fleet(state)
    storage = LocalStorage(state.storage)
    for _ in sys.stdin:
        config = load_config(str(state.storage))
        answers = ask_answers(link, storage, ASK_SECONDS)
        status = answers.gateway
        seen = Seen(
            wire_ms=int(wall_ms()),
            report=report(config, serving(storage, Kind.GATEWAY), answers),
            account=account_of(status) if isinstance(status, GatewayStatus) else None,
        )
        out.write(msgspec.json.encode(seen) + b"\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Exception as error:  # noqa: BLE001 the console shows why
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(1)
    os._exit(0)  # Ray's own end would wait for its head
