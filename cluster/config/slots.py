"""Which slots a configuration lists: each must be a market that the venue has. Pure."""

import re
from collections.abc import Iterable
from typing import Final

from actors.config import FleetConfig
from cluster.config.errors import ConfigError, nearest
from cluster.errors import ClusterError
from signals.market import ASSET_NAME, SLOTS_MAX, Asset, Slot, Timeframe

LENGTH: Final = re.compile(r"[1-9][0-9]*[mhdw]")
"""A timeframe, whether the venue has it or not."""
TWICE: Final = re.compile(r"Cannot overwrite a value|Cannot declare .* twice")
"""In the reader's words for a key or a table that stands twice in a TOML file."""
LINE: Final = re.compile(r"at line (\d+)")


def slots_named(file: str, names: Iterable[str], more_assets: tuple[str, ...]) -> tuple[Slot, ...]:
    """Return the slots in the fleet's order; raise `ConfigError` for what the venue has not."""
    slots = [_slot_of(file, name, (*Asset, *more_assets)) for name in names]
    if len(slots) > SLOTS_MAX:
        raise ConfigError.because(
            file,
            "slots",
            f"{len(slots)} slots are listed, one fleet has at most {SLOTS_MAX}: remove "
            f"{len(slots) - SLOTS_MAX} of them",
        )
    return tuple(sorted(slots, key=lambda slot: slot.place))


def _slot_of(file: str, name: str, assets: tuple[str, ...]) -> Slot:
    asset, _, timeframe = name.partition("-")
    if asset in assets and timeframe in set(Timeframe):
        return Slot.parse(name)
    key = f"slots.{name}"
    frames = ", ".join(Timeframe)
    if asset in assets and LENGTH.fullmatch(timeframe):
        reason = f"unknown slot {name}; the venue has no {timeframe} markets, it has {frames}"
    elif timeframe in set(Timeframe) and ASSET_NAME.fullmatch(asset):
        reason = (
            f"unknown slot {name}; {_meant(asset, assets)} If the venue lists {asset}, add it to "
            "venue.more_assets"
        )
    else:
        known = [f"{one}-{frame}" for frame in Timeframe for one in assets]
        near = nearest(name, known)
        hint = f"did you mean {near[0]}?" if near else f"write asset-timeframe ({frames})"
        reason = f"unknown slot {name}; {hint}"
    return _refuse(file, key, reason)


def _meant(asset: str, assets: tuple[str, ...]) -> str:
    near = nearest(asset, assets)
    return f"did you mean {near[0]}?" if near else f"the assets are {', '.join(assets)}."


def _refuse(file: str, key: str, reason: str) -> Slot:
    raise ConfigError.because(file, key, reason)


def check_assets(file: str, more: tuple[str, ...]) -> None:
    """Check the names of further assets; raise `ConfigError`."""
    known = set(Asset)
    named = all(ASSET_NAME.fullmatch(asset) and asset not in known for asset in more)
    if not named or len(set(more)) != len(more):
        raise ConfigError(
            file,
            "venue.more_assets",
            list(more),
            "names of 2 to 10 small letters or digits, each once, none of " + ", ".join(Asset),
        )


def twice(file: str, problem: str, text: str) -> ConfigError:
    """Name the key or table that stands twice; its value is not shown."""
    found = LINE.search(problem)
    lines = text.splitlines()
    number = min(int(found[1]), len(lines)) if found else len(lines)
    key = lines[number - 1].partition("=")[0].strip()
    return ConfigError.because(
        file, key, f"{key} (line {number}) stands in the file twice: remove one of the two"
    )


def check_configured(slots: Iterable[str], config: FleetConfig) -> None:
    """Raise `ClusterError` for a slot that this fleet does not have."""
    configured = [entry.slot for entry in config.slots]
    for name in slots:
        if name not in configured:
            near = nearest(name, configured)
            hint = f"did you mean {near[0]}? " if near else ""
            raise ClusterError(
                f"this fleet has no slot {name}; {hint}its configuration lists "
                f"{', '.join(configured)}"
            )
