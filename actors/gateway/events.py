"""What the gateway's step hears and asks for: a closed vocabulary, one door.

Every event carries both clocks; `reply_to` names the caller that waits for the `Answer`.
"""

from collections.abc import Sequence

import msgspec

from actors.gateway.ledger import Ledger
from actors.gateway.records import Record
from actors.gateway.risk import Approved
from actors.gateway.table import Table
from actors.messages import (
    Claim,
    FenceRequest,
    Intent,
    OpenIncarnation,
    SetTrading,
)
from actors.venue.port import (
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


class Instant(msgspec.Struct, frozen=True, kw_only=True):
    wire_ms: int
    market_ms: int


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


class Looked(Instant, frozen=True, kw_only=True):
    """Open orders were asked first, then trades: an order gone from the first is in the second."""

    started_wire_ms: int
    orders: tuple[VenueOrder, ...] | Unknown
    trades: tuple[VenueTrade, ...] | Unknown


class StreamSaid(Instant, frozen=True, kw_only=True):
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
VenueNews = Looked | StreamSaid | BeatDone | ResolutionSeen | TimeSeen
OperatorEvent = TradingAsked | HaltFileSeen | OutboxRead | Leaving | Stopping
ClockEvent = Started | Ticked
Event = SeatEvent | OrderEvent | VenueNews | OperatorEvent | ClockEvent


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


class Look(msgspec.Struct, frozen=True, kw_only=True):
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
    kind: str
    subject: str
    action: str
    """What a person should do."""
    evidence: str


Effect = Append | Sign | Post | Cancel | Look | Beat | AskResolution | AskTime | Answer | RaiseAlarm


# ---- state ------------------------------------------------------------------------------------


class PostTry(msgspec.Struct, frozen=True, kw_only=True):
    tries: int = 0
    due_wire_ms: int = 0
    in_flight: bool = False


class Flight(msgspec.Struct, kw_only=True):
    """What dies with the process: everything here is found again by looking at the venue."""

    started_wire_ms: int = 0
    release: str = ""
    """What this process runs: said with every event that it publishes."""
    reconciled: bool = False
    """Orders and trades were compared with the venue since this process started."""
    stopping: str | None = None
    """Why nothing new is begun: the fleet stops, or another gateway takes over."""
    emptying: bool = False
    """Cancel what rests: the fleet stops."""
    signing: Table[int] = msgspec.field(default_factory=Table)
    """Intent id to the wire time it was asked."""
    posts: Table[PostTry] = msgspec.field(default_factory=Table)
    answered: Table[int] = msgspec.field(default_factory=Table)
    """Order id to the wire time of the last answer to a post or since it ended."""
    cancels: Table[int] = msgspec.field(default_factory=Table)
    """Order id to the wire time of the last cancel that was sent."""
    cancelled: Table[str] = msgspec.field(default_factory=Table)
    """Order id to the reason of a cancel that the venue confirmed."""
    looking: bool = False
    look_soon: bool = True
    look_wire_ms: int = 0
    heartbeat_id: str = ""
    beating: bool = False
    last_beat_wanted: bool = False
    """Beat once more before the authority is given up: the successor has the whole period."""
    beat_due_wire_ms: int = 0
    beat_ok_wire_ms: int = 0
    beat_gap_max_ms: int = 0
    resolutions: Table[PostTry] = msgspec.field(default_factory=Table)
    """Condition id to the tries of asking for its winner."""
    skew_ms: int = 0
    """By how much the venue's clock is ahead of ours at least, the machine's or the fleet's."""
    venue_ahead_ms: int = 0
    """Of the fleet's time: what the venue stamps is ahead by this."""
    time_due_wire_ms: int = 0
    sweep_due_wire_ms: int = 0
    alarmed: Table[int] = msgspec.field(default_factory=Table)
    """Alarm kind and subject to wire time: each is raised once a process; the store latches."""

    @property
    def barred(self) -> str | None:
        if self.stopping is not None:
            return self.stopping
        return None if self.reconciled else "not reconciled with the venue since the start"


class State(msgspec.Struct, frozen=True, kw_only=True):
    ledger: Ledger
    flight: Flight


def fresh_state(ledger: Ledger) -> State:
    """Cold start and recovery alike: the folded ledger and an empty flight."""
    return State(ledger=ledger, flight=Flight())


Effects = Sequence[Effect]
