"""What happens to a claim, and what its machine asks for."""

from enum import StrEnum

import msgspec

from actors.redemption.claim import Claim, Held, Payment, SignedTransaction
from signals.units import MicroUsd


class TransactionState(StrEnum):
    """As the relayer says it; of a bare key's transaction, by its receipt."""

    NEW = "STATE_NEW"
    EXECUTED = "STATE_EXECUTED"
    MINED = "STATE_MINED"
    CONFIRMED = "STATE_CONFIRMED"
    FAILED = "STATE_FAILED"
    INVALID = "STATE_INVALID"
    FORGOTTEN = "forgotten"
    """The relayer does not know it."""


class ClaimEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Of one claim, at one moment of wire time."""

    condition_id: str
    wire_ms: int


# ---- events -----------------------------------------------------------------------------------


class Found(ClaimEvent, frozen=True, kw_only=True):
    """The venue lists winnings, and the chain shows the shares."""

    slug: str
    held: tuple[Held, ...]
    worth_micro_usd: MicroUsd


class Turn(ClaimEvent, frozen=True, kw_only=True):
    """The wallet is free and a submission may be spent on it."""


class Due(ClaimEvent, frozen=True, kw_only=True):
    """The time it waited for has come."""


class Woken(ClaimEvent, frozen=True, kw_only=True):
    """The process began anew and has read this claim from its log."""


class Signed(ClaimEvent, frozen=True, kw_only=True):
    signed: SignedTransaction


class SharesGone(ClaimEvent, frozen=True, kw_only=True):
    """Before signing, the chain shows no shares any more."""


class Accepted(ClaimEvent, frozen=True, kw_only=True):
    transaction_id: str
    transaction_hash: str | None


class Refused(ClaimEvent, frozen=True, kw_only=True):
    """The transaction was not taken, surely."""

    reason: str
    wait_ms: int = 0
    """At least, before the next try."""


class Unclear(ClaimEvent, frozen=True, kw_only=True):
    """Whether it was taken is not known."""

    reason: str


class Polled(ClaimEvent, frozen=True, kw_only=True):
    state: TransactionState
    transaction_hash: str | None
    reason: str


class ChainRead(ClaimEvent, frozen=True, kw_only=True):
    """What the chain and the venue show of the claim."""

    shares: int
    """Of all its outcomes together, micro-shares."""
    payments: tuple[Payment, ...] | None
    """None: they could not be read."""
    nonce: int | None = None
    """The wallet's next one; None: not asked for."""
    chain_s: int | None = None


class AskFailed(ClaimEvent, frozen=True, kw_only=True):
    """A question got no answer."""

    reason: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A sweep is over."""

    wire_ms: int
    found: tuple[Found, ...] | None
    """None: the listing could not be read."""
    reason: str = ""


class Ticked(msgspec.Struct, frozen=True, kw_only=True):
    wire_ms: int


Event = (
    Found
    | Turn
    | Due
    | Woken
    | Signed
    | SharesGone
    | Accepted
    | Refused
    | Unclear
    | Polled
    | ChainRead
    | AskFailed
    | Listed
    | Ticked
)

# ---- effects ----------------------------------------------------------------------------------


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    claim: Claim


class Submit(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str
    signed: SignedTransaction


class ReadChain(msgspec.Struct, frozen=True, kw_only=True):
    """Read the nonce first, then shares and payments: what a nonce shows has moved them."""

    claim: Claim


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    claim: Claim


class Check(msgspec.Struct, frozen=True, kw_only=True):
    claim: Claim


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """List the winnings of the wallet."""


class RaiseAlarm(msgspec.Struct, frozen=True, kw_only=True):
    claim: Claim
    text: str


class EndAlarm(msgspec.Struct, frozen=True, kw_only=True):
    condition_id: str


ClaimEffect = Sign | Submit | ReadChain | Poll | Check
Effect = ClaimEffect | Sweep | RaiseAlarm | EndAlarm
