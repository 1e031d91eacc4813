"""The port between market data and a trading venue: its markets, books and settlement prices."""

from collections.abc import Callable, Sequence
from typing import Protocol

from actors.market_data.events import Event, FetchBooks, FetchMarket
from signals.market import Asset

Deliver = Callable[[Event], None]
Keep = Callable[[str, bytes], None]
"""Given a stream's name and each frame as it came."""


class VenueFeed(Protocol):
    """What market data reads and follows at one venue. Make it inside a running event loop."""

    async def read(self, ask: FetchMarket | FetchBooks, now_ms: int) -> Event:
        """Answer by exactly one event; `now_ms`: market time."""
        ...

    def follow_prices(self, assets: tuple[Asset, ...]) -> None:
        """Deliver the averages that markets of these assets settle on; again: a new connection."""
        ...

    def follow_books(self, token_ids: Sequence[str], *, anew: bool) -> None:
        """Deliver the books of these tokens and of no others; `anew`: on a new connection."""
        ...

    async def close(self) -> None: ...
