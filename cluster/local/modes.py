"""Which configuration and which exchange a start gets, by mode and beside stand-ins or not."""

from pathlib import Path
from typing import Final

import click
import msgspec

from actors.config import Mode
from cluster.config.load import DEFAULT_FILE, read_document
from cluster.local.sandbox_process import SandboxOptions

PAPER_FILE: Final = DEFAULT_FILE.parent / "paper.toml"
STAND_INS_FILE: Final = DEFAULT_FILE.parent / "paper-standins.toml"
LIVE_FILE: Final = DEFAULT_FILE.parent / "live.toml"
SANDBOX_SPEED: Final = 30


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says."""

    mode: str | None
    config: Path | None
    stand_ins: bool
    speed: int | None
    wall_clock: bool


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    config: Path
    sandbox: SandboxOptions | None
    """None: the real addresses of the configuration."""


def choose(asked: Asked) -> Chosen:
    """Resolve the options of `run`; raises `click.UsageError`, and `ConfigError` for the file."""
    config = asked.config or _file_of(asked)
    mode = Mode(read_document(config)["mode"])
    if asked.mode != mode and (asked.mode is not None or mode is Mode.LIVE):
        said = asked.mode or Mode.SANDBOX
        raise click.UsageError(f"{config} is of mode {mode}, --mode says {said}")
    if mode is Mode.SANDBOX:
        if asked.stand_ins:
            raise click.UsageError("--stand-ins is for paper and live: add --mode paper")
        return Chosen(config=config, sandbox=_exchange(asked, SANDBOX_SPEED))
    _check_speed(asked, mode)
    if not asked.stand_ins:
        return Chosen(config=config, sandbox=None)
    exchange = _exchange(asked, 1)
    real_time = exchange.speed == 1
    claims = mode is Mode.LIVE
    beside = msgspec.structs.replace(exchange, wall_clock=real_time, exchanges=True, claims=claims)
    return Chosen(config=config, sandbox=beside)


def _check_speed(asked: Asked, mode: Mode) -> None:
    if asked.speed in (None, 1):
        return
    if mode is Mode.LIVE:
        raise click.UsageError("live runs in real time, beside stand-ins too: remove --speed")
    if not asked.stand_ins:
        raise click.UsageError("paper runs in real time; --speed needs --stand-ins")


def _file_of(asked: Asked) -> Path:
    match asked.mode:
        case Mode.PAPER:
            return STAND_INS_FILE if asked.stand_ins else PAPER_FILE
        case Mode.LIVE:
            return LIVE_FILE
        case _:
            return DEFAULT_FILE


def _exchange(asked: Asked, default_speed: int) -> SandboxOptions:
    speed = default_speed if asked.speed is None else asked.speed
    if asked.wall_clock and speed != 1:
        raise click.UsageError("--wall-clock needs --speed 1")
    return SandboxOptions(speed=speed, wall_clock=asked.wall_clock)
