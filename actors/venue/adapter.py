"""What an adapter offers of its venue: the account behind the port, and reads without an account.

Each adapter is one object of this shape; `actors.venue.connect` chooses it.
"""

from typing import Protocol

from actors.config import FleetConfig
from actors.market_data.venue_feed import Deliver, Keep, VenueFeed
from actors.redemption.port import RedeemPort
from actors.venue.account_report import AccountReport, Credentials
from actors.venue.answers import ListedMarket, TokenBook
from actors.venue.port import Rejected, Unknown, VenuePort
from signals.market import Outcome


class PublicReads(Protocol):
    """Reads of the venue that need no account."""

    async def server_time_ms(self) -> int | Unknown: ...

    async def version(self) -> str | Unknown: ...

    async def market(self, slug: str) -> ListedMarket | Unknown | None: ...

    async def book(self, token_id: str) -> TokenBook | Unknown: ...

    async def resolution(self, condition_id: str) -> Outcome | Unknown | None: ...

    async def close(self) -> None: ...


class Adapter(Protocol):
    """One venue."""

    async def connect(
        self, config: FleetConfig, timeout_s: float
    ) -> VenuePort | Rejected | Unknown:
        """Open the configured account, once; `timeout_s` bounds each later request.

        `Unknown` where the venue cannot be reached: wait and try again. `Rejected` where it refuses
        the key or the wallet. Raises `PrivateKeyError` for a key that is missing or malformed.
        """
        ...

    def public(self, config: FleetConfig, timeout_s: float) -> PublicReads:
        """Open reads without an account. Make them inside a running event loop, close them once."""
        ...

    def feed(self, config: FleetConfig, deliver: Deliver, keep: Keep) -> VenueFeed:
        """Open what market data follows; `keep` is given each frame and body as it came."""
        ...

    async def examine(self, config: FleetConfig, timeout_s: float) -> AccountReport:
        """Read all that the venue says of the account; what is wrong with it says `preflight`.

        Nothing is made or changed at the venue. `timeout_s` bounds each request; the look at the
        heartbeats takes some seconds. Never raises for what the venue or the key file does.
        """
        ...

    async def create_credentials(self, config: FleetConfig) -> Credentials | Rejected | Unknown:
        """Have the venue make credentials for the configured key: only where a person asks for it.

        `DERIVED`: there were some already, nothing was made. Raises `PrivateKeyError`.
        """
        ...

    async def refresh_allowances(
        self, config: FleetConfig, timeout_s: float
    ) -> Rejected | Unknown | None:
        """Have the exchange look at the wallet's approvals anew; None: it did."""
        ...

    async def connect_redeeming(
        self, config: FleetConfig, timeout_s: float
    ) -> RedeemPort | Rejected | Unknown:
        """Open what redeems the wallet's winnings, see `connect`."""
        ...

    def check_key(self, config: FleetConfig) -> None:
        """Check the configured key without asking the venue; raise `PrivateKeyError`."""
        ...

    def wallet(self, config: FleetConfig) -> str:
        """Name the wallet that is traded with, without asking the venue.

        Raises `PrivateKeyError` where it follows from the key and that cannot be read.
        """
        ...
