"""`config check|show|new`: read the configuration as a start would, show it, write a first one."""

from pathlib import Path
from typing import Any

import click
import msgspec

from actors.config import FleetConfig, config_id
from actors.runtime import load_config
from cluster.config.new import Answers, config_text
from cluster.config.offline import read_offline
from cluster.config.show import setting_lines, settings_of
from cluster.errors import ClusterError, FleetError
from cluster.terminal.console import (
    config_option,
    emit,
    json_option,
    notify,
    show_text,
    state_of,
    state_option,
)
from cluster.terminal.counting import counted
from signals.market import Asset, Timeframe
from signals.strategy import strategy_names

SLOT_USD_MAX = 100_000
FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("config")
def command() -> None:
    """Check, show or write a configuration."""


@command.command()
@config_option
@json_option
def check(config: Path, as_json: bool) -> None:  # noqa: FBT001 click passes flags by name
    """Check the configuration file without starting anything."""
    found, _ = read_offline(config)
    if as_json:
        emit(found)
    else:
        notify(
            f"{config} is valid: {counted(len(found.slots), 'slot')}, mode {found.mode}, "
            f"id {config_id(found)[:12]}"
        )


@command.command()
@config_option
@click.option(
    "--running", is_flag=True, help="Show the configuration that the fleet was started with."
)
@state_option
@json_option
def show(config: Path, running: bool, state: str | None, as_json: bool) -> None:  # noqa: FBT001 click
    """Show every setting that is in force, and where each comes from."""
    if running:
        stored = _stored(state_of(state).storage)
        settings = settings_of(stored, _as_document(stored))
    else:
        settings = settings_of(*read_offline(config))
    if as_json:
        emit(settings, "settings")
        return
    for line in setting_lines(settings):
        show_text(line)


def _stored(storage: Path) -> FleetConfig:
    try:
        return load_config(str(storage))
    except FileNotFoundError:
        raise FleetError(
            f"no fleet was started in {storage.parent} yet: `midstride run` starts one"
        ) from None


def _as_document(config: FleetConfig) -> dict[str, Any]:
    """Return a stored configuration as if a file had set all of it: its defaults are frozen."""
    document: dict[str, Any] = msgspec.to_builtins(config)
    slots = {slot.pop("slot"): slot for slot in document["slots"]}
    return {**document, "slots": slots}


@command.command()
@click.option("--out", type=FILE, default=Path("my-fleet.toml"), show_default=True)
@click.option("--assets", help="Comma-separated, e.g. btc,eth.")
@click.option("--timeframes", help="Comma-separated: 5m, 15m, 4h.")
@click.option("--strategy", help="A strategy by name.")
@click.option("--slot-usd", type=click.IntRange(1, SLOT_USD_MAX), help="Capital of one slot.")
@click.option(
    "--daily-loss-usd", type=click.IntRange(1), help="Loss of a day at which buying stops."
)
def new(out: Path, **given: Any) -> None:
    """Ask five questions and write a commented configuration."""
    if out.exists():
        raise ClusterError(f"{out} exists; name another file with --out")
    answers = Answers(
        assets=_choices("Assets", given["assets"], [str(one) for one in Asset]),
        timeframes=_choices("Timeframes", given["timeframes"], [*Timeframe], "5m,15m"),
        strategy=_strategy(given["strategy"]),
        slot_usd=_number("Capital of one slot, USD", given["slot_usd"], 100),
        daily_loss_usd=_number("Loss of a day that stops orders, USD", given["daily_loss_usd"], 50),
    )
    try:
        out.write_text(config_text(answers), encoding="utf-8")
    except OSError as error:
        raise ClusterError(
            f"{out} cannot be written ({error.strerror}): name another file"
        ) from error
    count = counted(len(answers.slots), "slot")
    notify(f"wrote {out}: {count}; start with `midstride run --config {out}`")


def _choices(what: str, given: str | None, allowed: list[str], usual: str = "") -> tuple[str, ...]:
    text = given or click.prompt(
        f"{what}, with commas between", default=usual or ",".join(allowed), err=True
    )
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    unknown = [word for word in words if word not in allowed]
    if unknown or not words:
        named = ", ".join(unknown) or "nothing"
        raise click.UsageError(f"{what}: {named} is unknown; there are {', '.join(allowed)}")
    return words


def _strategy(given: str | None) -> str:
    names = strategy_names()
    choice = click.Choice(names)
    if given is None:
        return str(click.prompt("Strategy", default="five_factor", type=choice, err=True))
    if given not in names:
        raise click.UsageError(f"unknown strategy {given}; there are {', '.join(names)}")
    return given


def _number(what: str, given: int | None, default: int) -> int:
    if given is not None:
        return given
    kind = click.IntRange(1, SLOT_USD_MAX)
    return int(click.prompt(what, default=default, type=kind, err=True))
