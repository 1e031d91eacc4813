"""Reads of a wallet's winnings: the venue's listings, and what the chain shows of them."""

import asyncio
from collections.abc import Sequence
from typing import Final

from polymarket.models.data.activity import RedeemActivity
from polymarket.models.data.portfolio import Position

from actors.redemption.acts import DUST_MICRO_SHARES
from actors.redemption.claim import Claim, Held, Payment
from actors.redemption.events import Found, Listed
from actors.venue.polymarket.redeem_answers import FAILURES, now_ms, reason_of
from actors.venue.polymarket.relayed import (
    RedeemClient,
    collateral_received,
    final_block,
    receipt,
    shares_on_chain,
)
from signals.units import MICRO, MicroShares, MicroUsd

PAGES_MAX: Final = 20
"""Of a listing, 100 rows each: far more markets than a fleet wins in between two sweeps."""


class RedeemReads:
    def __init__(self, client: RedeemClient, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s

    async def listed(self) -> Listed:
        try:
            async with asyncio.timeout(4 * self._timeout_s):
                rows = await self._positions()
                shares = await self._shares([str(row.asset_id) for row in rows])
        except FAILURES as error:
            return Listed(wire_ms=now_ms(), found=None, reason=reason_of(error))
        by_condition: dict[str, list[Position]] = {}
        for row in rows:
            by_condition.setdefault(str(row.condition_id), []).append(row)
        found = (self._found(name, of, shares) for name, of in by_condition.items())
        return Listed(wire_ms=now_ms(), found=tuple(one for one in found if one is not None))

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
            wire_ms=now_ms(),
            slug=rows[0].slug or "",
            held=tuple(
                Held(token_id=str(row.asset_id), shares=MicroShares(count)) for row, count in held
            ),
            worth_micro_usd=MicroUsd(sum(int(count * row.current_price) for row, count in held)),
        )

    async def _shares(self, token_ids: Sequence[str]) -> dict[str, int]:
        held = await shares_on_chain(self._client, token_ids) if token_ids else []
        return dict(zip(token_ids, held, strict=True))

    async def held(self, claim: Claim) -> int:
        shares = await self._shares([held.token_id for held in claim.held])
        return sum(shares.values())

    async def paid_by(self, transaction_hash: str | None) -> tuple[Payment, ...] | None:
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

    async def activity(self, claim: Claim) -> tuple[Payment, ...]:
        """Return every final payment for this market that the venue lists, whoever sent for it.

        The list shows blocks that may still be replaced: each payment's depth is read at the node.
        """
        pages = self._client.list_activity(
            condition_id=claim.condition_id, activity_types=["REDEEM"]
        )
        booked = {payment.transaction_hash for payment in claim.payments}
        found: dict[str, int] = {}
        for row in (await pages.first_page()).items:
            if not isinstance(row, RedeemActivity) or row.condition_id != claim.condition_id:
                continue
            name = str(row.transaction_hash).lower()
            if name not in booked and await self.is_final(name):
                micro = int((row.amount * MICRO).to_integral_value())
                found[name] = found.get(name, 0) + micro
        return tuple(
            Payment(transaction_hash=name, micro_usd=MicroUsd(came)) for name, came in found.items()
        )

    async def is_final(self, transaction_hash: str) -> bool:
        """Tell whether the transaction's block is final: the chain replaces it no more."""
        seen = await receipt(self._client, transaction_hash)
        if seen is None:
            return False
        return int(str(seen.get("blockNumber")), 16) <= await final_block(self._client)
