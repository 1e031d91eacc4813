"""What the paper venue writes down: its own store, from which a restart is rebuilt.

Fields are only appended, with defaults: a store outlives releases.
"""

from enum import StrEnum
from typing import Final

import msgspec

from actors.venue.paper.book import in_up_terms, is_bid
from signals.market import Outcome, Side

STORE: Final = "paper/log"
"""Folder of the store under the storage."""


class OrderKind(StrEnum):
    GTC = "GTC"
    FAK = "FAK"
    FOK = "FOK"

    @property
    def immediate(self) -> bool:
        return self is not OrderKind.GTC


class EndReason(StrEnum):
    FILLED = "filled"
    CANCELLED = "cancelled"
    KILLED = "killed"
    """An immediate order's rest, or one that found nothing after its delay."""
    CLOSED = "closed"
    """The market's window ended."""
    SELF_TRADE = "self_trade"
    """An own order of the other side came: the older one goes."""
    HEARTBEAT = "heartbeat"
    """Ten seconds without a heartbeat cancel everything, as at the venue."""


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag="paper_opened"):
    cash_micro_usd: int
    wire_ms: int


class PaperMarket(msgspec.Struct, frozen=True, kw_only=True, tag="paper_market"):
    """A market's terms as the venue published them."""

    condition_id: str
    up_token_id: str
    down_token_id: str
    tick_micro_usd: int
    min_order_shares: int
    fee_rate: str
    fee_exponent: str
    close_ms: int
    """Market time."""

    def outcome_of(self, token_id: str) -> Outcome | None:
        tokens = {self.up_token_id: Outcome.UP, self.down_token_id: Outcome.DOWN}
        return tokens.get(token_id)


class PaperOrder(msgspec.Struct, frozen=True, kw_only=True, tag="paper_order"):
    order_id: str
    condition_id: str
    token_id: str
    outcome: Outcome
    side: Side
    kind: OrderKind
    post_only: bool
    price: int
    shares: int
    budget_micro_usd: int | None = None
    """What an immediate buy spends; None: the size is `shares`."""
    placed_wire_ms: int = 0
    matures_wire_ms: int | None = None
    """A taker waits so long; None: it rests at once."""

    @property
    def is_bid(self) -> bool:
        return is_bid(self.outcome, self.side)

    @property
    def up_price(self) -> int:
        return in_up_terms(self.outcome, self.price)


class Placed(msgspec.Struct, frozen=True, kw_only=True, tag="paper_placed"):
    order: PaperOrder


class Queued(msgspec.Struct, frozen=True, kw_only=True, tag="paper_queued"):
    """A resting order and the shares before it at its price."""

    order_id: str
    ahead_shares: int
    wire_ms: int


class Filled(msgspec.Struct, frozen=True, kw_only=True, tag="paper_filled"):
    trade_id: str
    order_id: str
    condition_id: str
    token_id: str
    outcome: Outcome
    side: Side
    price: int
    shares: int
    fee_micro_usd: int
    maker: bool
    wire_ms: int
    evidence: str
    """What the public data showed: `book 0.43 120.5`, `trade 0.42 30` or `through 0.41 5`."""


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="paper_ended"):
    order_id: str
    reason: EndReason
    wire_ms: int


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="paper_refused"):
    """An order that the rules refused; it never was on the book."""

    order_id: str
    code: str
    wire_ms: int


class Resolved(msgspec.Struct, frozen=True, kw_only=True, tag="paper_resolved"):
    """The venue named the winner: what is held of it became cash."""

    condition_id: str
    winner: Outcome
    paid_micro_usd: int
    wire_ms: int


PaperRecord = Opened | PaperMarket | Placed | Queued | Filled | Ended | Refused | Resolved
_decoder: msgspec.json.Decoder[PaperRecord] = msgspec.json.Decoder(PaperRecord)


def encode(record: PaperRecord) -> bytes:
    return msgspec.json.encode(record)


def decode(data: bytes) -> PaperRecord:
    """Read a stored record; raises `msgspec.DecodeError` for one that this code does not know."""
    return _decoder.decode(data)
