"""The authority passed on between two shells: nothing is lost, and it comes back only if asked."""

import asyncio
from pathlib import Path

import pytest

from actors.gateway.actor import Gateway
from actors.gateway.authority.machine import STANDING_BY
from actors.gateway.holder import heir, read_moves
from actors.gateway.status import GatewayStatus
from actors.messages import (
    ClaimAnswer,
    IntentAnswer,
    IntentReceived,
    Moved,
    OutboxPage,
    Refusal,
    decode,
    encode,
)
from checkpoints.errors import StorageError
from checkpoints.storage import LocalStorage
from tests.actors.gateway.builders import claim
from tests.actors.gateway.fake_venue import Book, FakeVenue
from tests.actors.gateway.shells import (
    WAIT_S,
    configure,
    current_intent,
    eventually,
    gateway,
    own,
    until,
)

pytestmark = pytest.mark.anyio
SLOT = "btc-5m"
POLL_MS = 600_000
"""Far longer than the test waits: who is pointed on did not wait for the poll's own end."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def status(shell: Gateway) -> GatewayStatus:
    return decode(await shell.status(), GatewayStatus)


async def phase(shell: Gateway, wanted: str) -> None:
    await eventually(lambda: shell._phase().startswith(wanted))


async def test_a_handover_keeps_resting_orders_and_points_to_the_successor(tmp_path: Path) -> None:
    configure(tmp_path)
    book = Book()
    async with gateway(tmp_path, FakeVenue(book)) as old:
        await own(old)
        await old.send(encode(current_intent()))
        await until(old, SLOT, "OrderOpened")
        async with gateway(tmp_path, FakeVenue(book), "gateway/2") as new:
            await phase(new, STANDING_BY)
            resting = set(book.open)
            assert await old.hand_over("gateway/2")
            moved = decode(await old.claim(encode(claim())), ClaimAnswer | Moved)
            assert moved == Moved(to="gateway/2")
            page = await until(new, SLOT, "OrderOpened")
            assert page.last_sequence == 2
            assert set(book.open) == resting
            assert (await status(new)).generation == 2


async def test_the_heartbeat_chain_goes_on_and_its_gap_is_measured_across(tmp_path: Path) -> None:
    configure(tmp_path)
    book = Book()
    async with gateway(tmp_path, FakeVenue(book)) as old:
        await own(old)
        beats = int(book.heartbeat[5:])
        async with gateway(tmp_path, FakeVenue(book), "gateway/2") as new:
            await phase(new, STANDING_BY)
            assert await old.hand_over("gateway/2")
            assert int(book.heartbeat[5:]) > beats, "the old one beats once more before it leaves"
            (move,) = read_moves(LocalStorage(tmp_path)).values()
            await phase(new, "serving")
            gateway_loop = new._session.gateway_loop
            assert gateway_loop is not None
            await eventually(lambda: gateway_loop.state.flight.beat_gap_max_ms > 0)
            first_ms = gateway_loop.state.flight.beat_ok_wire_ms
            assert gateway_loop.state.flight.beat_gap_max_ms == first_ms - move.beat_wire_ms


async def test_a_gateway_that_moved_and_is_started_again_answers_moved(tmp_path: Path) -> None:
    configure(tmp_path)
    book = Book()
    async with gateway(tmp_path, FakeVenue(book)) as old:
        await own(old)
        assert await old.hand_over("gateway/2")
    async with gateway(tmp_path, FakeVenue(book)) as again:
        await phase(again, "moved")
        answer = decode(await again.send(encode(current_intent())), IntentAnswer | Moved)
        assert answer == Moved(to="gateway/2")
        assert (await status(again)).phase == "moved to gateway/2"
        async with gateway(tmp_path, FakeVenue(book), "gateway/2") as new:
            await phase(new, "serving")


async def test_a_successor_that_failed_is_taken_back_from(tmp_path: Path) -> None:
    configure(tmp_path)
    book = Book()
    async with gateway(tmp_path, FakeVenue(book)) as old:
        await own(old)
        sent = current_intent()
        await old.send(encode(sent))
        await until(old, SLOT, "OrderOpened")
        async with gateway(tmp_path, FakeVenue(book), "gateway/2") as new:
            await phase(new, STANDING_BY)
            assert await old.hand_over("gateway/2")
            await phase(new, "serving")
        assert await old.take_back()
        answer = decode(await old.send(encode(sent)), IntentAnswer | Refusal)
        assert answer == IntentReceived(intent_id=sent.intent_id, known=True)
        assert heir(LocalStorage(tmp_path)) == "gateway/1"
        assert (await status(old)).generation == 3
        assert set(book.open) == book.seen
        assert not await old.take_back(), "only one that moved takes back"


async def test_an_heir_that_cannot_be_named_leaves_the_authority_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path)
    async with gateway(tmp_path, FakeVenue(Book())) as shell:
        await own(shell)
        with monkeypatch.context() as full:
            full.setattr("actors.gateway.authority.files.name_heir", _no_space)
            assert not await shell.hand_over("gateway/2")
        page = decode(await shell.outbox(SLOT, 1, 0, 0, 0), OutboxPage | Refusal)
        assert isinstance(page, OutboxPage)
        assert (await status(shell)).phase == "serving"


def _no_space(*_: object) -> None:
    raise StorageError("no space left")


async def test_who_polls_the_outbox_is_pointed_on_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.gateway.actor.OUTBOX_WAIT_MS_MAX", POLL_MS)
    configure(tmp_path)
    async with gateway(tmp_path, FakeVenue(Book())) as old:
        await own(old)
        polling = asyncio.create_task(old.outbox(SLOT, 1, 0, 0, POLL_MS))
        await asyncio.sleep(0)
        assert await old.hand_over("gateway/2")
        answer = decode(await asyncio.wait_for(polling, WAIT_S), OutboxPage | Moved)
        assert answer == Moved(to="gateway/2")


async def test_a_standby_loads_tokens_ahead_of_its_authority(tmp_path: Path) -> None:
    configure(tmp_path)
    async with gateway(tmp_path, FakeVenue(Book())) as old:
        await own(old)
        assert await old.warm("0xc", ["up", "down"])
        assert await old.warmed() == {"0xc": ["up", "down"]}
        async with gateway(tmp_path, FakeVenue(Book()), "gateway/2") as new:
            await phase(new, STANDING_BY)
            assert await new.warm("0xc", ["up", "down"])
