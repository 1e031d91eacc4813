"""Transactions of accounts on the chain, as the ledger keeps them."""

from enum import StrEnum

import msgspec


class TransactionKind(StrEnum):
    WALLET = "WALLET"
    """A deposit wallet's batch."""
    PROXY = "PROXY"
    SAFE = "SAFE"
    EOA = "EOA"
    """Sent by the key itself, at the node's door."""


class TransactionState(StrEnum):
    NEW = "STATE_NEW"
    EXECUTED = "STATE_EXECUTED"
    """Sent to the chain."""
    MINED = "STATE_MINED"
    """In a block; that block may still be replaced."""
    CONFIRMED = "STATE_CONFIRMED"
    FAILED = "STATE_FAILED"
    INVALID = "STATE_INVALID"

    @property
    def final(self) -> bool:
        return self in {self.CONFIRMED, self.FAILED, self.INVALID}


class Course(StrEnum):
    """How a transaction goes, decided when it is submitted: a fault, or plain."""

    PLAIN = "plain"
    FAILS = "fails"
    """It reverts when it is executed."""
    REVERTS = "reverts"
    """It is mined, then its block is replaced: what it moved is undone."""
    INVALID = "invalid"
    PRECHECK = "precheck"
    """The relayer says falsely that there is nothing to redeem."""
    STUCK = "stuck"
    """It is not sent for ten minutes, then it is invalid."""
    UNAPPROVED = "unapproved"
    """The adapter may not move the wallet's shares."""


class Redemption(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a transaction that redeems."""

    target: str
    condition_id: str


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction."""

    transaction_id: str
    """The relayer's; of a key's own transaction its hash."""
    transaction_hash: str
    kind: TransactionKind
    owner: str
    wallet: str
    nonce: int
    redemptions: tuple[Redemption, ...]
    signature: str
    deadline_s: int | None = None
    course: Course = Course.PLAIN
    slow_ms: int = 0
    submitted_wire_ms: int
    state: TransactionState = TransactionState.NEW
    error: str = ""


class TransactionSubmitted(msgspec.Struct, frozen=True, kw_only=True, tag="transaction_submitted"):
    submission: Submission


class TransactionMoved(msgspec.Struct, frozen=True, kw_only=True, tag="transaction_moved"):
    transaction_id: str
    state: TransactionState
    error: str = ""


class Redeemed(msgspec.Struct, frozen=True, kw_only=True, tag="redeemed"):
    """A call that redeems was executed: what it took and what it paid, nothing perhaps."""

    transaction_id: str
    """Empty: the venue's operator redeemed for the account."""
    transaction_hash: str
    api_key: str
    wallet: str
    condition_id: str
    up_shares: int
    down_shares: int
    paid_micro_usd: int


class RedemptionUndone(msgspec.Struct, frozen=True, kw_only=True, tag="redemption_undone"):
    """The block of a redemption was replaced: shares and cash are as before."""

    redeemed: Redeemed


ChainRecord = TransactionSubmitted | TransactionMoved | Redeemed | RedemptionUndone
