"""Which configuration and which exchange a start gets: sandbox, paper, paper beside stand-ins."""

from pathlib import Path
from typing import Final

import click
import msgspec

from actors.config import Mode
from cluster.config.load import DEFAULT_FILE, read_document
from cluster.local.sandbox_process import SandboxOptions

PAPER_FILE: Final = DEFAULT_FILE.parent / "paper.toml"
STAND_INS_FILE: Final = DEFAULT_FILE.parent / "paper-standins.toml"
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
    if asked.mode is not None and mode != asked.mode:
        raise click.UsageError(f"{config} is of mode {mode}, --mode says {asked.mode}")
    if mode is Mode.SANDBOX:
        if asked.stand_ins:
            raise click.UsageError("--stand-ins is for paper: add --mode paper")
        return Chosen(config=config, sandbox=_exchange(asked, SANDBOX_SPEED))
    if not asked.stand_ins:
        if asked.speed not in (None, 1):
            raise click.UsageError("paper runs in real time; --speed needs --stand-ins")
        return Chosen(config=config, sandbox=None)
    exchange = _exchange(asked, 1)
    real_time = exchange.speed == 1
    beside = msgspec.structs.replace(exchange, wall_clock=real_time, exchanges=True)
    return Chosen(config=config, sandbox=beside)


def _file_of(asked: Asked) -> Path:
    match asked.mode:
        case Mode.PAPER:
            return STAND_INS_FILE if asked.stand_ins else PAPER_FILE
        case Mode.LIVE:
            raise click.UsageError(
                "live trading does not exist yet: paper is as far as it goes (docs/going-live.md)"
            )
        case _:
            return DEFAULT_FILE


def _exchange(asked: Asked, default_speed: int) -> SandboxOptions:
    speed = default_speed if asked.speed is None else asked.speed
    if asked.wall_clock and speed != 1:
        raise click.UsageError("--wall-clock needs --speed 1")
    return SandboxOptions(speed=speed, wall_clock=asked.wall_clock)
