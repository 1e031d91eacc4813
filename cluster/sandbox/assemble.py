"""Put the exchange together from a state folder, a seed and a tape: what the server calls."""

from pathlib import Path
from typing import NamedTuple

from cluster.sandbox.clock import ClockFile
from cluster.sandbox.exchange import Exchange, ExchangeConfig
from cluster.sandbox.ledger import Ledger


class Sandbox(NamedTuple):
    exchange: Exchange
    clock: ClockFile
    ledger: Ledger


def open_sandbox(
    folder: Path, config: ExchangeConfig, *, tape: Path | None, wire_ms: int
) -> Sandbox:
    """Open or resume a sandbox; raise `TapeError` or `LedgerError` with a sentence for the user.

    Call `clock.keep(wire_ms)` for each instant, `ledger.sync()` to reach the disk, and on the way
    out `ledger.close()` and `clock.close(wire_ms)`.
    """
    raise NotImplementedError
