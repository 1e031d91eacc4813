"""The venue's SDK trades on the real sandbox process: orders, refusals, fills, modes, ghosts."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from time import monotonic

import httpx
import pytest
from polymarket import AsyncSecureClient
from polymarket.errors import RequestRejectedError
from polymarket.models.clob.order_response import AcceptedOrder
from polymarket.models.clob.orders import SignedOrder
from polymarket.streams import MarketSpec, UserSpec

from cluster.sandbox.server.serving import Ready
from tests.cluster.sandbox.server.running import process
from tests.cluster.sandbox.server.test_sdk_contract import KEY, environment

pytestmark = pytest.mark.exchange

CALM = (
    *("--without", "unauthorized_in_passing"),
    *("--without", "slow_chain"),
    *("--without", "matched_at_once"),
)
"""The bare SDK repeats nothing that was answered 401, and waits here for chain and delay."""
WAIT_S = 90
POLL_S = 0.05
RESTART_MS = 5_000
"""No machine is too slow to ask once meanwhile."""
CLIENT = httpx.Client(timeout=WAIT_S)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """One sandbox at real speed, so that no window closes in the middle of a test."""
    options = ("--speed", "1", "--seed", "5", *CALM)
    with process(tmp_path_factory.mktemp("sandbox"), *options) as it:
        yield it


class SmallExchange:
    """A trader in front of the market that has the most time left."""

    def __init__(self, client: AsyncSecureClient, ready: Ready, token: str) -> None:
        self.client = client
        self.ready = ready
        self.token = token

    async def best(self) -> tuple[Decimal, Decimal]:
        async def both_sides() -> tuple[Decimal, Decimal] | None:
            book = await self.client.get_order_book(token_id=self.token)
            return (book.bids[-1].price, book.asks[-1].price) if book.bids and book.asks else None

        return await eventually(both_sides)

    async def sign(self, price: Decimal | str, size: str = "10", **options: object) -> SignedOrder:
        order_type = options.pop("order_type", None)
        signed = await self.client.create_limit_order(
            token_id=self.token, price=str(price), size=size, side="BUY", **options
        )
        return signed if order_type is None else dataclasses.replace(signed, order_type=order_type)

    async def buy(self, price: Decimal | str, size: str = "10", **options: object) -> AcceptedOrder:
        return await self.client.post_order(await self.sign(price, size, **options))

    async def size_at(self, price: str) -> Decimal:
        """Return what rests on the bid's side at a price."""
        book = await self.client.get_order_book(token_id=self.token)
        return next((row.size for row in book.bids if row.price == Decimal(price)), Decimal(0))

    async def statuses(self, order_id: str) -> list[str]:
        trades = (await self.client.list_account_trades().first_page()).items
        return [trade.status for trade in trades if trade.taker_order_id == order_id]


async def eventually(poll: Callable[[], Awaitable[object]]) -> object:
    """Return the first truthy answer within a generous limit."""
    deadline = monotonic() + WAIT_S
    while True:
        if seen := await poll():
            return seen
        assert monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(POLL_S)


def admin(ready: Ready, method: str, path: str, body: object = None) -> dict:
    answer = CLIENT.request(method, ready.urls.admin_url + path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fault(ready: Ready, **fields: object) -> None:
    admin(ready, "POST", "/faults", fields)


def on_a_desk(ready: Ready, work: Callable[[SmallExchange], Awaitable[None]]) -> None:
    async def run() -> None:
        environment_ = environment(ready.urls)
        async with await AsyncSecureClient.create(
            private_key=KEY, environment=environment_
        ) as client:
            now_s = admin(ready, "GET", "/clock")["market_ms"] // 1000
            market = await client.get_market(slug=f"btc-updown-15m-{now_s // 900 * 900}")
            try:
                await work(SmallExchange(client, ready, market.outcomes.yes.token_id))
            finally:
                admin(ready, "DELETE", "/faults")
                await client.cancel_all()

    asyncio.run(run())


def test_a_marketable_order_is_delayed_then_matched_then_confirmed(ready: Ready) -> None:
    async def work(desk: SmallExchange) -> None:
        stream = await desk.client.subscribe([UserSpec()])
        _, ask = await desk.best()
        placed = await desk.buy(min(ask + Decimal("0.05"), Decimal("0.99")), order_type="FAK")
        assert placed.ok, placed
        assert placed.status == "delayed"

        async def confirmed() -> bool:
            statuses = await desk.statuses(placed.order_id)
            return bool(statuses) and set(statuses) == {"CONFIRMED"}

        await eventually(confirmed)
        held = await desk.client.get_balance_allowance(
            asset_type="CONDITIONAL", token_id=desk.token
        )
        assert held.balance >= 5_000_000
        told = set()
        while "CONFIRMED" not in told:
            event = await asyncio.wait_for(anext(stream), WAIT_S)
            if event.type == "trade":
                told.add(event.payload.status)
        assert told == {"MATCHED", "MINED", "CONFIRMED"}
        await stream.close()

    on_a_desk(ready, work)


def test_a_ghost_fill_is_matched_and_then_failed(ready: Ready) -> None:
    async def work(desk: SmallExchange) -> None:
        fault(ready, kind="ghost_fill", count=20)
        before = await desk.client.get_balance_allowance(asset_type="COLLATERAL")
        _, ask = await desk.best()
        placed = await desk.buy(min(ask + Decimal("0.05"), Decimal("0.99")), order_type="FAK")
        assert placed.ok, placed

        async def failed() -> bool:
            statuses = await desk.statuses(placed.order_id)
            return bool(statuses) and set(statuses) == {"FAILED"}

        await eventually(failed)
        after = await desk.client.get_balance_allowance(asset_type="COLLATERAL")
        assert after.balance == before.balance

    on_a_desk(ready, work)


def test_a_resting_order_shows_in_the_book_and_its_queue_place_at_the_admin_door(
    ready: Ready,
) -> None:
    async def work(desk: SmallExchange) -> None:
        async def shown_at_its_place() -> bool:
            ahead = await desk.size_at("0.01")
            placed = await desk.buy("0.01", "123.45", post_only=True)
            assert placed.ok, placed
            assert placed.status == "live"
            level = await desk.size_at("0.01")
            if level - ahead != Decimal("123.45"):  # the makers were faster: once more
                await desk.client.cancel_all()
                return False
            (order,) = admin(ready, "GET", "/state")["accounts"][0]["open_orders"]
            assert order["order"]["id"] == placed.order_id
            assert order["queue_ahead_at_placement_micro_shares"] == int(ahead * 1_000_000)
            return True

        await eventually(shown_at_its_place)

    on_a_desk(ready, work)


@pytest.mark.parametrize(
    ("price", "size", "options", "message"),
    [
        ("0.02", "4", {}, "lower than the minimum"),
        ("0.50", "1000000", {"post_only": True}, "not enough balance"),
        ("0.02", "10", {"order_type": "FOK"}, "fully filled or killed|min size"),
        ("cross", "10", {"post_only": True}, "order crosses book"),
    ],
)
def test_the_venues_own_words_say_why_an_order_is_refused(
    ready: Ready, price: str, size: str, options: dict[str, object], message: str
) -> None:
    async def work(desk: SmallExchange) -> None:
        limit = (await desk.best())[1] if price == "cross" else price
        if price == "0.50":
            limit = (await desk.best())[0]
        try:
            answer = await desk.buy(limit, size, **options)
        except RequestRejectedError as error:
            said = str(error)
        else:
            assert not answer.ok
            said = answer.message
        assert any(part in said for part in message.split("|")), said

    on_a_desk(ready, work)


def test_after_a_restart_only_post_only_orders_pass_for_a_while(ready: Ready) -> None:
    async def work(desk: SmallExchange) -> None:
        order = await desk.sign("0.02")
        fault(ready, kind="restart", delay_ms=RESTART_MS, post_only_ms=600_000)
        with pytest.raises(RequestRejectedError) as caught:
            await desk.client.post_order(order)
        assert (caught.value.status, caught.value.restriction) == (425, "restarting")

        async def up_again() -> bool:
            try:
                await desk.client.cancel_all()
            except RequestRejectedError:
                return False
            return True

        await eventually(up_again)
        with pytest.raises(RequestRejectedError) as caught:
            await desk.buy("0.02")
        assert caught.value.restriction == "post_only"
        assert (await desk.buy("0.02", post_only=True)).ok
        fault(ready, kind="mode", mode="cancel_only")
        with pytest.raises(RequestRejectedError) as caught:
            await desk.buy("0.03", post_only=True)
        assert caught.value.restriction == "cancel_only"
        assert len((await desk.client.cancel_all()).canceled) == 1

    on_a_desk(ready, work)


class StreamedBook:
    """One token's levels as the market stream tells them."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.levels: dict[tuple[str, Decimal], Decimal] = {}

    def apply(self, event: object) -> None:
        if event.type == "book":
            self.levels = levels_of(event.payload)
        elif event.type == "price_change":
            for change in event.payload.price_changes:
                if change.token_id == self._token:
                    self.levels[(change.side, change.price)] = change.size

    def shown(self) -> dict[tuple[str, Decimal], Decimal]:
        return {key: size for key, size in self.levels.items() if size}


def levels_of(book: object) -> dict[tuple[str, Decimal], Decimal]:
    bids = {("BUY", row.price): row.size for row in book.bids}
    return bids | {("SELL", row.price): row.size for row in book.asks}


def test_the_book_that_the_stream_builds_is_the_book_that_rest_shows(ready: Ready) -> None:
    async def work(desk: SmallExchange) -> None:
        stream = await desk.client.subscribe([MarketSpec(token_ids=(desk.token,))])
        streamed = StreamedBook(desk.token)
        changes = 0

        async def equal() -> bool:
            nonlocal changes
            event = await asyncio.wait_for(anext(stream), WAIT_S)
            streamed.apply(event)
            changes += event.type == "price_change"
            rest = levels_of(await desk.client.get_order_book(token_id=desk.token))
            return changes >= 5 and rest == streamed.shown()

        await eventually(equal)
        await stream.close()

    on_a_desk(ready, work)
