"""What the gateway's step hears and asks for: a closed vocabulary, one door.

Every event carries both clocks; `reply_to` names the caller that waits for the `Answer`.
"""

from collections.abc import Sequence

import msgspec

from actors.detectors.alarm_names import AlarmName
from actors.gateway.flight import Flight
from actors.gateway.ledger import Ledger
from actors.gateway.market_events import (
    AccountSeen,
    AskAccount,
    AskBook,
    AskMarket,
    BookSeen,
    Instant,
    IntentUnreadable,
    MarketSeen,
)
from actors.gateway.records import Record
from actors.gateway.risk import Approved
from actors.messages import (
    Claim,
    FenceRequest,
    Intent,
    OpenIncarnation,
    SetTrading,
)
from actors.venue.answers import OddRow
from actors.venue.port import (
    VERSION_KNOWN,
    CancelOutcome,
    HeartbeatOutcome,
    PostOutcome,
    SignedOrder,
    SignOutcome,
    Unknown,
    VenueEvent,
    VenueOrder,
    VenueTrade,
)
from signals.market import Outcome

# ---- events -----------------------------------------------------------------------------------


class Started(Instant, frozen=True, kw_only=True):
    """A process took the authority and read the log."""

    generation: int
    name: str
    life: str
    release: str = ""
    """What this process runs."""
    beat_wire_ms: int = 0
    """Last heartbeat of the gateway that handed over; 0: none, or too long ago to be one chain."""


class Ticked(Instant, frozen=True, kw_only=True):
    """Time passed."""


class ClaimAsked(Instant, frozen=True, kw_only=True):
    reply_to: int
    claim: Claim


class OpenAsked(Instant, frozen=True, kw_only=True):
    reply_to: int
    request: OpenIncarnation


class FenceAsked(Instant, frozen=True, kw_only=True):
    reply_to: int
    request: FenceRequest


class IntentArrived(Instant, frozen=True, kw_only=True):
    reply_to: int
    intent: Intent


class SignDone(Instant, frozen=True, kw_only=True):
    intent_id: str
    outcome: SignOutcome


class PostDone(Instant, frozen=True, kw_only=True):
    order_id: str
    outcome: PostOutcome


class PostHeld(Instant, frozen=True, kw_only=True):
    """The shell's last look forbade the post: nothing left."""

    order_id: str
    reason: str


class CancelDone(Instant, frozen=True, kw_only=True):
    order_ids: tuple[str, ...]
    outcome: CancelOutcome


class VenuePolled(Instant, frozen=True, kw_only=True):
    """Open orders were asked first, then trades: an order gone from the first is in the second."""

    started_wire_ms: int
    orders: tuple[VenueOrder, ...] | Unknown
    trades: tuple[VenueTrade, ...] | Unknown
    odd: tuple[OddRow, ...] = ()
    """Rows of both that are not as they should be."""


class StreamUpdated(Instant, frozen=True, kw_only=True):
    event: VenueEvent


class BeatDone(Instant, frozen=True, kw_only=True):
    outcome: HeartbeatOutcome


class ResolutionSeen(Instant, frozen=True, kw_only=True):
    condition_id: str
    outcome: Outcome | Unknown | None


class TimeSeen(Instant, frozen=True, kw_only=True):
    """Answer to `AskTime`; `wire_ms` and `wall_ms` are of the middle of the round trip."""

    server_ms: int | Unknown
    round_trip_ms: int = 0
    """The answer tells the venue's time to half of this."""
    wall_ms: int | None = None
    """This machine's clock, whose stamps orders and log-ins carry; None: not read apart."""
    version: str | Unknown = VERSION_KNOWN
    """Of the venue's protocol."""


class TradingAsked(Instant, frozen=True, kw_only=True):
    reply_to: int
    request: SetTrading


class HaltFileSeen(Instant, frozen=True, kw_only=True):
    reason: str


class Leaving(Instant, frozen=True, kw_only=True):
    """Begin nothing new: hand over to another gateway, resting orders stay."""

    reason: str


class Stopping(Instant, frozen=True, kw_only=True):
    """Begin nothing new and cancel what rests."""

    reason: str


class OutboxRead(Instant, frozen=True, kw_only=True):
    """The slot's owner has applied its outbox durably up to here."""

    slot: str
    fence: int
    acknowledged: int


SeatEvent = ClaimAsked | OpenAsked | FenceAsked
OrderEvent = IntentArrived | SignDone | PostDone | PostHeld | CancelDone
VenueUpdate = VenuePolled | StreamUpdated | BeatDone | ResolutionSeen | TimeSeen
FactEvent = MarketSeen | BookSeen | IntentUnreadable
OperatorEvent = TradingAsked | HaltFileSeen | OutboxRead | Leaving | Stopping
ClockEvent = Started | Ticked
Event = SeatEvent | OrderEvent | FactEvent | AccountSeen | VenueUpdate | OperatorEvent | ClockEvent


# ---- effects ----------------------------------------------------------------------------------


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """Make these durable before any later effect of the same list is performed."""

    records: tuple[Record, ...]


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """Sends nothing, so it may run before the records of its step are durable."""

    approved: Approved


class Post(msgspec.Struct, frozen=True, kw_only=True):
    signed: SignedOrder


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    order_ids: tuple[str, ...]


class PollVenue(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for open orders, then for trades matched since `after_s` (Unix seconds, wire)."""

    after_s: int


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    heartbeat_id: str


class AskResolution(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str


class AskTime(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    reply_to: int
    message: msgspec.Struct


class RaiseAlarm(msgspec.Struct, frozen=True, kw_only=True):
    kind: AlarmName
    subject: str
    action: str = ""
    """What a person should do, where this case says more than the registry does of its kind."""
    evidence: str
    release: str | None = None
    """What it is about, where that is a release."""


class EndAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """Its cause is over: what is latched of it is cleared, its history stays."""

    kind: AlarmName
    subject: str
    """Empty: all of the kind."""
    why: str


Question = AskMarket | AskBook | AskAccount | AskResolution | AskTime
Effect = (
    Append | Sign | Post | Cancel | PollVenue | Beat | Question | Answer | RaiseAlarm | EndAlarm
)


# ---- state ------------------------------------------------------------------------------------


class State(msgspec.Struct, frozen=True, kw_only=True):
    ledger: Ledger
    flight: Flight


def fresh_state(ledger: Ledger) -> State:
    """Cold start and recovery alike: the folded ledger and an empty flight."""
    return State(ledger=ledger, flight=Flight())


Effects = Sequence[Effect]

Looked = VenuePolled
StreamSaid = StreamUpdated
"""What the pickled actor classes of older releases call them (tests/golden/actor_classes)."""
