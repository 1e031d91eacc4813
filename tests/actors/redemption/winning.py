"""An account on the real sandbox exchange that has won a market, for each type of wallet."""

import asyncio
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from time import monotonic

import msgspec
from eth_account import Account
from polymarket import AsyncSecureClient

from actors.config import Venue
from actors.venue.polymarket.environment import venue_environment
from cluster.sandbox.chain.transactions import Redeemed, TransactionSubmitted
from cluster.sandbox.ledger import read_entries
from cluster.sandbox.records import MarketSettled
from cluster.sandbox.wallets import deposit_wallets, proxy_wallet, safe_wallet
from tests.actors.sandbox import TEST_KEY, Sandbox, admin, sandbox

OWNER = Account.from_key(TEST_KEY).address.lower()
WALLETS = {
    "deposit": deposit_wallets(OWNER)[0],
    "proxy": proxy_wallet(OWNER),
    "safe": safe_wallet(OWNER),
    "key": OWNER,
}
SPEED = 60
OPTIONS = (
    "--claims",
    "--older-wallets",
    *("--without", "unauthorized_in_passing"),
    *("--without", "slow_chain"),
    *("--without", "matched_at_once"),
)
WAIT_S = 60.0
POLL_S = 0.1
QUARTER_S = 900


@dataclass(frozen=True)
class Won:
    """A market that is settled, and what its winning shares are worth."""

    slug: str
    condition_id: str
    owed_micro_usd: int


@contextmanager
def claims_exchange(folder: Path, *more: str) -> Iterator[Sandbox]:
    with sandbox(folder, *OPTIONS, *more, speed=SPEED) as exchange:
        yield exchange


def venue_of(exchange: Sandbox, kind: str) -> Venue:
    """Return the configuration of the test key's wallet of a kind, with its relayer key."""
    key_file = exchange.folder / "relayer-key"
    key_file.write_text(admin(exchange, "GET", f"/relayer-key/{OWNER}")["key"])
    key_file.chmod(0o600)
    return msgspec.structs.replace(
        exchange.venue(), wallet=WALLETS[kind], relayer_key_file=str(key_file)
    )


def win(exchange: Sandbox, kind: str, markets: int = 1) -> list[Won]:
    """Buy both outcomes of markets and wait until they are settled: one of them has won."""
    slugs = asyncio.run(_buy(exchange, venue_of(exchange, kind), markets))
    found: list[Won] = []
    deadline = monotonic() + WAIT_S
    while len(found) < markets:
        assert monotonic() < deadline, "the markets were not settled in time"
        found = [won for won in settled(exchange) if won.slug in slugs and won.owed_micro_usd]
        asyncio.run(asyncio.sleep(POLL_S))
    return found


async def _buy(exchange: Sandbox, venue: Venue, markets: int) -> list[str]:
    client = await AsyncSecureClient.create(
        private_key="0x" + TEST_KEY, wallet=venue.wallet, environment=venue_environment(venue)
    )
    async with client:
        now_s = admin(exchange, "GET", "/clock")["market_ms"] // 1_000
        start_s = now_s // QUARTER_S * QUARTER_S
        assets = ("btc", "eth", "sol", "xrp", "doge", "bnb", "hype")[:markets]
        slugs = [f"{asset}-updown-15m-{start_s}" for asset in assets]
        for slug in slugs:
            market = await client.get_market(slug=slug)
            for outcome in (market.outcomes.yes, market.outcomes.no):
                await _buy_one(client, str(outcome.token_id))
    return slugs


async def _buy_one(client: AsyncSecureClient, token: str) -> None:
    """Buy ten shares or so of an outcome, until something is held of it in a block."""
    deadline = monotonic() + WAIT_S
    while monotonic() < deadline:
        signed = await client.create_limit_order(
            token_id=token, price="0.99", size="10", side="BUY"
        )
        await client.post_order(dataclasses.replace(signed, order_type="FAK"))
        for _ in range(30):
            held = await client.get_balance_allowance(asset_type="CONDITIONAL", token_id=token)
            if Decimal(held.balance) > 0:
                return
            await asyncio.sleep(POLL_S)
    raise AssertionError(f"nothing was bought of {token}")


# ---- the judge --------------------------------------------------------------------------------


def records(exchange: Sandbox) -> list[object]:
    return [entry.record for entry in read_entries(exchange.folder / "exchange")]


def settled(exchange: Sandbox) -> list[Won]:
    return [
        Won(
            slug=record.market.slug,
            condition_id=record.market.condition_id,
            owed_micro_usd=sum(payout.paid_micro_usd for payout in record.payouts),
        )
        for record in records(exchange)
        if isinstance(record, MarketSettled)
    ]


def payouts(exchange: Sandbox, condition_id: str) -> list[int]:
    """Return what each transaction that redeemed this market paid, nothing included."""
    return [
        record.paid_micro_usd
        for record in records(exchange)
        if isinstance(record, Redeemed) and record.condition_id == condition_id
    ]


def submissions(exchange: Sandbox) -> int:
    return sum(isinstance(record, TransactionSubmitted) for record in records(exchange))


def cash(exchange: Sandbox) -> int:
    (account,) = admin(exchange, "GET", "/state")["accounts"]
    return account["cash_settled_micro_usd"]
