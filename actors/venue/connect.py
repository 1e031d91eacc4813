"""The one place where a trading venue's adapter is chosen.

The gateway, market data and all commands come here.

An adapter is loaded only by a process that speaks to its venue. Ray loads an actor's module in
every process that has a handle of that actor. The SDK of Polymarket and its signing libraries cost
1.5 s of a core and 40 MB of memory; every slot has a handle of the gateway, none of them ever
speaks to the venue.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from actors.config import FleetConfig, Mode
from actors.market_data.venue_feed import Deliver, Keep, VenueFeed
from actors.redemption.port import RedeemPort
from actors.venue.adapter import Adapter
from actors.venue.kinds import address_problem, kind_of
from actors.venue.port import Cancelled, Rejected, Unknown, VenuePort
from actors.venue.storage_mark import mark_problem

ADAPTERS: Final[Mapping[str, str]] = {
    "polymarket": "actors.venue.polymarket.adapter",
}
"""By the configuration's `venue.adapter`: the module whose `ADAPTER` is used."""
FIRST_CANCELS: Final[Mapping[str, str]] = {
    "polymarket": "actors.venue.polymarket.first_cancel",
}
"""By the same key: the module whose `first_cancel` cancels everything without loading the rest."""
PAPER_ADAPTER: Final = "actors.venue.paper.adapter"
"""In paper mode, whatever venue it is: orders are filled here, no key is read."""


def adapter_of(config: FleetConfig) -> Adapter:
    """Load the adapter of the configured venue."""
    paper = config.mode is Mode.PAPER
    module = importlib.import_module(PAPER_ADAPTER if paper else ADAPTERS[config.venue.adapter])
    adapter: Adapter = module.ADAPTER
    return adapter


def feed_of(config: FleetConfig, deliver: Deliver, keep: Keep) -> VenueFeed:
    """Open what market data follows, see `Adapter.feed`."""
    return adapter_of(config).feed(config, deliver, keep)


async def connect(config: FleetConfig, timeout_s: float) -> VenuePort | Rejected | Unknown:
    """Open the configured account, see `Adapter.connect`.

    `Rejected` also for a storage of another kind (paper money and real money never share one), and
    for an address that does not belong to the fleet's kind.
    """
    problem = mark_problem(Path(config.storage), kind_of(config))
    if problem is not None:
        return Rejected(code="refused", message=problem)
    return await connect_to_stop(config, timeout_s)


async def connect_to_stop(config: FleetConfig, timeout_s: float) -> VenuePort | Rejected | Unknown:
    """Open the account to cancel what rests: the storage is neither asked nor written."""
    problem = address_problem(config)
    if problem is not None:
        return Rejected(code="refused", message=problem)
    return await adapter_of(config).connect(config, timeout_s)


def first_cancel(config: FleetConfig, timeout_s: float) -> Cancelled | Unknown:
    """Cancel all orders at once, without the adapter; blocks. Raises `PrivateKeyError`.

    `Unknown` also for a venue that has no such way: then the adapter is the first to cancel.
    """
    module = FIRST_CANCELS.get(config.venue.adapter)
    away = address_problem(config)
    if module is None or config.mode is Mode.PAPER or away is not None:
        return Unknown(reason=away or "there is no quicker way than the adapter")
    cancelled: Cancelled | Unknown = importlib.import_module(module).first_cancel(
        config.venue, timeout_s
    )
    return cancelled


async def connect_redeeming(
    config: FleetConfig, timeout_s: float
) -> RedeemPort | Rejected | Unknown:
    """Open what redeems the wallet's winnings; `Rejected` as for `connect`."""
    problem = mark_problem(Path(config.storage), kind_of(config)) or address_problem(config)
    if problem is not None:
        return Rejected(code="refused", message=problem)
    return await adapter_of(config).connect_redeeming(config, timeout_s)
