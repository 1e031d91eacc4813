"""Accounts on the real sandbox exchange that have won markets, one for each type of wallet."""

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from time import monotonic, sleep

import msgspec
from eth_account import Account
from polymarket import AsyncSecureClient

from actors.config import FleetConfig, Venue
from actors.redemption.claim import Claim, Step
from actors.redemption.log import Book, read_book
from actors.venue.key_kinds import THROW_AWAY
from actors.venue.polymarket.environment import venue_environment
from cluster.sandbox.chain.transactions import (
    Redeemed,
    RedemptionUndone,
    TransactionSubmitted,
)
from cluster.sandbox.ledger import read_entries
from cluster.sandbox.records import CashChanged, MarketSettled
from cluster.sandbox.wallets import deposit_wallets, proxy_wallet, safe_wallet
from tests.actors.sandbox import Sandbox, admin, sandbox, store_config

SPEED = 30
CALM = (
    *("--without", "unauthorized_in_passing"),
    *("--without", "slow_chain"),
    *("--without", "matched_at_once"),
)
CLAIMS = ("--claims", "--older-wallets", "--confirmed-after-ms", "8000", *CALM)
ASSETS = ("btc", "eth", "sol", "xrp", "doge", "bnb", "hype", "zec")
WAIT_S = 240.0
POLL_S = 0.02
WINDOW_S = 900
EARLY_S = 420
"""Market seconds after the open in which buying may begin."""


@dataclass
class Wallet:
    """One type of wallet, with a key, a storage and a process of its own."""

    kind: str
    exchange: Sandbox
    key: str
    child: subprocess.Popen[bytes] | None = None
    kills: dict[str, str] = field(default_factory=dict)
    """Condition -> the step at which the redeemer was killed."""

    @property
    def owner(self) -> str:
        return Account.from_key(self.key).address.lower()

    @property
    def address(self) -> str:
        match self.kind:
            case "deposit":
                return deposit_wallets(self.owner)[0]
            case "proxy":
                return proxy_wallet(self.owner)
            case "safe":
                return safe_wallet(self.owner)
            case _:
                return self.owner

    @property
    def folder(self) -> Path:
        return self.exchange.folder / f"wallet-{self.kind}"

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    @property
    def submit_route(self) -> str:
        return "POST /rpc" if self.kind == "key" else "POST /relayer/submit"

    def venue(self) -> Venue:
        self.folder.mkdir(exist_ok=True)
        files = {"key": self.key, "relayer": self._relayer_key()}
        for name, text in files.items():
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o600)
        return msgspec.structs.replace(
            self.exchange.venue(),
            private_key_file=str(self.folder / "key"),
            relayer_key_file=str(self.folder / "relayer"),
            wallet=self.address,
        )

    def _relayer_key(self) -> str:
        return admin(self.exchange, "GET", f"/relayer-key/{self.owner}")["key"]

    def config(self) -> FleetConfig:
        config = self.exchange.config()
        return msgspec.structs.replace(config, venue=self.venue(), storage=str(self.storage))

    # ---- its redeemer -------------------------------------------------------------------------

    def start(self) -> None:
        store_config(self.config())
        with (self.folder / "log.txt").open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "actors.redemption", str(self.storage)],
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        assert self.child is not None
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def book(self) -> Book:
        found = read_book(self.storage)
        assert not isinstance(found, str), found
        return found or Book()

    def await_step(self, step: Step) -> Claim:
        """Wait until a claim that no kill has met yet stands at this step on the disk."""
        deadline = monotonic() + WAIT_S
        while True:
            for claim in self.book().claims.values():
                if claim.phase is step and claim.condition_id not in self.kills:
                    return claim
            assert monotonic() < deadline, f"{self.kind}: nothing is {step}: {self.log()}"
            assert self.child is None or self.child.poll() is None, self.log()
            sleep(POLL_S)

    def log(self) -> str:
        return (self.folder / "log.txt").read_text()[-3_000:]


KEYS = {
    kind: THROW_AWAY + digits * 25
    for kind, digits in (("deposit", "21"), ("proxy", "22"), ("safe", "23"), ("key", "24"))
}


@contextmanager
def claims_exchange(folder: Path, speed: int = SPEED) -> Iterator[Sandbox]:
    with sandbox(folder, *CLAIMS, speed=speed) as exchange:
        yield exchange


@contextmanager
def wallets(exchange: Sandbox) -> Iterator[list[Wallet]]:
    found = [Wallet(kind, exchange, key) for kind, key in KEYS.items()]
    try:
        yield found
    finally:
        for wallet in found:
            if wallet.child is not None and wallet.child.poll() is None:
                wallet.kill()


def win(exchange: Sandbox, who: list[Wallet], markets: int) -> list[str]:
    """Buy both outcomes of markets and wait until they are settled; return their conditions."""
    while _market_s(exchange) % WINDOW_S > EARLY_S:
        sleep(0.2)
    slugs = asyncio.run(_all_buy(exchange, who, ASSETS[:markets]))
    deadline = monotonic() + WAIT_S
    while True:
        found = [record for record in settlements(exchange) if record.market.slug in slugs]
        if len(found) == markets:
            return [record.market.condition_id for record in found]
        assert monotonic() < deadline, "the markets were not settled in time"
        sleep(0.1)


def _market_s(exchange: Sandbox) -> int:
    return admin(exchange, "GET", "/clock")["market_ms"] // 1_000


async def _all_buy(exchange: Sandbox, who: list[Wallet], assets: tuple[str, ...]) -> list[str]:
    start_s = _market_s(exchange) // WINDOW_S * WINDOW_S
    slugs = [f"{asset}-updown-15m-{start_s}" for asset in assets]
    clients = [await _client(wallet) for wallet in who]  # one after the other: keys cost time
    await asyncio.gather(*(_buy(client, slugs) for client in clients))
    return slugs


async def _client(wallet: Wallet) -> AsyncSecureClient:
    venue = wallet.venue()
    return await AsyncSecureClient.create(
        private_key="0x" + wallet.key, wallet=venue.wallet, environment=venue_environment(venue)
    )


async def _buy(client: AsyncSecureClient, slugs: list[str]) -> None:
    async with client:
        for slug in slugs:
            market = await client.get_market(slug=slug)
            for outcome in (market.outcomes.yes, market.outcomes.no):
                await _buy_one(client, str(outcome.token_id))


async def _buy_one(client: AsyncSecureClient, token: str) -> None:
    """Buy some shares of an outcome, until something is held of it in a block."""
    deadline = monotonic() + WAIT_S
    while monotonic() < deadline:
        signed = await client.create_limit_order(token_id=token, price="0.99", size="6", side="BUY")
        await client.post_order(dataclasses.replace(signed, order_type="FAK"))
        for _ in range(40):
            held = await client.get_balance_allowance(asset_type="CONDITIONAL", token_id=token)
            if Decimal(held.balance) > 0:
                return
            await asyncio.sleep(0.1)
    raise AssertionError(f"nothing was bought of {token}")


# ---- the judge: the exchange's own ledger -----------------------------------------------------


def records(exchange: Sandbox) -> list[object]:
    return [entry.record for entry in read_entries(exchange.folder / "exchange")]


def settlements(exchange: Sandbox) -> list[MarketSettled]:
    return [record for record in records(exchange) if isinstance(record, MarketSettled)]


@dataclass(frozen=True)
class Judged:
    """One market of one wallet, as the ledger has it."""

    owed: int
    payments: tuple[int, ...]
    """Of each transaction that redeemed it, nothing included, undone ones left out."""
    sent: int
    """Transactions that were taken for it."""


def judge(exchange: Sandbox, wallet: Wallet) -> dict[str, Judged]:
    accounts = admin(exchange, "GET", "/state")["accounts"]
    api_key = next(one["api_key"] for one in accounts if one["address"] == wallet.owner)
    return judged(records(exchange), wallet.owner, api_key)


def judged(found: Sequence[object], owner: str, api_key: str) -> dict[str, Judged]:
    """Return each settled market of an account, of which something was owed, by the ledger."""
    owed = {
        record.market.condition_id: payout.paid_micro_usd
        for record in found
        if isinstance(record, MarketSettled)
        for payout in record.payouts
        if payout.api_key == api_key
    }
    undone = [r.redeemed for r in found if isinstance(r, RedemptionUndone)]
    redeemed = [r for r in found if isinstance(r, Redeemed) and r.api_key == api_key]
    for one in undone:
        if one in redeemed:
            redeemed.remove(one)
    sent = [
        redemption.condition_id
        for record in found
        if isinstance(record, TransactionSubmitted) and record.submission.owner == owner
        for redemption in record.submission.redemptions
    ]
    credited = sum(
        record.change_micro_usd
        for record in found
        if isinstance(record, CashChanged)
        and record.api_key == api_key
        and record.cause.startswith("redemption")
    )
    assert credited == sum(one.paid_micro_usd for one in redeemed)
    return {
        condition: Judged(
            owed=amount,
            payments=tuple(r.paid_micro_usd for r in redeemed if r.condition_id == condition),
            sent=sent.count(condition),
        )
        for condition, amount in owed.items()
    }
