"""What a paper fleet uses of its venue: its public side, and the account that is kept here."""

from typing import Final

from actors.config import FleetConfig
from actors.market_data.venue_feed import Deliver, Keep, VenueFeed
from actors.redemption.port import RedeemPort
from actors.venue.account_report import AccountReport, Credentials
from actors.venue.adapter import Adapter, PublicReads
from actors.venue.paper.venue import PaperVenue, connect
from actors.venue.polymarket import public
from actors.venue.port import Rejected, Unknown

NO_ACCOUNT: Final = Rejected(code="refused", message="paper has no account at the venue")


class PaperAdapter:
    async def connect(
        self, config: FleetConfig, timeout_s: float
    ) -> PaperVenue | Rejected | Unknown:
        return await connect(config, timeout_s)

    def public(self, config: FleetConfig, timeout_s: float) -> PublicReads:
        return public.PublicReads(config.venue, timeout_s)

    def feed(self, config: FleetConfig, deliver: Deliver, keep: Keep) -> VenueFeed:
        from actors.feeds.polymarket_feed import PolymarketFeed  # the gateway needs none of it

        return PolymarketFeed(config, deliver, keep)

    async def examine(self, _config: FleetConfig, _timeout_s: float) -> AccountReport:
        return AccountReport(library="", library_known="", key_problem=NO_ACCOUNT.message)

    async def create_credentials(self, _config: FleetConfig) -> Credentials | Rejected | Unknown:
        return NO_ACCOUNT

    async def refresh_allowances(
        self, _config: FleetConfig, _timeout_s: float
    ) -> Rejected | Unknown | None:
        return NO_ACCOUNT

    async def connect_redeeming(
        self, _config: FleetConfig, _timeout_s: float
    ) -> RedeemPort | Rejected | Unknown:
        return NO_ACCOUNT

    def check_key(self, config: FleetConfig) -> None:
        """Paper trades without a key."""

    def wallet(self, config: FleetConfig) -> str:
        del config
        return "paper"


ADAPTER: Final[Adapter] = PaperAdapter()
