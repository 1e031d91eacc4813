"""The gateway's view of a trading venue: one shape for every adapter.

Rules an adapter keeps:

* An expected failure is a value, never an exception; every await inside has a timeout.
* `Unknown` means that the outcome is not known (never "failed"): look it up by id, or post the same
  bytes again. `Unavailable` and `Rejected` mean that the venue definitely did not accept.
* All times at this port are wire time: signatures, matches and server time are real everywhere.
"""

from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from actors.venue.answers import AccountBalance, ListedMarket, OddRow, TokenBook
from signals.decision import Style
from signals.market import Outcome, Side
from signals.units import MicroShares, MicroUsd, PriceMicroUsd

# ---- orders -----------------------------------------------------------------------------------


class UnsignedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway wants: risk has approved it, nothing has left yet."""

    condition_id: str
    token_id: str
    side: Side
    style: Style
    """REST posts a post-only GTC order, TAKE a fill-and-kill at the limit."""
    price: PriceMicroUsd
    """Limit, on the market's tick."""
    shares: MicroShares
    """Positive multiple of `signals.units.SIZE_STEP_MICRO_SHARES`."""


class SignedOrder(msgspec.Struct, frozen=True, kw_only=True, tag="signed_order"):
    """A signed order whose bytes any later life can post again as they are."""

    order_id: str
    """The order's EIP-712 hash: the venue's id, known before the post."""
    body: bytes
    """All that a post needs, in a versioned form of the adapter's own; holds no secret."""
    signed_wire_ms: int


class Unsignable(msgspec.Struct, frozen=True, kw_only=True, tag="unsignable"):
    """The order cannot be signed (off tick, too small, market unknown); nothing left."""

    code: str
    """`input`, `signing`, `metadata` or `timeout`."""
    reason: str


SignOutcome = SignedOrder | Unsignable


class Unknown(msgspec.Struct, frozen=True, kw_only=True, tag="unknown"):
    """The answer was lost, late or not understood: the request may or may not have landed."""

    reason: str


class UnavailableKind(StrEnum):
    RESTARTING = "restarting"
    """425: the matching engine restarts, about 90 s."""
    POST_ONLY = "post_only"
    """Only post-only orders and cancels for a while after a restart."""
    CANCEL_ONLY = "cancel_only"
    DISABLED = "disabled"
    """Trading is stopped: not even cancels are taken."""
    RATE_LIMITED = "rate_limited"


class Unavailable(msgspec.Struct, frozen=True, kw_only=True, tag="unavailable"):
    """The venue did not take it now; the same bytes may be posted later."""

    kind: UnavailableKind
    retry_after_ms: int
    """Wire time; the venue's own advice, or the adapter's default for this kind."""


class AcceptedStatus(StrEnum):
    LIVE = "live"
    MATCHED = "matched"
    """Provisional: the fill counts when its trade is confirmed."""
    DELAYED = "delayed"
    """Held for the taker delay; cannot be cancelled meanwhile."""
    UNMATCHED = "unmatched"
    """Accepted, nothing matched after the delay."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag="accepted"):
    status: AcceptedStatus
    order_id: str = ""
    """As the venue answered: it must equal the signed order's id."""


class Duplicated(msgspec.Struct, frozen=True, kw_only=True, tag="duplicated"):
    """The venue has these bytes already: an earlier post landed. Says nothing about fills."""


class Rejected(msgspec.Struct, frozen=True, kw_only=True, tag="rejected"):
    """The venue refused it for good; a new decision is needed."""

    code: str
    """Stable: one of `actors.venue.reject_codes.REJECT_CODES`."""
    message: str


def reason_of(refused: Rejected | Unknown) -> str:
    """Return why nothing was opened or done, in the words of who said so."""
    return refused.message if isinstance(refused, Rejected) else refused.reason


PostOutcome = Accepted | Duplicated | Rejected | Unavailable | Unknown


class NotCancelled(msgspec.Struct, frozen=True, kw_only=True):
    order_id: str
    reason: str
    """The venue's text, e.g. already matched, already cancelled, not found, in taker delay."""


class Cancelled(msgspec.Struct, frozen=True, kw_only=True, tag="cancelled"):
    """The venue's answer order by order; `not_cancelled` needs a look at orders and trades."""

    cancelled: tuple[str, ...]
    not_cancelled: tuple[NotCancelled, ...] = ()


CancelOutcome = Cancelled | Rejected | Unavailable | Unknown

# ---- what the venue has -----------------------------------------------------------------------


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True, tag="venue_order"):
    """An open order as the venue lists it."""

    order_id: str
    condition_id: str
    token_id: str
    side: Side
    price: PriceMicroUsd
    shares: MicroShares
    filled_shares: MicroShares
    status: str
    created_wire_ms: int


class TradeStatus(StrEnum):
    MATCHED = "MATCHED"
    MINED = "MINED"
    CONFIRMED = "CONFIRMED"
    RETRYING = "RETRYING"
    FAILED = "FAILED"

    @property
    def final(self) -> bool:
        return self in (TradeStatus.CONFIRMED, TradeStatus.FAILED)


class VenueTrade(msgspec.Struct, frozen=True, kw_only=True, tag="venue_trade"):
    """One fill of one own order: a trade that touches two own orders gives two of these."""

    fill_id: str
    """``<trade id>/<order id>``."""
    order_id: str
    condition_id: str
    token_id: str
    side: Side
    """Of the own order, not of the taker."""
    price: PriceMicroUsd
    shares: MicroShares
    of_shares: MicroShares = MicroShares(0)
    """Of the order's whole part in the trade, which may be told in several prices; 0: `shares`."""
    maker: bool
    fee_micro_usd: MicroUsd
    """Computed from the market's own schedule (makers 0): the venue's trades carry none."""
    status: TradeStatus
    matched_wire_ms: int


class OrderChange(StrEnum):
    PLACEMENT = "PLACEMENT"
    UPDATE = "UPDATE"
    CANCELLATION = "CANCELLATION"


class OrderEvent(msgspec.Struct, frozen=True, kw_only=True, tag="order_event"):
    """The user stream about one own order; may come late, twice, out of order or never."""

    order_id: str
    condition_id: str
    change: OrderChange
    filled_shares: MicroShares


class StreamLost(msgspec.Struct, frozen=True, kw_only=True, tag="stream_lost"):
    """The user stream was silent or dropped events: reconcile by `open_orders` and `trades`."""

    reason: str


VenueEvent = OrderEvent | VenueTrade | StreamLost

# ---- heartbeat --------------------------------------------------------------------------------


class Beaten(msgspec.Struct, frozen=True, kw_only=True, tag="beaten"):
    heartbeat_id: str
    """Chain it: the next heartbeat must carry it."""


class HeartbeatMismatch(msgspec.Struct, frozen=True, kw_only=True, tag="heartbeat_mismatch"):
    """Refused, the deadline was not moved: send again at once with this id."""

    heartbeat_id: str


HeartbeatOutcome = Beaten | HeartbeatMismatch | Rejected | Unavailable | Unknown


VERSION_KNOWN: Final = "2"
"""Of the venue's protocol: the one that orders are signed for."""


class VenuePort(Protocol):
    """A trading venue. Opened by its adapter's `connect`, closed once."""

    async def sign(self, order: UnsignedOrder) -> SignOutcome:
        """Sign, without network once `warm` has seen the token."""
        ...

    async def post(self, signed: SignedOrder) -> PostOutcome:
        """Post exactly these bytes; the same call is the safe retry."""
        ...

    async def cancel(self, order_ids: Sequence[str]) -> CancelOutcome: ...

    async def cancel_all(self) -> CancelOutcome: ...

    async def open_orders(self) -> tuple[VenueOrder, ...] | Unknown: ...

    async def trades(self, after_s: int) -> tuple[VenueTrade, ...] | Unknown:
        """List own fills matched at or after `after_s` (Unix seconds, wire), oldest first."""
        ...

    async def heartbeat(self, heartbeat_id: str) -> HeartbeatOutcome:
        """Send one; the first accepted post arms cancel-all after 10 s of silence. "" starts."""
        ...

    async def resolution(self, condition_id: str) -> Outcome | Unknown | None:
        """Return the winner, or None while the market is not resolved."""
        ...

    def events(self) -> AsyncIterator[VenueEvent]:
        """Follow the user stream without end; best effort, reconciliation is the truth."""
        ...

    async def warm(self, condition_id: str, token_id: str) -> Unknown | None:
        """Load what signing needs of a token; None when it is there."""
        ...

    async def server_time_ms(self) -> int | Unknown: ...

    async def version(self) -> str | Unknown:
        """Read which version of its protocol the venue speaks now."""
        ...

    async def market(self, slug: str) -> ListedMarket | Unknown | None:
        """Return the market listed under a slug, None while there is none."""
        ...

    async def book(self, token_id: str) -> TokenBook | Unknown:
        """Read the best prices of a token now."""
        ...

    async def account(self, token_ids: Sequence[str]) -> AccountBalance | Unknown:
        """Read the account's cash, its approvals, and what it holds of these tokens."""
        ...

    def odd_rows(self) -> tuple[OddRow, ...]:
        """Return rows of the newest listings that are not as they should be."""
        ...

    async def close(self) -> None: ...
