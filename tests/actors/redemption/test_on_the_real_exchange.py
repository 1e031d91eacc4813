"""Redemptions of each wallet type against the real sandbox process, judged by its ledger."""

import asyncio
from pathlib import Path
from time import monotonic

import pytest

from actors.clock import instant
from actors.redemption.claim import Claim
from actors.redemption.log import Book, open_log, read_book
from actors.redemption.loop import RedeemLoop
from actors.redemption.state import State
from actors.venue.polymarket.redeeming import PolymarketRedeeming, connect_redeeming
from tests.actors.redemption.winning import (
    WAIT_S,
    WALLETS,
    Won,
    cash,
    claims_exchange,
    payouts,
    submissions,
    venue_of,
    win,
)

pytestmark = pytest.mark.exchange
TIMEOUT_S = 30.0


async def redeem(venue: object, root: Path, clock: object, won: list[Won]) -> dict[str, Claim]:
    """Run a redeemer until these markets are paid."""
    log, book = open_log(root)
    port = await connect_redeeming(venue, TIMEOUT_S)
    assert isinstance(port, PolymarketRedeeming), port
    loop = RedeemLoop(
        port=port,
        log=log,
        state=State(claims=book.claims),
        now=lambda: instant(clock),
        alarm=lambda _: None,
    )
    task = asyncio.create_task(loop.run())
    wanted = {one.condition_id for one in won}
    deadline = monotonic() + WAIT_S
    while not wanted <= paid(root):
        assert not task.done(), task.exception()
        assert monotonic() < deadline, repr(list(loop.state.claims.values()))
        await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await port.close()
    log.close()
    return loop.state.claims


def paid(root: Path) -> set[str]:
    """Return the markets that the log on the disk calls paid."""
    book = read_book(root)
    assert isinstance(book, Book), book
    return {name for name, claim in book.claims.items() if not claim.open}


@pytest.mark.parametrize("kind", WALLETS)
def test_winnings_of_each_wallet_type_become_cash_once(kind: str, tmp_path: Path) -> None:
    with claims_exchange(tmp_path) as exchange:
        (won,) = win(exchange, kind)
        before = cash(exchange)
        claims = asyncio.run(
            redeem(venue_of(exchange, kind), tmp_path / "storage", exchange.clock, [won])
        )
        assert claims[won.condition_id].paid_micro_usd == won.owed_micro_usd > 0
        assert payouts(exchange, won.condition_id) == [won.owed_micro_usd]
        assert cash(exchange) - before == won.owed_micro_usd
        assert submissions(exchange) == 1
        book = read_book(tmp_path / "storage")
        assert book.paid_micro_usd == won.owed_micro_usd
        assert book.owed_micro_usd == 0
