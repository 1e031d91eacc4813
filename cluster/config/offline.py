"""A configuration file read without a start: what only a start knows is stood in for."""

from pathlib import Path
from typing import Any

import msgspec

from actors.config import FleetConfig, Venue
from cluster.config.load import Deployment, build_config, read_document
from signals.market_time import MarketClock


def read_offline(file: Path) -> tuple[FleetConfig, dict[str, Any]]:
    """Return the configuration and the file's own tables; raise `ConfigError`."""
    document = read_document(file)
    table = document.get("venue", {})
    named = table if isinstance(table, dict) else {}
    urls = {
        field.name: "http://127.0.0.1:1"
        for field in msgspec.structs.fields(Venue)
        if field.name.endswith("_url") and field.name not in named
    }
    deployment = Deployment(storage="/", clock=MarketClock(), venue=urls)
    return build_config(str(file), document, deployment), document
