"""The venue's SDK, loaded only by a process that trades with it.

Ray loads an actor's module in every process that has a handle of that actor. The SDK and its
signing libraries cost 1.5 s of a core and 40 MB of memory; sixteen slots ask the gateway, and none
of them ever speaks to the venue.
"""

import importlib
from typing import Final

from actors.config import Venue
from actors.venue.port import Rejected, Unknown, VenuePort

ADAPTER: Final = "actors.venue.polymarket"


def load_sdk() -> None:
    """Load it now; before this process attests what it has loaded."""
    importlib.import_module(ADAPTER)


async def connect(venue: Venue, timeout_s: float) -> VenuePort | Rejected | Unknown:
    """Connect through the adapter, see `actors.venue.polymarket.connect`."""
    from actors.venue import polymarket

    return await polymarket.connect(venue, timeout_s)
