"""Put the exchange together from a state folder, a seed and a tape: what the server calls."""

import hashlib
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from cluster.sandbox.clock import Clock, ClockError, ClockFile
from cluster.sandbox.exchange import Exchange, ExchangeConfig
from cluster.sandbox.ledger import Ledger, LedgerError
from cluster.sandbox.model import MarketTime
from cluster.sandbox.prices.recorded import TAPE_FILES, Tape
from cluster.sandbox.prices.source import Prices
from cluster.sandbox.prices.tape_files import tape_files

ORIGIN_NAME: Final = "origin.json"


class Sandbox(NamedTuple):
    exchange: Exchange
    clock: ClockFile
    ledger: Ledger


class _Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What a state folder's prices were made from; another origin would rewrite its past."""

    seed: int
    tape: str = ""
    """SHA-256 of the tape's files; empty: no tape."""


def open_sandbox(
    folder: Path,
    config: ExchangeConfig,
    *,
    tape: Path | None,
    wire_ms: int,
    before: Clock | None = None,
) -> Sandbox:
    """Open or resume a sandbox; raise `TapeError` or `LedgerError` with a sentence for the user.

    Call `clock.keep(wire_ms)` for each instant, `ledger.sync()` to reach the disk, and on the way
    out `ledger.close()` and `clock.close(wire_ms)`. `before`: the clock to go on with, see there.
    """
    recorded = None if tape is None else _tape_at(tape, config.assets)
    prices = Prices(config.seed, recorded, config.assets)
    ledger = Ledger.open(folder)
    try:
        _check_origin(folder, _Origin(seed=config.seed, tape=_digest(tape)))
        newest = ledger.recovered[-1].market_ms if ledger.recovered else 0
        wall = config.market_time is MarketTime.WALL
        start_market_ms = wire_ms if wall else prices.start_market_ms
        clock = ClockFile.resume(
            folder,
            speed=config.speed,
            start_market_ms=max(start_market_ms, newest),
            wire_ms=wire_ms,
            before=before,
        )
        exchange = Exchange(config, prices, ledger)
    except ClockError as error:
        ledger.close()
        raise LedgerError(str(error)) from error
    except BaseException:  # the lock must not outlive a failed start, whatever failed
        ledger.close()
        raise
    return Sandbox(exchange, clock, ledger)


def _tape_at(folder: Path, assets: tuple[str, ...]) -> Tape:
    from cluster.sandbox.prices.tape import load_tape  # Parquet costs memory: only with a tape

    return load_tape(folder, assets)


def _digest(tape: Path | None) -> str:
    if tape is None:
        return ""
    found = hashlib.sha256()
    for name in TAPE_FILES:
        for path in tape_files(tape, name):
            found.update(path.read_bytes())
    return found.hexdigest()


def _check_origin(folder: Path, origin: _Origin) -> None:
    path = folder / ORIGIN_NAME
    if not path.exists():
        temporary = path.with_suffix(".new")
        temporary.write_bytes(msgspec.json.encode(origin))
        temporary.replace(path)
        return
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_Origin)
    except msgspec.DecodeError as error:
        raise LedgerError(f"{path} is damaged ({error}): start fresh") from error
    if stored != origin:
        raise LedgerError(
            f"{folder} was made with seed {stored.seed} and {_named(stored)}, not with seed"
            f" {origin.seed} and {_named(origin)}: start fresh or use the same"
        )


def _named(origin: _Origin) -> str:
    return f"tape {origin.tape[:12]}" if origin.tape else "no tape"
