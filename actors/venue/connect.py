"""The one place where a trading venue's adapter is chosen: the gateway and all commands come here.

An adapter is loaded only by a process that speaks to its venue. Ray loads an actor's module in
every process that has a handle of that actor. The SDK of Polymarket and its signing libraries cost
1.5 s of a core and 40 MB of memory; every slot has a handle of the gateway, none of them ever
speaks to the venue.
"""

import importlib
from collections.abc import Mapping
from typing import Final

from actors.config import FleetConfig
from actors.venue.adapter import Adapter
from actors.venue.port import Rejected, Unknown, VenuePort

ADAPTERS: Final[Mapping[str, str]] = {
    "polymarket": "actors.venue.polymarket.adapter",
}
"""By the configuration's `venue.adapter`: the module whose `ADAPTER` is used."""


def adapter_of(config: FleetConfig) -> Adapter:
    """Load the adapter of the configured venue."""
    adapter: Adapter = importlib.import_module(ADAPTERS[config.venue.adapter]).ADAPTER
    return adapter


async def connect(config: FleetConfig, timeout_s: float) -> VenuePort | Rejected | Unknown:
    """Open the configured account, see `Adapter.connect`."""
    return await adapter_of(config).connect(config, timeout_s)
