"""What the account has at the venue: open orders, own fills, balances; row by row."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

from polymarket import AsyncSecureClient
from polymarket.errors import PolymarketError, UserInputError
from polymarket.models.clob.account import AssetType

from actors.venue.answers import AccountBalance, OddRow
from actors.venue.polymarket.environment import account_page, is_protocol_v2
from actors.venue.polymarket.fills import Account
from actors.venue.polymarket.listings import FeeTermsOf, Rows, read_order, read_trade
from actors.venue.polymarket.unauthorized import repeat_if_unauthorized
from actors.venue.port import Unknown, VenueOrder, VenueTrade
from signals.units import MicroShares, MicroUsd

PAGES_MAX: Final = 200
"""Of one listing, 100 rows each; more is not read to its end, so the answer is `Unknown`."""
TOKENS_AT_ONCE: Final = 8
"""Balances asked for side by side: of a fleet of 64 slots one after the other takes longer than an
answer may."""
ODD_ROWS_MAX: Final = 100
"""Of one listing that are kept: more say the same."""
WITHOUT_LIMIT: Final = 1 << 62
"""Micro-units: an approval without limit, and what no account has, are cut to fit a message."""
FAILURES: Final = (PolymarketError, TimeoutError, RecursionError)
"""The last: JSON that is nested too deeply to read."""
ReadRow = Callable[[object, Rows], Awaitable[None]]


class AccountReads:
    """Reads of one account; every answer that was lost is `Unknown`."""

    def __init__(
        self,
        client: AsyncSecureClient,
        account: Account,
        fee_terms: FeeTermsOf,
        timeout_s: float,
        exchange: str = "",
    ) -> None:
        self._client = client
        self._account = account
        self._fee_terms = fee_terms
        self._timeout_s = timeout_s
        self._exchange = exchange
        """The contract that the fleet's orders name."""
        self._odd_rows: dict[str, tuple[OddRow, ...]] = {}
        """By listing, of its newest reading."""

    async def open_orders(self) -> tuple[VenueOrder, ...] | Unknown:
        async def read(row: object, rows: Rows) -> None:
            read_order(row, rows)

        rows = await self._listing("orders", "/data/orders", {}, read)
        return rows if isinstance(rows, Unknown) else tuple(rows.orders)

    async def trades(self, after_s: int) -> tuple[VenueTrade, ...] | Unknown:
        async def read(row: object, rows: Rows) -> None:
            await read_trade(row, self._account, self._fee_terms, rows)

        # The venue's bound is exclusive in one place and inclusive in another: ask for one second
        # more, the caller knows fills by their id.
        asked = {"after": str(after_s - 1)}
        rows = await self._listing("trades", "/data/trades", asked, read)
        if isinstance(rows, Unknown):
            return rows
        return tuple(sorted(rows.trades, key=lambda fill: (fill.matched_wire_ms, fill.fill_id)))

    async def _listing(
        self, name: str, path: str, asked: Mapping[str, str], read: ReadRow
    ) -> Rows | Unknown:
        """Read all pages of a listing, row by row."""
        rows = Rows()
        cursor: str | None = None
        seen: set[str | None] = set()
        try:
            async with asyncio.timeout(self._timeout_s):
                for _ in range(PAGES_MAX):
                    params = dict(asked) if cursor is None else {**asked, "next_cursor": cursor}
                    page = await repeat_if_unauthorized(
                        partial(account_page, self._client, path, params)
                    )
                    for row in page.rows:
                        await read(row, rows)
                    cursor = page.next_cursor
                    if cursor in seen:
                        return Unknown(reason=f"the pages of {name} go in a circle")
                    seen.add(cursor)
                    if cursor is None:
                        self._odd_rows[name] = tuple(rows.odd[:ODD_ROWS_MAX])
                        return rows
        except FAILURES as error:
            return Unknown(reason=f"{type(error).__name__}: {error}")
        return Unknown(reason=f"more than {PAGES_MAX} pages of {name}")

    def odd_rows(self) -> tuple[OddRow, ...]:
        return tuple(odd for rows in self._odd_rows.values() for odd in rows)

    async def balances(self, token_ids: Sequence[str]) -> AccountBalance | Unknown:
        ask = self._client.get_balance_allowance
        try:
            async with asyncio.timeout(self._timeout_s):
                cash = await repeat_if_unauthorized(partial(ask, asset_type="COLLATERAL"))
                held = [
                    found
                    for start in range(0, len(token_ids), TOKENS_AT_ONCE)
                    for found in await asyncio.gather(
                        *(
                            repeat_if_unauthorized(
                                partial(ask, asset_type=_asset_type(token), token_id=token)
                            )
                            for token in token_ids[start : start + TOKENS_AT_ONCE]
                        )
                    )
                ]
        except (*FAILURES, UserInputError) as error:
            return Unknown(reason=f"{type(error).__name__}: {error}")
        allowed = least_allowance(cash.allowances, self._exchange)
        return AccountBalance(
            cash_micro_usd=MicroUsd(_in_64_bits(cash.balance)),
            allowance_micro_usd=None if allowed is None else MicroUsd(_in_64_bits(allowed)),
            shares={
                token: MicroShares(_in_64_bits(found.balance))
                for token, found in zip(token_ids, held, strict=True)
            },
        )


def least_allowance(allowances: Mapping[str, int], exchange: str) -> int | None:
    """Return what the exchange of the orders may spend; where it is not named, the least of all.

    A wallet may have approved that one alone: what others may spend is of no consequence.
    """
    by_spender = {spender.lower(): amount for spender, amount in allowances.items()}
    return by_spender.get(exchange.lower(), min(by_spender.values(), default=None))


def _in_64_bits(micro: int) -> int:
    return max(-WITHOUT_LIMIT, min(micro, WITHOUT_LIMIT))


def _asset_type(token_id: str) -> AssetType:
    return "CONDITIONAL-V2" if is_protocol_v2(token_id) else "CONDITIONAL"
