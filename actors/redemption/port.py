"""What a redeemer asks of the venue, its relayer and the chain."""

from typing import Protocol

from actors.redemption.claim import Claim, SignedTransaction
from actors.redemption.events import (
    Accepted,
    AskFailed,
    ChainRead,
    Listed,
    Polled,
    Refused,
    SharesGone,
    Signed,
    Unclear,
)


class RedeemPort(Protocol):
    """Each question has one answer, whatever happens; none of them raises for what others do."""

    async def listed(self) -> Listed:
        """List the winnings of the wallet, with the shares that the chain shows."""
        ...

    async def sign(self, claim: Claim) -> Signed | SharesGone | AskFailed:
        """Sign the transaction that redeems the claim; nothing leaves."""
        ...

    async def submit(
        self, condition_id: str, signed: SignedTransaction
    ) -> Accepted | Refused | Unclear:
        """Send signed bytes once."""
        ...

    async def poll(self, claim: Claim) -> Polled | AskFailed: ...

    async def read_chain(self, claim: Claim) -> ChainRead | AskFailed:
        """Read nonce, shares and payments of a claim, in this order."""
        ...

    async def check(self, claim: Claim) -> ChainRead | AskFailed:
        """Read the payment of a final transaction, then the shares."""
        ...

    async def close(self) -> None: ...
