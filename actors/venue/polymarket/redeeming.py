"""Redemptions of one wallet at Polymarket: through its relayer, or by the key's own transactions.

Every answer says what is known. A transaction was `Refused` only where the relayer or the node said
so in words that leave no doubt; everything else is `Unclear`, and looked up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, TypeVar

from polymarket.errors import (
    RequestRejectedError,
    SigningError,
    UserInputError,
)

from actors.config import Venue
from actors.redemption.claim import Claim, SignedTransaction
from actors.redemption.events import (
    Accepted,
    AskFailed,
    ChainRead,
    Polled,
    Refused,
    SharesGone,
    Signed,
    TransactionState,
    Unclear,
)
from actors.venue.keys import load_private_key, load_relayer_key
from actors.venue.polymarket.environment import chosen_wallet, signer_address
from actors.venue.polymarket.opening import refusal
from actors.venue.polymarket.redeem_answers import (
    FAILURES,
    UNDER_WAY,
    failed,
    now_ms,
    polled,
    reason_of,
    surely_refused,
)
from actors.venue.polymarket.redeem_reads import RedeemReads
from actors.venue.polymarket.relayed import (
    EOA,
    RedeemClient,
    has_relayer_key,
    newest_block,
    nonce_on_chain,
    open_redeem_client,
    receipt,
    redeeming_calls,
    relayed_transaction,
    relayer_key,
    send_raw,
    sign_raw,
    sign_relayed,
    submit_relayed,
    wallet_type,
)
from actors.venue.port import Rejected, Unknown

CONNECT_TIMEOUT_S: Final = 20.0
NO_KEY: Final = (
    "no relayer key: make one on the venue's settings page (API keys) and name its file as "
    "venue.relayer_key_file"
)
Answer = TypeVar("Answer")


class PolymarketRedeeming:
    """Opened by `connect_redeeming`."""

    def __init__(self, client: RedeemClient, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._bare = wallet_type(client) == EOA
        self._reads = RedeemReads(client, timeout_s)
        self.listed = self._reads.listed

    @property
    def wallet(self) -> str:
        return str(self._client.wallet)

    # ---- a transaction ------------------------------------------------------------------------

    async def sign(self, claim: Claim) -> Signed | SharesGone | AskFailed:
        async def work() -> Signed | SharesGone | AskFailed:
            if not self._bare and not has_relayer_key(self._client):
                return failed(claim, NO_KEY)
            if not await self._reads.held(claim):
                return SharesGone(condition_id=claim.condition_id, wire_ms=now_ms())
            calls = await redeeming_calls(self._client, claim.condition_id)
            if self._bare:  # where there are two calls, a later sweep finds what is left
                signed = await sign_raw(self._client, calls[0])
            else:
                signed = await sign_relayed(self._client, calls)
            return Signed(condition_id=claim.condition_id, wire_ms=now_ms(), signed=signed)

        return await self._answered(claim, work)

    async def submit(
        self, condition_id: str, signed: SignedTransaction
    ) -> Accepted | Refused | Unclear:
        try:
            async with asyncio.timeout(self._timeout_s):
                if signed.kind == EOA:
                    await send_raw(self._client, signed)
                    identity = known = signed.transaction_hash or ""
                else:
                    taken = await submit_relayed(self._client, signed)
                    identity, known = taken.transaction_id, taken.transaction_hash or ""
        except FAILURES as error:
            return self._not_taken(condition_id, signed, error)
        return Accepted(
            condition_id=condition_id,
            wire_ms=now_ms(),
            transaction_id=identity,
            transaction_hash=known or None,
        )

    def _not_taken(
        self, condition_id: str, signed: SignedTransaction, error: Exception
    ) -> Accepted | Refused | Unclear:
        at_ms, words = now_ms(), reason_of(error)
        if signed.kind == EOA and "already known" in words:
            known = signed.transaction_hash or ""
            return Accepted(
                condition_id=condition_id,
                wire_ms=at_ms,
                transaction_id=known,
                transaction_hash=known,
            )
        if UNDER_WAY.search(words) or not surely_refused(error):
            return Unclear(condition_id=condition_id, wire_ms=at_ms, reason=words)
        wait_s = getattr(error, "retry_after", None) or 0
        return Refused(
            condition_id=condition_id, wire_ms=at_ms, reason=words, wait_ms=int(1_000 * wait_s)
        )

    async def poll(self, claim: Claim) -> Polled | AskFailed:
        async def work() -> Polled:
            if self._bare:
                return await self._poll_chain(claim)
            try:
                found = await relayed_transaction(self._client, claim.transaction_id or "")
            except RequestRejectedError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                return polled(claim, TransactionState.FORGOTTEN, None, reason_of(error))
            state = TransactionState(found.state.value)
            known = None if found.transaction_hash is None else str(found.transaction_hash)
            return polled(claim, state, known, found.error_msg or "")

        return await self._answered(claim, work)

    async def _poll_chain(self, claim: Claim) -> Polled:
        known = claim.transaction_hash or ""
        found = await receipt(self._client, known)
        if found is None:
            return polled(claim, TransactionState.EXECUTED, known, "")
        if int(str(found.get("status")), 16) != 1:
            return polled(claim, TransactionState.FAILED, known, "the transaction reverted")
        deep = await self._reads.is_final(known)
        state = TransactionState.CONFIRMED if deep else TransactionState.MINED
        return polled(claim, state, known, "")

    # ---- what came of it ----------------------------------------------------------------------

    async def read_chain(self, claim: Claim) -> ChainRead | AskFailed:
        async def work() -> ChainRead:
            nonce = chain_s = None
            if claim.signed is not None:
                _, chain_s = await newest_block(self._client)
                nonce = await nonce_on_chain(self._client)
            payments = await self._reads.activity(claim)
            return ChainRead(
                condition_id=claim.condition_id,
                wire_ms=now_ms(),
                shares=await self._reads.held(claim),
                payments=payments,
                nonce=nonce,
                chain_s=chain_s,
            )

        return await self._answered(claim, work)

    async def check(self, claim: Claim) -> ChainRead | AskFailed:
        async def work() -> ChainRead:
            payments = await self._reads.paid_by(claim.transaction_hash)
            return ChainRead(
                condition_id=claim.condition_id,
                wire_ms=now_ms(),
                shares=await self._reads.held(claim),
                payments=payments,
            )

        return await self._answered(claim, work)

    async def _answered(
        self, claim: Claim, work: Callable[[], Awaitable[Answer]]
    ) -> Answer | AskFailed:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await work()
        except (*FAILURES, SigningError, UserInputError) as error:
            return failed(claim, reason_of(error))

    async def close(self) -> None:
        await self._client.close()


async def connect_redeeming(
    venue: Venue, timeout_s: float
) -> PolymarketRedeeming | Rejected | Unknown:
    """Open the wallet's redemptions; nothing is made or changed at the venue.

    `Unknown` where the venue cannot be reached. Raises `PrivateKeyError` for a trading key or a
    relayer key that cannot be used.
    """
    private_key, key = load_private_key(venue), load_relayer_key(venue)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            signer = signer_address(private_key)
            wallet = await chosen_wallet(venue, signer)
            api_key = None if key is None else relayer_key(key, signer)
            client = await open_redeem_client(venue, private_key, wallet, api_key)
    except (*FAILURES, UserInputError) as error:
        return refusal(error)
    return PolymarketRedeeming(client, timeout_s)
