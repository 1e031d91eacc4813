"""What the fleet uses of Polymarket."""

from typing import Final

from actors.config import FleetConfig
from actors.market_data.venue_feed import Deliver, Keep, VenueFeed
from actors.redemption.port import RedeemPort
from actors.venue.account_report import AccountReport, Credentials
from actors.venue.adapter import Adapter
from actors.venue.key_kinds import key_problem
from actors.venue.keys import PrivateKeyError, load_private_key
from actors.venue.kinds import VenueKind, kind_of
from actors.venue.polymarket.environment import deposit_wallet
from actors.venue.polymarket.examining import examine, refresh_allowances
from actors.venue.polymarket.opening import Absent, connect, create_credentials
from actors.venue.polymarket.public import PublicReads
from actors.venue.polymarket.redeeming import connect_redeeming
from actors.venue.polymarket.venue import PolymarketVenue
from actors.venue.port import Rejected, Unknown


class PolymarketAdapter:
    async def connect(
        self, config: FleetConfig, timeout_s: float
    ) -> PolymarketVenue | Rejected | Unknown:
        problem = _key_problem(config)
        if problem is not None:
            return Rejected(code="refused", message=problem)
        absent = Absent.REFUSE if kind_of(config) is VenueKind.LIVE else Absent.MAKE
        return await connect(config.venue, timeout_s, absent)

    def public(self, config: FleetConfig, timeout_s: float) -> PublicReads:
        return PublicReads(config.venue, timeout_s)

    def feed(self, config: FleetConfig, deliver: Deliver, keep: Keep) -> VenueFeed:
        from actors.feeds.polymarket_feed import PolymarketFeed  # the gateway needs none of it

        return PolymarketFeed(config, deliver, keep)

    async def examine(self, config: FleetConfig, timeout_s: float) -> AccountReport:
        return await examine(config.venue, timeout_s)

    async def create_credentials(self, config: FleetConfig) -> Credentials | Rejected | Unknown:
        return await create_credentials(config.venue)

    async def refresh_allowances(
        self, config: FleetConfig, timeout_s: float
    ) -> Rejected | Unknown | None:
        return await refresh_allowances(config.venue, timeout_s)

    async def connect_redeeming(
        self, config: FleetConfig, timeout_s: float
    ) -> RedeemPort | Rejected | Unknown:
        problem = _key_problem(config)
        if problem is not None:
            return Rejected(code="refused", message=problem)
        return await connect_redeeming(config.venue, timeout_s)

    def check_key(self, config: FleetConfig) -> None:
        problem = _key_problem(config)
        if problem is not None:
            raise PrivateKeyError(problem)

    def wallet(self, config: FleetConfig) -> str:
        return config.venue.wallet or deposit_wallet(load_private_key(config.venue))


def _key_problem(config: FleetConfig) -> str | None:
    return key_problem(config, load_private_key(config.venue))


ADAPTER: Final[Adapter] = PolymarketAdapter()
