"""An account at the venue, behind the port.

Only `create_limit_order` and `post_order` are used, never `place_*`: those may send an on-chain
approval by themselves. The order type is not part of the signature, so a fill-and-kill is a limit
order whose type was replaced.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import msgspec
from polymarket import AsyncSecureClient
from polymarket.errors import (
    OrderHeartbeatMismatchError,
    PolymarketError,
    SigningError,
    UserInputError,
)
from polymarket.models.clob.cancel import CancelOrdersResponse
from polymarket.models.clob.orders import SignedOrder as SdkOrder

from actors.config import Venue
from actors.runtime import wire_ms
from actors.venue.answers import AccountBalance, ListedMarket, OddRow, TokenBook
from actors.venue.polymarket.account_reads import AccountReads
from actors.venue.polymarket.environment import (
    TokenTerms,
    api_key,
    contracts,
    token_terms,
)
from actors.venue.polymarket.fills import Account, FeeTerms
from actors.venue.polymarket.orders import (
    decode_body,
    encode_body,
    from_micro,
    order_id,
    order_type_of,
)
from actors.venue.polymarket.outcomes import outcome_of_error, post_outcome_of_response, unsignable
from actors.venue.polymarket.public import PublicReads
from actors.venue.polymarket.unauthorized import repeat_if_unauthorized
from actors.venue.polymarket.user_stream import follow_user_stream
from actors.venue.port import (
    Beaten,
    Cancelled,
    CancelOutcome,
    Duplicated,
    HeartbeatMismatch,
    HeartbeatOutcome,
    NotCancelled,
    PostOutcome,
    SignedOrder,
    SignOutcome,
    Unknown,
    UnsignedOrder,
    VenueEvent,
    VenueOrder,
    VenueTrade,
)
from signals.decision import Style
from signals.market import Outcome

TERMS_FRESH_S: Final = 240.0
"""Wire. The SDK forgets a market's terms after 600 s; read again before that, off the hot path."""
CANCEL_BATCH: Final = 1_000
"""The venue's limit for one DELETE /orders since 2026-06-15."""
FAILURES: Final = (PolymarketError, TimeoutError, RecursionError)
"""The last: JSON that is nested too deeply to read."""


class PolymarketVenue:
    """An account at the venue, see `actors.venue.polymarket.opening`."""

    def __init__(self, client: AsyncSecureClient, venue: Venue, timeout_s: float) -> None:
        self._client = client
        self._venue = venue
        self._timeout_s = timeout_s
        self._public = PublicReads(venue, timeout_s)
        self._account = Account(owner=api_key(client), wallet=str(client.wallet))
        self._terms: dict[str, TokenTerms] = {}
        self._terms_read_s: dict[str, float] = {}
        exchange = contracts(venue).standard_exchange
        self._reads = AccountReads(client, self._account, self._fee_terms, timeout_s, exchange)

    @property
    def wallet(self) -> str:
        return self._account.wallet

    # ---- orders -------------------------------------------------------------------------------

    async def warm(self, condition_id: str, token_id: str) -> Unknown | None:
        """Load a token's terms; asks the venue again only when they get old."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._terms_read_s.get(token_id, -TERMS_FRESH_S) < TERMS_FRESH_S:
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                terms = await token_terms(self._client, token_id, fresh=True)
        except FAILURES as error:
            return Unknown(reason=f"terms of {condition_id}: {type(error).__name__}: {error}")
        self._take_terms(token_id, terms)
        self._terms_read_s[token_id] = now_s
        return None

    async def sign(self, order: UnsignedOrder) -> SignOutcome:
        """Sign a limit order; no network once the token's terms are warm."""
        try:
            async with asyncio.timeout(self._timeout_s):
                signed = await self._create(order)
                terms = await token_terms(self._client, order.token_id, fresh=False)
        except (*FAILURES, UserInputError, SigningError) as error:
            return unsignable(error)
        signed = dataclasses.replace(signed, order_type=order_type_of(order.style))
        return SignedOrder(
            order_id=self._order_id(signed, terms),
            body=encode_body(signed),
            signed_wire_ms=int(wire_ms()),
        )

    async def _create(self, order: UnsignedOrder) -> SdkOrder:
        """Sign; once more with new terms where the known ones object: a market's tick changes."""
        create = partial(
            self._client.create_limit_order,
            token_id=order.token_id,
            price=from_micro(order.price),
            size=from_micro(order.shares),
            side=order.side.value,
            post_only=order.style is Style.REST,
        )
        try:
            return await create()
        except UserInputError:
            terms = await token_terms(self._client, order.token_id, fresh=True)
            self._take_terms(order.token_id, terms)
            return await create()

    def _order_id(self, signed: SdkOrder, terms: TokenTerms) -> str:
        return order_id(
            signed,
            chain_id=self._venue.chain_id,
            exchange=terms.exchange,
            protocol_version=terms.protocol_version,
        )

    async def post(self, signed: SignedOrder) -> PostOutcome:
        """Post the stored bytes; raises `BodyError` only for bytes no adapter here has made."""
        order = decode_body(signed.body)
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await repeat_if_unauthorized(lambda: self._client.post_order(order))
        except FAILURES as error:
            return outcome_of_error(error)
        return post_outcome_of_response(response, signed.order_id)

    async def cancel(self, order_ids: Sequence[str]) -> CancelOutcome:
        if not order_ids:
            return Cancelled(cancelled=())
        done: list[Cancelled] = []
        for start in range(0, len(order_ids), CANCEL_BATCH):
            batch = list(order_ids[start : start + CANCEL_BATCH])
            outcome = await self._cancel(partial(self._client.cancel_orders, order_ids=batch))
            if not isinstance(outcome, Cancelled):
                return outcome
            done.append(outcome)
        return Cancelled(
            cancelled=tuple(found for part in done for found in part.cancelled),
            not_cancelled=tuple(found for part in done for found in part.not_cancelled),
        )

    async def cancel_all(self) -> CancelOutcome:
        return await self._cancel(self._client.cancel_all)

    async def _cancel(self, ask: Callable[[], Awaitable[CancelOrdersResponse]]) -> CancelOutcome:
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await repeat_if_unauthorized(ask)
        except FAILURES as error:
            outcome = outcome_of_error(error)
            return Unknown(reason="duplicated") if isinstance(outcome, Duplicated) else outcome
        return Cancelled(
            cancelled=tuple(str(found) for found in response.canceled),
            not_cancelled=tuple(
                NotCancelled(order_id=str(found), reason=reason)
                for found, reason in response.not_canceled.items()
            ),
        )

    # ---- what the venue has -------------------------------------------------------------------

    async def open_orders(self) -> tuple[VenueOrder, ...] | Unknown:
        return await self._reads.open_orders()

    async def trades(self, after_s: int) -> tuple[VenueTrade, ...] | Unknown:
        return await self._reads.trades(after_s)

    def odd_rows(self) -> tuple[OddRow, ...]:
        return self._reads.odd_rows()

    async def _fee_terms(self, token_id: str) -> FeeTerms:
        """A market's fee schedule does not change in its life: known terms are enough."""
        if token_id not in self._terms:
            self._take_terms(token_id, await token_terms(self._client, token_id, fresh=False))
        return self._terms[token_id].fee

    def _take_terms(self, token_id: str, terms: TokenTerms) -> None:
        """Keep terms; a fee that was known stays so where the venue says none any more."""
        before = self._terms.get(token_id)
        if before is not None and before.fee.known and not terms.fee.known:
            terms = msgspec.structs.replace(terms, fee=before.fee)
        self._terms[token_id] = terms

    async def resolution(self, condition_id: str) -> Outcome | Unknown | None:
        return await self._public.resolution(condition_id)

    async def server_time_ms(self) -> int | Unknown:
        return await self._public.server_time_ms()

    async def version(self) -> str | Unknown:
        return await self._public.version()

    async def market(self, slug: str) -> ListedMarket | Unknown | None:
        return await self._public.market(slug)

    async def book(self, token_id: str) -> TokenBook | Unknown:
        return await self._public.book(token_id)

    async def account(self, token_ids: Sequence[str]) -> AccountBalance | Unknown:
        return await self._reads.balances(token_ids)

    # ---- heartbeat and events -----------------------------------------------------------------

    async def heartbeat(self, heartbeat_id: str) -> HeartbeatOutcome:
        try:
            async with asyncio.timeout(self._timeout_s):
                beat = await repeat_if_unauthorized(
                    lambda: self._client.send_order_heartbeat(heartbeat_id=heartbeat_id)
                )
        except OrderHeartbeatMismatchError as error:
            return HeartbeatMismatch(heartbeat_id=error.heartbeat_id)
        except FAILURES as error:
            outcome = outcome_of_error(error)
            return Unknown(reason="duplicated") if isinstance(outcome, Duplicated) else outcome
        return Beaten(heartbeat_id=beat.heartbeat_id)

    def events(self) -> AsyncIterator[VenueEvent]:
        return follow_user_stream(self._client, self._account, self._fee_terms)

    async def close(self) -> None:
        await self._public.close()
        await self._client.close()
