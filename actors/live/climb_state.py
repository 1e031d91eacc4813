"""A climb as it is kept, what happens to it and what it asks for; see `actors.live.climb`."""

from enum import StrEnum
from typing import Final

import msgspec

from actors.machine.vocabulary import At
from signals.units import MicroShares, MicroUsd, PriceMicroUsd

VALID_MS: Final = 24 * 3_600_000
"""Wire. Account, approvals and the venue's rules may change in a day, and a climb costs cents."""


class Phase(StrEnum):
    PLACING = "placing"
    """Signs one post-only order far from the market."""
    POSTING = "posting"
    SEEING = "seeing"
    """Until listing and stream show it."""
    CANCELLING = "cancelling"
    PROVING_GONE = "proving_gone"
    BUYING = "buying"
    """Signs the smallest purchase that can be sold again."""
    POSTING_BUY = "posting_buy"
    PROVING_BOUGHT = "proving_bought"
    SELLING = "selling"
    POSTING_SALE = "posting_sale"
    PROVING_SOLD = "proving_sold"
    DONE = "done"
    WITHDRAWING = "withdrawing"
    """Cancels what an earlier try may have left."""
    FAILED = "failed"


class Purpose(StrEnum):
    FAR = "far"
    BUY = "buy"
    SELL = "sell"


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """An order of the climb, written before it was posted."""

    purpose: Purpose
    order_id: str
    body: bytes
    signed_wire_ms: int
    condition_id: str
    token_id: str
    price: PriceMicroUsd
    shares: MicroShares
    cash_before_micro_usd: MicroUsd = MicroUsd(0)
    held_before: MicroShares = MicroShares(0)
    """Of the token."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """For what a climb counts: another wallet, venue, storage or code of the venue climbs anew."""

    venue: str
    wallet: str
    store: str
    code: str
    """Digest of the release's files that sign and post."""


class Climb(msgspec.Struct, frozen=True, kw_only=True):
    line: Line
    phase: Phase = Phase.PLACING
    orders: tuple[Placed, ...] = ()
    """All that were ever signed, newest last."""
    bought_shares: MicroShares = MicroShares(0)
    bought_micro_usd: MicroUsd = MicroUsd(0)
    """Paid, fees included."""
    sold_shares: MicroShares = MicroShares(0)
    sold_micro_usd: MicroUsd = MicroUsd(0)
    late_shares: MicroShares = MicroShares(0)
    """Of far orders that were filled although they were cancelled; held until they settle."""
    tries: int = 0
    reason: str = ""
    begun_wire_ms: int = 0
    done_wire_ms: int = 0

    def counts_for(self, line: Line, wire_ms: int) -> bool:
        """Tell whether a start at this time needs no other climb."""
        # one after the confirmation is recent too; one far ahead was dated by a wrong clock
        recent = abs(wire_ms - self.done_wire_ms) < VALID_MS
        return self.phase is Phase.DONE and self.line == line and recent

    @property
    def order(self) -> Placed:
        return self.orders[-1]

    @property
    def held_shares(self) -> MicroShares:
        return MicroShares(self.bought_shares - self.sold_shares)

    @property
    def cost_micro_usd(self) -> MicroUsd:
        return MicroUsd(self.bought_micro_usd - self.sold_micro_usd)


# ---- events and work --------------------------------------------------------------------------


class Signed(At, frozen=True, kw_only=True):
    placed: Placed


class TooSmall(At, frozen=True, kw_only=True):
    """What is held is less than the smallest sale: it stays until its market settles."""

    reason: str


class Posted(At, frozen=True, kw_only=True):
    """Accepted, or nobody knows: the proof tells."""


class NotTaken(At, frozen=True, kw_only=True):
    """Refused in a way that another try may mend: the book moved, the shares are too fresh."""

    reason: str


class Seen(At, frozen=True, kw_only=True):
    pass


class CancelTaken(At, frozen=True, kw_only=True):
    pass


class Gone(At, frozen=True, kw_only=True):
    """Listed no more, and quiet for a while."""

    late_shares: MicroShares = MicroShares(0)
    """Filled all the same: the venue may match an order that it has just cancelled."""


class Filled(At, frozen=True, kw_only=True):
    shares: MicroShares
    micro_usd: MicroUsd
    """Of a buy: paid, fees included; of a sale: received."""
    wire_ms: int


class NotFilled(At, frozen=True, kw_only=True):
    pass


class SignOrder(msgspec.Struct, frozen=True, kw_only=True):
    purpose: Purpose
    before: Placed | None = None
    """Of a sale: the purchase."""
    shares: MicroShares = MicroShares(0)
    """Of a sale: what is held."""


class PostOrder(msgspec.Struct, frozen=True, kw_only=True):
    placed: Placed


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    placed: Placed


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True):
    placed: Placed


class ProveGone(msgspec.Struct, frozen=True, kw_only=True):
    placed: Placed


class ProveFilled(msgspec.Struct, frozen=True, kw_only=True):
    placed: Placed


Work = SignOrder | PostOrder | Watch | CancelOrder | ProveGone | ProveFilled
