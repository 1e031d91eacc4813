"""The paper venue beside a real exchange process: books come from it, no order ever reaches it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from actors.config import FleetConfig, Mode
from actors.market_data.state import KnownMarket
from actors.venue.connect import connect
from actors.venue.paper.venue import PaperVenue
from actors.venue.port import (
    Accepted,
    AcceptedStatus,
    Cancelled,
    Duplicated,
    Rejected,
    SignedOrder,
    TradeStatus,
    Unknown,
    UnsignedOrder,
    VenueTrade,
)
from signals.decision import Style
from signals.market import Side
from signals.units import MicroShares, PriceMicroUsd
from tests.actors.sandbox import Sandbox, admin, sandbox
from tests.actors.venue.trading import current_market, until
from tests.judge_paper import recount
from tests.paper_recorder import Recorder

pytestmark = pytest.mark.exchange

TIMEOUT_S = 90.0
LIMIT_S = 240.0
_Value = TypeVar("_Value")


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox")) as served:
        yield served


def paper(exchange: Sandbox, folder: Path) -> FleetConfig:
    """Return a paper configuration: the key's file does not exist, nothing may look for it."""
    config = exchange.config()
    venue = msgspec.structs.replace(config.venue, private_key_file=str(folder / "no-such-key"))
    return msgspec.structs.replace(
        config, mode=Mode.PAPER, storage=str(folder / "storage"), venue=venue
    )


def run(config: FleetConfig, use: Callable[[PaperVenue], Awaitable[_Value]]) -> _Value:
    async def inner() -> _Value:
        venue = await connect(config, TIMEOUT_S)
        assert isinstance(venue, PaperVenue), venue
        try:
            async with asyncio.timeout(LIMIT_S):
                return await use(venue)
        finally:
            await venue.close()

    return asyncio.run(inner())


async def order(
    venue: PaperVenue,
    market: KnownMarket,
    style: Style,
    price: int,
    shares: int = 10_000_000,
    token_id: str = "",
) -> SignedOrder:
    assert await venue.warm(market.condition_id, market.up_token_id) is None
    one = await venue.sign(
        UnsignedOrder(
            condition_id=market.condition_id,
            token_id=token_id or market.up_token_id,
            side=Side.BUY,
            style=style,
            price=PriceMicroUsd(price),
            shares=MicroShares(shares),
        )
    )
    assert isinstance(one, SignedOrder), one
    return one


async def posted(venue: PaperVenue, one: SignedOrder) -> Accepted:
    async def poll() -> Accepted | None:
        outcome = await venue.post(one)
        assert not isinstance(outcome, Rejected | Duplicated), outcome
        return outcome if isinstance(outcome, Accepted) else None

    return await until(poll)


def test_a_taker_pays_what_the_book_showed_and_the_account_agrees(
    exchange: Sandbox, tmp_path: Path
) -> None:
    async def use(venue: PaperVenue) -> None:
        market = await current_market(exchange)
        book = await venue.book(market.up_token_id)
        assert not isinstance(book, Unknown)
        assert book.ask is not None
        one = await order(venue, market, Style.TAKE, 990_000, 1_000_000 * 10)
        accepted = await posted(venue, one)
        assert accepted.status is AcceptedStatus.DELAYED

        async def confirmed() -> tuple[VenueTrade, ...] | None:
            trades = await venue.trades(0)
            assert not isinstance(trades, Unknown)
            final = trades and all(trade.status is TradeStatus.CONFIRMED for trade in trades)
            return trades if final else None

        trades = await until(confirmed)
        assert all(not trade.maker and trade.fee_micro_usd > 0 for trade in trades)
        account = await venue.account([market.up_token_id])
        assert not isinstance(account, Unknown)
        bought = sum(trade.shares for trade in trades)
        spent = sum(
            trade.price * trade.shares // 1_000_000 + trade.fee_micro_usd for trade in trades
        )
        assert account.shares[market.up_token_id] == bought
        assert account.cash_micro_usd == 1_000_000_000 - spent
        # dollars are spent, not shares bought: 10 shares at 0.99 are 9.90 USD
        assert 9_900_000 - 10 <= spent - sum(trade.fee_micro_usd for trade in trades) <= 9_900_000
        assert await venue.post(one) == Duplicated()

    run(paper(exchange, tmp_path), use)


def test_a_resting_order_survives_a_restart_and_is_cancelled(
    exchange: Sandbox, tmp_path: Path
) -> None:
    config = paper(exchange, tmp_path)

    async def first(venue: PaperVenue) -> str:
        one = await order(venue, await current_market(exchange), Style.REST, 10_000)
        assert (await posted(venue, one)).status is AcceptedStatus.LIVE
        return one.order_id

    async def second(venue: PaperVenue) -> None:
        orders = await venue.open_orders()
        assert not isinstance(orders, Unknown)
        assert [found.order_id for found in orders] == [order_id]
        assert await venue.cancel([order_id]) == Cancelled(cancelled=(order_id,))
        assert await venue.open_orders() == ()

    order_id = run(config, first)
    run(config, second)


def test_the_adapter_that_sends_orders_is_not_even_loaded(
    exchange: Sandbox, tmp_path: Path
) -> None:
    code = (
        "import sys, msgspec; from actors.config import FleetConfig;"
        "from actors.venue.connect import adapter_of;"
        "config = msgspec.json.decode(open(sys.argv[1]).read(), type=FleetConfig);"
        "adapter_of(config).check_key(config);"
        "found = [n for n in sys.modules if n.split('.')[0] in ('polymarket', 'eth_account')];"
        "found += [n for n in sys.modules if n == 'actors.venue.keys'];"
        "print(found); sys.exit(bool(found))"
    )
    file = tmp_path / "config.json"
    file.write_bytes(msgspec.json.encode(paper(exchange, tmp_path)))

    async def loaded() -> int:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(file))
        return await process.wait()

    assert asyncio.run(loaded()) == 0


async def _trade(venue: PaperVenue, exchange: Sandbox, orders: int) -> None:
    """Rest at the best bid of both tokens and take now and then, until enough has filled."""
    posted_so_far = 0
    while True:
        market = await current_market(exchange, 60_000)
        for token in (market.up_token_id, market.down_token_id):
            book = await venue.book(token)
            if isinstance(book, Unknown) or book.bid is None or book.ask is None:
                continue
            style = Style.TAKE if posted_so_far % 4 == 3 else Style.REST
            price = book.ask if style is Style.TAKE else book.bid
            one = await order(venue, market, style, price, token_id=token)
            posted_so_far += isinstance(await venue.post(one), Accepted)
        trades = await venue.trades(0)
        assert not isinstance(trades, Unknown)
        makers = [trade for trade in trades if trade.maker]
        if len(makers) >= orders and len(trades) > len(makers):
            return
        await asyncio.sleep(0.3)


def test_every_fill_is_borne_out_by_what_another_client_saw(
    exchange: Sandbox, tmp_path: Path
) -> None:
    config = paper(exchange, tmp_path)
    with Recorder(exchange.urls["market_ws_url"], Path(config.storage)) as seen:
        run(config, lambda venue: _trade(venue, exchange, 12))
    assert list(recount(Path(config.storage), seen.tape())) == []


def test_no_order_request_reaches_the_exchange(exchange: Sandbox) -> None:
    """Last of this module: the tests before it have traded."""
    seen = admin(exchange, "GET", "/state")
    assert seen["accounts"] == []
    assert [route for route in seen["asked"] if "/clob" in route] == []
