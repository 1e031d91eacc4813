"""The settlement price: 60-second averages from the venue's authenticated price socket.

The socket wants API credentials, any account's. Market data holds no trading key: each life makes
one throwaway key in memory, which owns nothing and signs nothing but its own log-in. Connections
that follow use the credentials of the first.
"""

import secrets
from collections.abc import Sequence
from typing import Final

from eth_account import Account
from polymarket import AsyncSecureClient
from polymarket.models.clob.api_key import ApiKeyCreds
from polymarket.models.price_events import (
    CryptoTwapPriceEvent,
    CryptoTwapPriceSnapshotEvent,
    CryptoTwapPriceUpdateEvent,
    RealtimePricePoint,
)

from actors.config import Venue
from actors.market_data.events import TicksReceived
from actors.venue.polymarket.environment import venue_environment
from signals.market import Asset
from signals.snapshot import Ticks

QUOTE: Final = "usd"
MS_PER_S: Final = 1_000


class PriceLogin:
    """One throwaway key, and the credentials that the venue gave for it."""

    def __init__(self) -> None:
        self._key = "0x" + secrets.token_bytes(32).hex()
        self._credentials: ApiKeyCreds | None = None

    async def open_client(self, venue: Venue) -> AsyncSecureClient:
        """Connect; only the first time asks the venue for credentials. Raises the SDK's errors."""
        client = await AsyncSecureClient.create(
            private_key=self._key,
            wallet=Account.from_key(self._key).address,
            environment=venue_environment(venue),
            credentials=self._credentials,
        )
        self._credentials = client.credentials
        return client


def read_ticks(event: CryptoTwapPriceEvent) -> TicksReceived | None:
    """Read an event's averages; None if the symbol or a value is not of this world."""
    match event:
        case CryptoTwapPriceSnapshotEvent(payload=history):
            return _ticks(history.symbol, history.data)
        case CryptoTwapPriceUpdateEvent(payload=update):
            return _ticks(update.symbol, (update,))


def _ticks(symbol: str, points: Sequence[RealtimePricePoint]) -> TicksReceived | None:
    try:
        asset = Asset(symbol.removesuffix(QUOTE))
    except ValueError:
        return None
    if any(not point.value.is_finite() or point.value <= 0 for point in points):
        return None
    return TicksReceived(
        asset=asset,
        ticks=Ticks(
            observed_ms=tuple(round(point.timestamp.timestamp() * MS_PER_S) for point in points),
            twap=tuple(float(point.value) for point in points),
            spot=(),
        ),
    )
