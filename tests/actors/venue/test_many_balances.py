"""The balances of a fleet that holds many tokens are asked for side by side."""

import asyncio
from types import SimpleNamespace
from typing import Any

from actors.venue.answers import AccountBalance
from actors.venue.polymarket.account_reads import TOKENS_AT_ONCE, AccountReads
from actors.venue.polymarket.fills import Account

TOKENS = tuple(str((1 << 200) + number) for number in range(130))
"""Both outcomes of 64 slots' markets, and two that await their payment."""


class Client:
    """Answers each question when as many are asked as may be, or none more comes."""

    def __init__(self) -> None:
        self.open = 0
        self.most = 0

    async def get_balance_allowance(self, *, asset_type: str, token_id: str = "") -> Any:
        self.open += 1
        self.most = max(self.most, self.open)
        for _ in range(TOKENS_AT_ONCE):
            await asyncio.sleep(0)
        self.open -= 1
        balance = 5_000_000 if asset_type == "COLLATERAL" else int(token_id) - (1 << 200)
        return SimpleNamespace(balance=balance, allowances={"exchange": 7})


def test_each_token_has_its_own_balance_and_no_more_are_asked_at_once_than_may_be() -> None:
    client = Client()
    reads = AccountReads(client, Account(owner="o", wallet="0x1"), None, 5.0)  # type: ignore[arg-type]
    found = asyncio.run(reads.balances(TOKENS))
    assert isinstance(found, AccountBalance)
    assert found.cash_micro_usd == 5_000_000
    assert found.allowance_micro_usd == 7
    assert found.shares == {token: number for number, token in enumerate(TOKENS)}
    assert client.most == TOKENS_AT_ONCE
