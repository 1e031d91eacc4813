"""Redemptions of one wallet at Polymarket: through its relayer, or by the key's own transactions.

Every answer says what is known. A transaction was `Refused` only where the relayer or the node said
so in words that leave no doubt; everything else is `Unclear`, and looked up.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final, TypeVar

import httpx
from polymarket.errors import (
    PolymarketError,
    RateLimitError,
    RequestRejectedError,
    SigningError,
    UserInputError,
)
from polymarket.models.data.activity import RedeemActivity
from polymarket.models.data.portfolio import Position

from actors.config import Venue
from actors.redemption.claim import Claim, Held, Payment, SignedTransaction
from actors.redemption.events import (
    Accepted,
    AskFailed,
    ChainRead,
    Found,
    Listed,
    Polled,
    Refused,
    SharesGone,
    Signed,
    TransactionState,
    Unclear,
)
from actors.redemption.table import DUST_MICRO_SHARES
from actors.runtime import wire_ms
from actors.venue.keys import load_private_key, load_relayer_key
from actors.venue.polymarket.environment import venue_environment
from actors.venue.polymarket.relayed import (
    EOA,
    JsonRpcCallError,
    RedeemClient,
    collateral_received,
    has_relayer_key,
    newest_block,
    next_nonce,
    receipt,
    redeeming_calls,
    relayed_transaction,
    relayer_key,
    send_raw,
    shares_on_chain,
    sign_raw,
    sign_relayed,
    submit_relayed,
    wallet_type,
)
from actors.venue.port import Rejected, Unknown
from signals.units import MICRO, MicroShares, MicroUsd

CONNECT_TIMEOUT_S: Final = 20.0
BLOCKS_FINAL: Final = 5
"""After a bare key's transaction, ten seconds: no block that deep was ever replaced since the chain
votes on each."""
PAGES_MAX: Final = 20
"""Of a listing, 100 rows each: far more markets than a fleet wins in between two sweeps."""
FAILURES: Final = (PolymarketError, TimeoutError, RecursionError, httpx.HTTPError, ValueError)
"""Answers that say nothing: lost, odd, refused for a reason of the moment."""
UNDER_WAY: Final = re.compile(
    r"does not match on-chain nonce|wallet busy|in-flight action|already known|nonce too low|"
    r"underpriced|already exists|duplicate",
    re.IGNORECASE,
)
"""Words that mean that a transaction of this wallet is or was under way: perhaps this very one."""
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

    @property
    def wallet(self) -> str:
        return str(self._client.wallet)

    # ---- what there is to redeem --------------------------------------------------------------

    async def listed(self) -> Listed:
        try:
            async with asyncio.timeout(4 * self._timeout_s):
                rows = await self._positions()
                shares = await self._shares([str(row.asset_id) for row in rows])
        except FAILURES as error:
            return Listed(wire_ms=_now(), found=None, reason=_reason(error))
        by_condition: dict[str, list[Position]] = {}
        for row in rows:
            by_condition.setdefault(str(row.condition_id), []).append(row)
        found = (self._found(name, of, shares) for name, of in by_condition.items())
        return Listed(wire_ms=_now(), found=tuple(one for one in found if one is not None))

    async def _positions(self) -> list[Position]:
        """Return what is redeemable and worth something; shares that lost are listed too."""
        rows: list[Position] = []
        pages = self._client.list_positions(status="REDEEMABLE")
        count = 0
        async for page in pages:
            rows += [row for row in page.items if row.redeemable and row.current_price > 0]
            count += 1
            if count >= PAGES_MAX:
                break
        return rows

    def _found(
        self, condition_id: str, rows: Sequence[Position], shares: dict[str, int]
    ) -> Found | None:
        """Return the winnings of a market that the chain shows; the listing may be behind it."""
        held = [
            (row, shares[str(row.asset_id)])
            for row in rows
            if shares[str(row.asset_id)] > DUST_MICRO_SHARES
        ]
        if not held:
            return None
        return Found(
            condition_id=condition_id,
            wire_ms=_now(),
            slug=rows[0].slug or "",
            held=tuple(
                Held(token_id=str(row.asset_id), shares=MicroShares(count)) for row, count in held
            ),
            worth_micro_usd=MicroUsd(sum(int(count * row.current_price) for row, count in held)),
        )

    async def _shares(self, token_ids: Sequence[str]) -> dict[str, int]:
        held = await shares_on_chain(self._client, token_ids) if token_ids else []
        return dict(zip(token_ids, held, strict=True))

    # ---- a transaction ------------------------------------------------------------------------

    async def sign(self, claim: Claim) -> Signed | SharesGone | AskFailed:
        async def work() -> Signed | SharesGone | AskFailed:
            if not self._bare and not has_relayer_key(self._client):
                return _failed(claim, NO_KEY)
            if not await self._held(claim):
                return SharesGone(condition_id=claim.condition_id, wire_ms=_now())
            calls = await redeeming_calls(self._client, claim.condition_id)
            if (
                self._bare
            ):  # of a second protocol's two outcomes the other is found by a later sweep
                signed = await sign_raw(self._client, calls[0])
            else:
                signed = await sign_relayed(self._client, calls)
            return Signed(condition_id=claim.condition_id, wire_ms=_now(), signed=signed)

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
            wire_ms=_now(),
            transaction_id=identity,
            transaction_hash=known or None,
        )

    def _not_taken(
        self, condition_id: str, signed: SignedTransaction, error: Exception
    ) -> Accepted | Refused | Unclear:
        now_ms, words = _now(), _reason(error)
        if signed.kind == EOA and "already known" in words:
            known = signed.transaction_hash or ""
            return Accepted(
                condition_id=condition_id,
                wire_ms=now_ms,
                transaction_id=known,
                transaction_hash=known,
            )
        if UNDER_WAY.search(words) or not surely_refused(error):
            return Unclear(condition_id=condition_id, wire_ms=now_ms, reason=words)
        wait_s = getattr(error, "retry_after", None) or 0
        return Refused(
            condition_id=condition_id, wire_ms=now_ms, reason=words, wait_ms=int(1_000 * wait_s)
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
                return _polled(claim, TransactionState.FORGOTTEN, None, _reason(error))
            state = TransactionState(found.state.value)
            known = None if found.transaction_hash is None else str(found.transaction_hash)
            return _polled(claim, state, known, found.error_msg or "")

        return await self._answered(claim, work)

    async def _poll_chain(self, claim: Claim) -> Polled:
        known = claim.transaction_hash or ""
        found = await receipt(self._client, known)
        if found is None:
            return _polled(claim, TransactionState.EXECUTED, known, "")
        if int(str(found.get("status")), 16) != 1:
            return _polled(claim, TransactionState.FAILED, known, "the transaction reverted")
        newest, _ = await newest_block(self._client)
        deep = newest - int(str(found.get("blockNumber")), 16) >= BLOCKS_FINAL
        state = TransactionState.CONFIRMED if deep else TransactionState.MINED
        return _polled(claim, state, known, "")

    # ---- what came of it ----------------------------------------------------------------------

    async def read_chain(self, claim: Claim) -> ChainRead | AskFailed:
        async def work() -> ChainRead:
            nonce = chain_s = None
            if claim.signed is not None:
                _, chain_s = await newest_block(self._client)
                nonce = await next_nonce(self._client)
            payments = await self._activity(claim)
            return ChainRead(
                condition_id=claim.condition_id,
                wire_ms=_now(),
                shares=await self._held(claim),
                payments=payments,
                nonce=nonce,
                chain_s=chain_s,
            )

        return await self._answered(claim, work)

    async def check(self, claim: Claim) -> ChainRead | AskFailed:
        async def work() -> ChainRead:
            payments = await self._paid_by(claim.transaction_hash)
            return ChainRead(
                condition_id=claim.condition_id,
                wire_ms=_now(),
                shares=await self._held(claim),
                payments=payments,
            )

        return await self._answered(claim, work)

    async def _held(self, claim: Claim) -> int:
        shares = await self._shares([held.token_id for held in claim.held])
        return sum(shares.values())

    async def _paid_by(self, transaction_hash: str | None) -> tuple[Payment, ...] | None:
        """Return what our own transaction brought; None: it is in no block that the node shows."""
        if transaction_hash is None:
            return None
        found = await receipt(self._client, transaction_hash)
        if found is None:
            return None
        came = collateral_received(self._client, found)
        if came <= 0:
            return ()
        return (Payment(transaction_hash=transaction_hash.lower(), micro_usd=MicroUsd(came)),)

    async def _activity(self, claim: Claim) -> tuple[Payment, ...] | None:
        """Return every payment for this market that the venue lists, whoever sent for it."""
        pages = self._client.list_activity(
            condition_id=claim.condition_id, activity_types=["REDEEM"]
        )
        rows = (await pages.first_page()).items
        return tuple(
            Payment(
                transaction_hash=str(row.transaction_hash).lower(),
                micro_usd=MicroUsd(int((row.amount * MICRO).to_integral_value())),
            )
            for row in rows
            if isinstance(row, RedeemActivity) and row.condition_id == claim.condition_id
        )

    async def _answered(
        self, claim: Claim, work: Callable[[], Awaitable[Answer]]
    ) -> Answer | AskFailed:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await work()
        except (*FAILURES, SigningError, UserInputError) as error:
            return _failed(claim, _reason(error))

    async def close(self) -> None:
        await self._client.close()


def surely_refused(error: Exception) -> bool:
    """Tell whether an answer leaves no doubt that nothing was taken."""
    if isinstance(error, RateLimitError | JsonRpcCallError):
        return True
    if not isinstance(error, RequestRejectedError):
        return False
    return HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR


def _polled(claim: Claim, state: TransactionState, known: str | None, reason: str) -> Polled:
    return Polled(
        condition_id=claim.condition_id,
        wire_ms=_now(),
        state=state,
        transaction_hash=known,
        reason=reason,
    )


def _failed(claim: Claim, reason: str) -> AskFailed:
    return AskFailed(condition_id=claim.condition_id, wire_ms=_now(), reason=reason)


def _now() -> int:
    return int(wire_ms())


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


async def connect_redeeming(
    venue: Venue, timeout_s: float
) -> PolymarketRedeeming | Rejected | Unknown:
    """Open the wallet's redemptions; `Unknown` where the venue cannot be reached.

    Raises `PrivateKeyError` for a trading key or a relayer key that cannot be used.
    """
    private_key, key = load_private_key(venue), load_relayer_key(venue)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            client = await RedeemClient.create(
                private_key=private_key,
                wallet=venue.wallet,
                environment=venue_environment(venue),
                api_key=None if key is None else relayer_key(key, _address_of(private_key)),
            )
    except RequestRejectedError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unknown(reason=f"HTTP {error.status}: {error}")
        return Rejected(code="refused", message=str(error))
    except UserInputError as error:
        return Rejected(code="refused", message=str(error))
    except FAILURES as error:
        return Unknown(reason=_reason(error))
    return PolymarketRedeeming(client, timeout_s)


def _address_of(private_key: str) -> str:
    from eth_account import Account  # only here: the SDK has it loaded

    return str(Account.from_key(private_key).address)
