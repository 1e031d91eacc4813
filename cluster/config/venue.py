"""The [venue] table: whose addresses, which key and wallet, in each mode."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from actors.config import Mode, Venue
from actors.market_data.sources.addresses import SourceAddress
from actors.venue.connect import ADAPTERS
from actors.venue.kinds import on_this_machine
from cluster.config.errors import ConfigError
from cluster.config.slots import check_assets
from cluster.config.tables import read_table
from signals.market_time import MarketClock

KEY_FIELDS: Final = (
    "private_key_file",
    "private_key_env",
    "wallet",
    "chain_id",
    "adapter",
    "more_assets",
)
"""Fields of `Venue` that a sandbox's file may set; its URLs come from the running exchange. A paper
or live file names the URLs, and stand-ins on this machine go before them."""
OWN: Final = ("private_key_file", "private_key_env", "wallet")
"""What a person has; neither paper nor a rehearsal reads any of it."""


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What the file cannot know."""

    storage: str
    clock: MarketClock
    venue: dict[str, str]
    """Fields of `Venue` that the sandbox process reports."""
    exchanges: tuple[SourceAddress, ...] = ()
    """Stand-ins of the data exchanges that the sandbox process reports."""
    private_key_file: str | None = None
    """Used when the file names no key, and always in a rehearsal."""

    @property
    def stands_in(self) -> bool:
        """Tell whether the venue is simulated on this machine."""
        return on_this_machine(self.venue.get("clob_url", ""))


def read_venue(file: str, table: Any, deployment: Deployment, mode: Mode) -> Venue:
    if not isinstance(table, dict):
        raise ConfigError(file, "venue", table, "a table [venue]")
    fields = KEY_FIELDS if mode is Mode.SANDBOX else Venue.__struct_fields__
    for key in table:
        if key == "private_key":
            raise ConfigError.because(
                file,
                "venue.private_key",
                "venue.private_key: a key never stands in a configuration; name its file with "
                "private_key_file or its environment variable with private_key_env",
            )
        if key not in fields:
            raise ConfigError.unknown(file, f"venue.{key}", [f"venue.{name}" for name in fields])
    merged = _merged(file, table, deployment, mode)
    given = {key: value for key, value in merged.items() if value is not None}
    venue: Venue = read_table(file, "venue", Venue, given)
    if venue.adapter not in ADAPTERS:
        raise ConfigError(file, "venue.adapter", venue.adapter, " or ".join(ADAPTERS))
    check_assets(file, venue.more_assets)
    return venue


def _merged(
    file: str, table: dict[str, Any], deployment: Deployment, mode: Mode
) -> Mapping[str, Any]:
    if mode is Mode.PAPER:
        return _without_key(file, {**_here_only(table, deployment), **deployment.venue})
    if mode is Mode.LIVE and not deployment.stands_in:
        return _with_key(file, {**table, **deployment.venue})
    if mode is Mode.LIVE:
        public = {key: value for key, value in table.items() if key not in OWN}
        here = {**_here_only(public, deployment), **deployment.venue}
        return {**here, "private_key_file": deployment.private_key_file}
    merged = {**deployment.venue, **table}
    if not table.get("private_key_file") and not table.get("private_key_env"):
        merged["private_key_file"] = deployment.private_key_file
    return merged


def _here_only(table: dict[str, Any], deployment: Deployment) -> dict[str, Any]:
    """Leave out what no stand-in takes the place of: nothing beside them is asked."""
    away = ("region_url",) if deployment.stands_in else ()
    return {key: value for key, value in table.items() if key not in away}


def _without_key(file: str, table: dict[str, Any]) -> dict[str, Any]:
    """Refuse a trading key in paper mode: nothing there reads one."""
    for key in OWN:
        if table.get(key) is not None:
            raise ConfigError.because(
                file,
                f"venue.{key}",
                f"venue.{key}: paper trades without a trading key; remove this line",
            )
    return table


def _with_key(file: str, table: dict[str, Any]) -> dict[str, Any]:
    """Refuse a live file that does not say whose money it is, and where its key lies."""
    if not table.get("private_key_file") and not table.get("private_key_env"):
        raise ConfigError.because(
            file,
            "venue.private_key_file",
            "venue.private_key_file: live trading needs a key; name its file here, or its "
            "environment variable with private_key_env",
        )
    if not table.get("wallet"):
        raise ConfigError.because(
            file,
            "venue.wallet",
            "venue.wallet: live trading names the wallet whose money it uses; copy its address "
            "from the venue's page",
        )
    return table
