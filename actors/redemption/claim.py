"""One claim: shares of a resolved market that are worth money until they are redeemed."""

from enum import StrEnum

import msgspec

from signals.units import MicroShares, MicroUsd


class Step(StrEnum):
    """Where a claim stands. Each is on the disk before what follows from it leaves."""

    WAITING = "waiting"
    """Shares are there to be redeemed; it waits for its turn, or for its next try."""
    SIGNING = "signing"
    """Shares and nonce are read and a transaction is signed; nothing has left."""
    SUBMITTING = "submitting"
    """The signed bytes are on the disk and may have left."""
    IN_DOUBT = "in_doubt"
    """What became of the signed bytes, or of the shares, is not known: it is looked up first."""
    POLLING = "polling"
    """The relayer or the node has taken the transaction."""
    MINED = "mined"
    """It is in a block that may still be replaced."""
    CHECKING = "checking"
    """It is final; whether it moved shares and money is looked at."""
    PAID = "paid"
    """The money came and is booked."""
    LOST = "lost"
    """The shares went by another transaction, and no payment for them was seen for a week."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of one outcome that is worth something."""

    token_id: str
    shares: MicroShares


class SignedTransaction(msgspec.Struct, frozen=True, kw_only=True):
    """What may leave, as often as needed: its nonce lets the chain take it once."""

    kind: str
    nonce: int
    body: bytes
    """The relayer's request, or the raw transaction of a bare key."""
    deadline_s: int | None = None
    """UTC of the chain: later it cannot be executed."""
    transaction_hash: str | None = None
    """Known beforehand only of a bare key's transaction."""


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came for a claim; booked once by its transaction."""

    transaction_hash: str
    micro_usd: MicroUsd


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one market's winnings in the wallet."""

    condition_id: str
    slug: str = ""
    phase: Step = Step.WAITING
    held: tuple[Held, ...] = ()
    worth_micro_usd: MicroUsd = MicroUsd(0)
    """What the shares are worth by the venue's listing."""
    seen_wire_ms: int
    """First, of this round."""
    due_wire_ms: int = 0
    """When something is done next."""
    tries: int = 0
    """Transactions and signatures that came to nothing, of this round."""
    asks: int = 0
    """Questions in this step without the answer that ends it."""
    repeats: int = 0
    """How often the same bytes were sent again, of this round."""
    signed: SignedTransaction | None = None
    transaction_id: str | None = None
    transaction_hash: str | None = None
    submitted_wire_ms: int = 0
    payments: tuple[Payment, ...] = ()
    paid_before_micro_usd: MicroUsd = MicroUsd(0)
    """Of `payments`, what earlier rounds brought."""
    trouble: str = ""
    """Why the last try came to nothing, in the words of who said so."""

    @property
    def paid_micro_usd(self) -> MicroUsd:
        return MicroUsd(sum(payment.micro_usd for payment in self.payments))

    @property
    def open(self) -> bool:
        return self.phase not in {Step.PAID, Step.LOST}

    @property
    def occupies_wallet(self) -> bool:
        """Tell whether a transaction of it may use the wallet's next nonce."""
        if self.phase is Step.IN_DOUBT:
            return self.signed is not None
        return self.phase in {Step.SIGNING, Step.SUBMITTING, Step.POLLING}
