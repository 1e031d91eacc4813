"""What the venue says of a market, of a token's book and of the account, as values."""

import msgspec

from signals.market import Outcome
from signals.units import MicroShares, MicroUsd, PriceMicroUsd


class ListedMarket(msgspec.Struct, frozen=True, kw_only=True, tag="listed_market"):
    """A window's market as the venue lists it under its slug."""

    slug: str
    condition_id: str
    up_token_id: str
    down_token_id: str
    min_order_shares: MicroShares
    open_ms: int | None = None
    """Market time, as the venue says it; None where it does not."""
    close_ms: int | None = None

    def token(self, outcome: Outcome) -> str:
        return self.up_token_id if outcome is Outcome.UP else self.down_token_id

    def outcome_of(self, token_id: str) -> Outcome | None:
        """Return which claim a token is; None if it is none of this market's."""
        return next((outcome for outcome in Outcome if self.token(outcome) == token_id), None)


class TokenBook(msgspec.Struct, frozen=True, kw_only=True, tag="token_book"):
    """The best prices of one token now, and its market's tick."""

    token_id: str
    condition_id: str
    tick_micro_usd: int
    bid: PriceMicroUsd | None
    ask: PriceMicroUsd | None

    @property
    def mid(self) -> PriceMicroUsd | None:
        """The middle of best bid and ask; None for a one-sided book."""
        if self.bid is None or self.ask is None:
            return None
        return PriceMicroUsd((self.bid + self.ask) // 2)


class AccountBalance(msgspec.Struct, frozen=True, kw_only=True, tag="account_balance"):
    """What the venue says that the account owns: settled, behind trades that are under way."""

    cash_micro_usd: MicroUsd
    allowance_micro_usd: MicroUsd | None = None
    """The smallest of the exchanges' approvals; None where the venue names none."""
    shares: dict[str, MicroShares] = {}
    """By token that was asked for."""


class OddRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a listing that is not as it should be."""

    listing: str
    """``orders`` or ``trades``."""
    row_id: str
    why: str
    counted: bool = False
    """True: what matters of it was clear, so it counts all the same."""
    order_ids: tuple[str, ...] = ()
    """Orders that it names: what became of them is not known while it is not counted."""
