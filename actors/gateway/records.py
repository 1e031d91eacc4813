"""What the gateway's log holds. The durable state is the fold of these records, nothing else.

Rules of change are those of messages: append fields with defaults only; a tag keeps its meaning.
"""

import msgspec

from actors.gateway.exposure import Holding
from actors.gateway.order_life import Order
from actors.messages import (
    FenceRecord,
    Filled,
    Intent,
    OrderSigned,
    OutboxEvent,
    TradingState,
)
from signals.market import Outcome
from signals.units import MicroUsd

# ---- the durable state ------------------------------------------------------------------------


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """An incarnation number that was given out and does not own its slot (yet)."""

    incarnation: int
    release: str
    handoff: str | None = None
    request: str | None = None


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """One slot's row of the fence table."""

    slot: str
    last_incarnation: int = 0
    """Highest number ever issued; numbers are never issued again."""
    vacant_for: Issued | None = None
    """May claim the slot: a vacancy was declared for it."""
    standbys: tuple[Issued, ...] = ()
    owner: FenceRecord | None = None
    previous: FenceRecord | None = None
    """Owner before the last handoff: kept warm until its rollout retires it. A vacancy has none."""
    history: tuple[FenceRecord, ...] = ()
    """Newest last, at most `HISTORY_MAX`: readers of the journal void rows by it."""

    @property
    def fence(self) -> int:
        return self.owner.fence if self.owner else 0


class KeptIntent(msgspec.Struct, frozen=True, kw_only=True):
    """The first content of an intent id, and what became of it."""

    intent: Intent
    wire_ms: int
    market_ms: int
    order_id: str | None = None
    refusal: str | None = None
    """Code."""

    @property
    def undecided(self) -> bool:
        return self.order_id is None and self.refusal is None


class KeptFill(msgspec.Struct, frozen=True, kw_only=True):
    fill: Filled
    slot: str
    wire_ms: int
    final: bool = False
    failed: bool = False


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """A market in which at least one order was written."""

    condition_id: str
    close_ms: int
    slots: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    """Slots that were told of the settlement."""
    winner: Outcome | None = None

    @property
    def settled(self) -> bool:
        return self.winner is not None and set(self.told) == set(self.slots)


class Outbox(msgspec.Struct, frozen=True, kw_only=True):
    last_sequence: int = 0
    acknowledged: int = 0
    events: tuple[OutboxEvent, ...] = ()
    """Oldest first, without a gap, up to `last_sequence`."""


class StoredLedger(msgspec.Struct, kw_only=True):
    """A ledger as a base of the log holds it: the same fields, plain dictionaries."""

    generation: int = 0
    trading: TradingState = TradingState.ACTIVE
    trading_reason: str = "start"
    trading_who: str = ""
    seats: dict[str, Seat] = {}
    intents: dict[str, KeptIntent] = {}
    """In the order of their arrival."""
    undecided: dict[str, Intent] = {}
    """Received, neither refused nor signed yet: approved ones count as open orders."""
    orders: dict[str, Order] = {}
    """Not ended."""
    ended: dict[str, Order] = {}
    fills: dict[str, KeptFill] = {}
    holdings: dict[str, Holding] = {}
    markets: dict[str, Market] = {}
    outbox: dict[str, Outbox] = {}
    latched: dict[str, str] = {}
    """Slot to the reason of its throttle; a person's resume clears it."""
    day: int = 0
    """Market day (days since 1970, UTC) that `day_realized_micro_usd` is of."""
    day_realized_micro_usd: MicroUsd = MicroUsd(0)
    end_counts: dict[str, int] = {}
    cash_micro_usd: MicroUsd = MicroUsd(0)
    """What all fills moved in cash, fees included, failed ones left out: only differences of it
    mean something."""
    paid_micro_usd: MicroUsd = MicroUsd(0)
    """What all settlements pay, by the winners that slots were told of."""
    forgotten_wire_ms: int = 0
    """Newest signature or fill that was forgotten: older trades of unknown orders may be ours."""


# ---- the records ------------------------------------------------------------------------------


class Base(msgspec.Struct, frozen=True, kw_only=True, tag="base"):
    """Replaces all records before it."""

    ledger: StoredLedger


class GenerationTaken(msgspec.Struct, frozen=True, kw_only=True, tag="generation_taken"):
    generation: int
    name: str
    life: str
    wire_ms: int
    release: str = ""


class IncarnationIssued(msgspec.Struct, frozen=True, kw_only=True, tag="incarnation_issued"):
    slot: str
    incarnation: int
    release: str
    vacant: bool
    reason: str
    handoff: str | None
    wire_ms: int
    request: str | None = None


class FenceMoved(msgspec.Struct, frozen=True, kw_only=True, tag="fence_moved"):
    record: FenceRecord


class IntentKept(msgspec.Struct, frozen=True, kw_only=True, tag="intent_kept"):
    intent: Intent
    wire_ms: int
    market_ms: int


class OrderWritten(msgspec.Struct, frozen=True, kw_only=True, tag="order_written"):
    """The write-ahead: one record, so that a torn tail cannot part the event from the bytes."""

    slot: str
    event: OrderSigned
    token_id: str
    body: bytes
    signed_wire_ms: int


class Published(msgspec.Struct, frozen=True, kw_only=True, tag="published"):
    """A fact of a slot's orders: applied here and delivered through the slot's outbox."""

    slot: str
    event: OutboxEvent
    wire_ms: int


class TradingChanged(msgspec.Struct, frozen=True, kw_only=True, tag="trading_changed"):
    state: TradingState
    reason: str
    who: str
    wire_ms: int


class Latched(msgspec.Struct, frozen=True, kw_only=True, tag="latched"):
    slot: str
    reason: str
    wire_ms: int


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True, tag="acknowledged"):
    slot: str
    sequence: int


class Forgotten(msgspec.Struct, frozen=True, kw_only=True, tag="forgotten"):
    """All of a market that was settled a retention ago is dropped."""

    condition_id: str


Record = (
    Base
    | GenerationTaken
    | IncarnationIssued
    | FenceMoved
    | IntentKept
    | OrderWritten
    | Published
    | TradingChanged
    | Latched
    | Acknowledged
    | Forgotten
)

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)


def encode_record(record: Record) -> bytes:
    return _encoder.encode(record)


def decode_record(data: bytes) -> Record:
    """Decode one record; raise `msgspec.ValidationError` for what this release cannot read."""
    return _decoder.decode(data)
