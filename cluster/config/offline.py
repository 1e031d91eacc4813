"""A configuration file read without a start: what only a start knows is stood in for."""

from pathlib import Path
from typing import Any, Final

import msgspec

from actors.config import FleetConfig, Mode, Venue
from cluster.config.load import build_config, read_document
from cluster.config.venue import Deployment
from signals.market_time import MarketClock

NOWHERE: Final = "http://127.0.0.1:1"
URLS: Final = tuple(
    field.name for field in msgspec.structs.fields(Venue) if field.name.endswith("_url")
)


def read_offline(file: Path) -> tuple[FleetConfig, dict[str, Any]]:
    """Return the configuration and the file's own tables; raise `ConfigError`."""
    document = read_document(file)
    table = document.get("venue", {})
    named = table if isinstance(table, dict) else {}
    live = document["mode"] == Mode.LIVE  # its file names every address
    return _build(file, document, [name for name in URLS if name not in named and not live])


def read_beside_stand_ins(file: Path) -> FleetConfig:
    """Return the configuration as it is where a simulated exchange takes the venue's place."""
    return _build(file, read_document(file), URLS)[0]


def _build(
    file: Path, document: dict[str, Any], stood_in: list[str] | tuple[str, ...]
) -> tuple[FleetConfig, dict[str, Any]]:
    venue = dict.fromkeys(stood_in, NOWHERE)
    deployment = Deployment(storage="/", clock=MarketClock(), venue=venue)
    return build_config(str(file), document, deployment), document
