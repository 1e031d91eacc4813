"""All that travels between actors: tagged structs, encoded to bytes by msgspec.

Rules of change: append fields with defaults only; anything else gets a new tag; a field name or a
tag is never used again for another meaning. A message the receiver does not know is refused by
name, never guessed. All stand in one file: their names and tags are the wire's, and whoever adds
one sees every other.
"""

from enum import StrEnum
from typing import TypeVar

import msgspec

from signals.decision import Style
from signals.market import Outcome, Side, Timeframe
from signals.units import MicroShares, MicroUsd, PriceMicroUsd

MESSAGE_VERSION = 1
"""Of what this release sends: grows when an older receiver could no longer understand it."""
MESSAGES_READ = 1
"""Up to which version it reads: grows one release earlier, see docs/upgrades.md."""


class Attestation(msgspec.Struct, frozen=True, kw_only=True, tag="attestation"):
    """What really runs in a process, found by hashing the loaded files (checkpoints.release)."""

    release: str
    """SHA-256, hex, of the release's file list."""
    commit: str
    """Git commit, with ``-dirty`` appended where the tree had changes; ``unknown`` without git."""
    message_version: int
    schema_version: int
    """Of the slot state this code writes."""
    fingerprint: str
    """Machine, Python and library versions, one line."""
    root: str
    """Folder the modules were loaded from."""
    pid: int
    process_start: int
    """Clock ticks since boot, from /proc: with the pid it names one process for ever."""
    node_id: str = ""


class FenceRecord(msgspec.Struct, frozen=True, kw_only=True, tag="fence_record"):
    """Who owns a slot: the gateway's durable table has one per slot; the highest fence rules."""

    slot: str
    fence: int
    incarnation: int
    life: str
    release: str
    commit: str
    params: str
    journal_sequence: int
    """Rows of earlier fences beyond this sequence are void."""
    outbox_sequence: int
    """The state that the owner started from has applied the outbox up to here."""
    handoff: str | None = None
    checkpoint: str | None = None
    """Digest of the checkpoint (base or delta) that the owner must start from."""
    logical_hash: str | None = None
    granted_wire_ms: int = 0


# ---- claims -----------------------------------------------------------------------------------


class Claim(msgspec.Struct, frozen=True, kw_only=True, tag="claim"):
    """A process start (life) of an incarnation asks to own its slot."""

    slot: str
    incarnation: int
    life: str
    attestation: Attestation
    params: str
    journal_sequence: int
    outbox_sequence: int
    resume_of_fence: int | None = None
    """A quiesced owner that resumes names the fence it held: resuming is itself a claim."""


class Granted(msgspec.Struct, frozen=True, kw_only=True, tag="granted"):
    record: FenceRecord


class Standby(msgspec.Struct, frozen=True, kw_only=True, tag="standby"):
    """Not the owner (yet): wait and ask again."""

    owner: FenceRecord | None


class Retired(msgspec.Struct, frozen=True, kw_only=True, tag="retired"):
    """A later incarnation owns the slot: exit."""

    owner: FenceRecord


class ClaimRefused(msgspec.Struct, frozen=True, kw_only=True, tag="claim_refused"):
    reason: str


ClaimAnswer = Granted | Standby | Retired | ClaimRefused


class OpenIncarnation(msgspec.Struct, frozen=True, kw_only=True, tag="open_incarnation"):
    """Declare a vacancy (or prepare a handoff): issue the next incarnation number, durably.

    With `vacant` the new incarnation becomes the one that may claim; without, it is a standby until
    a `FenceRequest` names it. Refused if the slot's fence is not `expected_fence`.
    """

    slot: str
    expected_fence: int
    release: str
    vacant: bool
    reason: str
    handoff: str | None = None
    request: str | None = None
    """Names this wish: asked again after a lost answer it gets the same number."""


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag="opened"):
    incarnation: int


class OpenRefused(msgspec.Struct, frozen=True, kw_only=True, tag="open_refused"):
    reason: str
    fence: int


OpenAnswer = Opened | OpenRefused


class FenceRequest(msgspec.Struct, frozen=True, kw_only=True, tag="fence_request"):
    """Compare-and-set of a handoff: the point of no return."""

    slot: str
    expected_fence: int
    handoff: str
    incarnation: int
    life: str
    attestation: Attestation
    params: str
    checkpoint: str
    logical_hash: str
    journal_sequence: int
    outbox_sequence: int


class FenceRefused(msgspec.Struct, frozen=True, kw_only=True, tag="fence_refused"):
    reason: str
    owner: FenceRecord | None


FenceAnswer = Granted | FenceRefused


# ---- intents and orders -----------------------------------------------------------------------


class Intent(msgspec.Struct, frozen=True, kw_only=True, tag="intent"):
    """A sized decision of a slot. `intent_id` is deterministic: never content, fence or release."""

    intent_id: str
    """``<slot>/<window open ms>/<due ms>/<leg>``, see `intent_id`."""
    slot: str
    incarnation: int
    fence: int
    window_open_ms: int
    timeframe: Timeframe
    due_ms: int
    condition_id: str
    token_id: str
    outcome: Outcome
    side: Side
    style: Style
    price: PriceMicroUsd
    shares: MicroShares
    close_ms: int
    fee_rate: str
    min_order_shares: MicroShares
    book_mid: PriceMicroUsd | None
    """Mid of this token's book at the decision: the price collar's anchor."""
    snapshot: str
    """Digest."""
    release: str
    commit: str
    params: str
    sent_wire_ms: int


def intent_id(slot: str, window_open_ms: int, due_ms: int, leg: int) -> str:
    return f"{slot}/{window_open_ms}/{due_ms}/{leg}"


class IntentReceived(msgspec.Struct, frozen=True, kw_only=True, tag="intent_received"):
    """The gateway has it durably; all that follows comes through the outbox."""

    intent_id: str
    known: bool
    """True if the same id came before: the first content counts."""


class IntentFenced(msgspec.Struct, frozen=True, kw_only=True, tag="intent_fenced"):
    """The sender does not own the slot; nothing was recorded."""

    intent_id: str
    reason: str


IntentAnswer = IntentReceived | IntentFenced


class OrderEnd(StrEnum):
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    KILLED = "killed"
    """Fill-and-kill remainder."""
    REJECTED = "rejected"
    """The venue refused it."""
    REFUSED = "refused"
    """Risk refused it; it never left."""
    NEVER_SENT = "never_sent"
    """Signed, but its window closed before a post could be proved; shown absent at the venue."""


class IntentRefused(msgspec.Struct, frozen=True, kw_only=True, tag="intent_refused"):
    sequence: int
    intent_id: str
    code: str
    reason: str
    at_ms: int
    gateway_release: str = ""
    """Of the gateway that said so, as in all outbox events; empty: one that did not say it."""


class OrderSigned(msgspec.Struct, frozen=True, kw_only=True, tag="order_signed"):
    """Signed and written ahead: from here the order may exist at the venue."""

    sequence: int
    intent_id: str
    order_id: str
    condition_id: str
    outcome: Outcome
    side: Side
    style: Style
    price: PriceMicroUsd
    shares: MicroShares
    close_ms: int
    at_ms: int
    release: str
    commit: str
    params: str
    snapshot: str
    """Of the decision behind it."""
    gateway_release: str = ""


class OrderOpened(msgspec.Struct, frozen=True, kw_only=True, tag="order_opened"):
    """The venue has it (live, matched or delayed)."""

    sequence: int
    order_id: str
    at_ms: int
    gateway_release: str = ""


class OrderUnknown(msgspec.Struct, frozen=True, kw_only=True, tag="order_unknown"):
    """The answer was lost: looked up by id or re-posted with the same bytes until it is known."""

    sequence: int
    order_id: str
    reason: str
    at_ms: int
    gateway_release: str = ""


class OrderEnded(msgspec.Struct, frozen=True, kw_only=True, tag="order_ended"):
    sequence: int
    order_id: str
    end: OrderEnd
    reason: str
    at_ms: int
    gateway_release: str = ""


class Filled(msgspec.Struct, frozen=True, kw_only=True, tag="filled"):
    """Matched quantity, provisional until confirmed."""

    sequence: int
    fill_id: str
    """``<trade id>/<order id>``: a maker and a taker leg of one trade are two fills."""
    order_id: str
    condition_id: str
    outcome: Outcome
    side: Side
    price: PriceMicroUsd
    shares: MicroShares
    fee_micro_usd: MicroUsd
    maker: bool
    at_ms: int
    gateway_release: str = ""


class FillConfirmed(msgspec.Struct, frozen=True, kw_only=True, tag="fill_confirmed"):
    sequence: int
    fill_id: str
    at_ms: int
    gateway_release: str = ""


class FillFailed(msgspec.Struct, frozen=True, kw_only=True, tag="fill_failed"):
    """The trade failed on chain: the fill is reversed."""

    sequence: int
    fill_id: str
    at_ms: int
    gateway_release: str = ""


class Settled(msgspec.Struct, frozen=True, kw_only=True, tag="settled"):
    """The venue resolved a market in which the slot had an order."""

    sequence: int
    condition_id: str
    winner: Outcome
    at_ms: int
    gateway_release: str = ""


OutboxEvent = (
    IntentRefused
    | OrderSigned
    | OrderOpened
    | OrderUnknown
    | OrderEnded
    | Filled
    | FillConfirmed
    | FillFailed
    | Settled
)


class OutboxPage(msgspec.Struct, frozen=True, kw_only=True, tag="outbox_page"):
    """Events of one slot after the asked sequence, without a gap, at most a page."""

    slot: str
    fence: int
    """Of the slot's owner now: an asker with a lower one is no longer the owner."""
    last_sequence: int
    events: tuple[OutboxEvent, ...]


class TradingState(StrEnum):
    ACTIVE = "active"
    REDUCING = "reducing"
    """Only orders that lower exposure."""
    HALTED = "halted"
    """No orders; open ones are cancelled."""


class SetTrading(msgspec.Struct, frozen=True, kw_only=True, tag="set_trading"):
    state: TradingState
    reason: str
    who: str
    only_tighter: bool = False
    """Of a machine: it may reduce or halt, never undo what is stricter."""


class Moved(msgspec.Struct, frozen=True, kw_only=True, tag="moved"):
    """Answer of a gateway that gave up the authority; ask the actor of this name."""

    to: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    """A request that was understood and not granted, or not understood at all."""

    reason: str


_Message = TypeVar("_Message")
_encoder = msgspec.msgpack.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    return _encoder.encode(message)


def decode(data: bytes, kind: type[_Message]) -> _Message:
    """Decode bytes as `kind` (a struct or a union); raise `msgspec.ValidationError` otherwise."""
    return msgspec.msgpack.decode(data, type=kind)
