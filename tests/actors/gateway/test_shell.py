"""The shell without a cluster: plain `Gateway` on a folder, with a venue in memory."""

from pathlib import Path

import msgspec
import pytest

from actors.gateway.holder import name_heir
from actors.gateway.lock import CURRENT_FILE, HALT_FILE, Current
from actors.gateway.status import FenceTable, GatewayStatus
from actors.messages import (
    IntentAnswer,
    IntentReceived,
    Refusal,
    SetTrading,
    TradingState,
    decode,
    encode,
)
from checkpoints.storage import LocalStorage
from tests.actors.gateway.fake_venue import Book, FakeVenue
from tests.actors.gateway.shells import (
    configure,
    current_intent,
    gateway,
    own,
    until,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_an_intent_becomes_one_order_that_the_outbox_tells(tmp_path: Path) -> None:
    configure(tmp_path)
    book = Book()
    async with gateway(tmp_path, FakeVenue(book)) as shell:
        await own(shell)
        sent = current_intent()
        answers = [decode(await shell.send(encode(sent)), IntentAnswer) for _ in range(2)]
        assert answers == [
            IntentReceived(intent_id=sent.intent_id, known=False),
            IntentReceived(intent_id=sent.intent_id, known=True),
        ]
        page = await until(shell, "btc-5m", "OrderOpened")
        assert [event.sequence for event in page.events] == [1, 2]
        status = decode(await shell.status(), GatewayStatus)
        assert status.phase == "serving"
        assert [order.order_id for order in status.open_orders] == list(book.open)
        current = msgspec.json.decode((tmp_path / CURRENT_FILE).read_bytes(), type=Current)
        assert current == Current(name="gateway/1", generation=1)


async def test_a_successor_knows_everything_and_signs_nothing_again(tmp_path: Path) -> None:
    configure(tmp_path)
    book = Book()
    venue = FakeVenue(book)
    venue.lose_answers = 1
    sent = current_intent()
    async with gateway(tmp_path, venue) as shell:
        await own(shell)
        await shell.send(encode(sent))
        await until(shell, "btc-5m", "OrderSigned")
    name_heir(LocalStorage(tmp_path), "gateway/2")
    async with gateway(tmp_path, FakeVenue(book), "gateway/2") as shell:
        page = await until(shell, "btc-5m", "OrderOpened")
        assert page.fence == 1
        answer = decode(await shell.send(encode(sent)), IntentAnswer)
        assert answer == IntentReceived(intent_id=sent.intent_id, known=True)
        table = decode(await shell.fences(), FenceTable)
        assert [record.fence for record in table.owners] == [1]
    assert book.signatures == 1
    assert len(book.seen) == 1


async def test_the_halt_file_stops_posts_cancels_and_outlives_its_removal(tmp_path: Path) -> None:
    configure(tmp_path)
    book = Book()
    async with gateway(tmp_path, FakeVenue(book)) as shell:
        await own(shell)
        await shell.send(encode(current_intent()))
        await until(shell, "btc-5m", "OrderOpened")
        (tmp_path / HALT_FILE).write_text("fire drill")
        await until(shell, "btc-5m", "OrderEnded")
        assert not book.open
        resume = SetTrading(state=TradingState.ACTIVE, reason="over", who="tester")
        refused = decode(await shell.set_trading(encode(resume)), SetTrading | Refusal)
        assert isinstance(refused, Refusal)
        (tmp_path / HALT_FILE).unlink()
        status = decode(await shell.status(), GatewayStatus)
        assert status.trading_state is TradingState.HALTED
        await shell.send(encode(current_intent(leg=1)))
        await until(shell, "btc-5m", "IntentRefused")
        done = decode(await shell.set_trading(encode(resume)), SetTrading | Refusal)
        assert done == resume
    assert len(book.seen) == 1


async def test_stop_cancels_what_rests_and_keeps_the_trading_state(tmp_path: Path) -> None:
    configure(tmp_path)
    book = Book()
    async with gateway(tmp_path, FakeVenue(book)) as shell:
        await own(shell)
        await shell.send(encode(current_intent()))
        await until(shell, "btc-5m", "OrderOpened")
        last = decode(await shell.stop(), GatewayStatus)
        assert last.trading_state is TradingState.ACTIVE
        assert last.end_counts == {"cancelled": 1}
    assert not book.open
