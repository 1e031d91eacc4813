"""What the shell does when the disk, the lock or a stranger misbehaves."""

import asyncio
from pathlib import Path

import pytest

from actors.gateway.actor import Gateway
from actors.gateway.authority.events import Holder
from actors.gateway.lock import acquire
from actors.gateway.status import GatewayStatus
from actors.messages import (
    ClaimAnswer,
    IntentAnswer,
    IntentReceived,
    Refusal,
    TradingState,
    decode,
    encode,
)
from actors.venue.port import UnsignedOrder
from checkpoints.alarms import AlarmStore
from checkpoints.errors import StorageError
from checkpoints.log import RecordLog
from checkpoints.storage import LocalStorage
from tests.actors.gateway.builders import claim, intent
from tests.actors.gateway.fake_venue import Book, FakeVenue
from tests.actors.gateway.shells import (
    configure,
    current_intent,
    eventually,
    gateway,
    own,
    until,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_second_fleet_on_the_same_storage_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path)
    monkeypatch.setattr("actors.gateway.authority.waiting.STRANGER_MS_MAX", 200)
    other = Holder(name="gateway/1", fleet="other", node="n", pid=1, process_start=1, wire_ms=0)
    lock = acquire(tmp_path, other)
    async with gateway(tmp_path, FakeVenue(Book())) as shell:
        await eventually(lambda: shell._phase().startswith("refused"))
        assert "in use by another fleet" in await shell.health()
        answer = decode(await shell.claim(encode(claim())), ClaimAnswer | Refusal)
        assert isinstance(answer, Refusal)
    assert not isinstance(lock, Holder)
    assert lock is not None
    lock.release()


async def test_a_damaged_log_halts_and_cancels_and_never_falls_back(tmp_path: Path) -> None:
    configure(tmp_path)
    book = Book()
    async with gateway(tmp_path, FakeVenue(book)) as shell:
        await own(shell)
        await shell.send(encode(current_intent()))
        await until(shell, "btc-5m", "OrderOpened")
    (segment,) = (tmp_path / "gateway/log").glob("*.log")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    async with gateway(tmp_path, FakeVenue(book)) as shell:
        answer = decode(await shell.claim(encode(claim())), ClaimAnswer | Refusal)
        assert isinstance(answer, Refusal)
        assert "damaged" in answer.reason
        status = decode(await shell.status(), GatewayStatus)
        assert status.trading_state is TradingState.HALTED
    assert not book.open


async def test_a_disk_that_refuses_a_write_ends_this_start_and_nothing_is_answered_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path)
    monkeypatch.setattr("actors.gateway.authority.serving.RESTART_MS", 10)
    book = Book()
    async with gateway(tmp_path, FakeVenue(book)) as shell:
        await own(shell)
        sent = current_intent()
        with monkeypatch.context() as full:
            full.setattr(RecordLog, "append", _no_space)
            answer = decode(await shell.send(encode(sent)), IntentAnswer | Refusal)
        assert isinstance(answer, Refusal)
        assert not book.seen
        await eventually(lambda: _serves(shell, generation=2))
        answer = decode(await shell.send(encode(sent)), IntentAnswer | Refusal)
        assert answer == IntentReceived(intent_id=sent.intent_id, known=False)
        await until(shell, "btc-5m", "OrderOpened")
    assert len(book.seen) == 1


async def test_a_disk_that_is_full_at_the_start_is_not_waited_for_as_the_venue_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path)
    monkeypatch.setattr("actors.gateway.authority.serving.RESTART_MS", 10)
    monkeypatch.setattr("actors.gateway.session.RECONCILE_S_MAX", 3_600.0)
    with monkeypatch.context() as full:
        full.setattr(RecordLog, "append", _no_space)
        async with gateway(tmp_path, FakeVenue(Book())) as shell:
            await eventually(lambda: shell._session.generation >= 2)
            full.undo()
            await eventually(lambda: shell._phase() == "serving")


async def test_who_waits_for_a_state_of_a_loop_that_was_cancelled_waits_out_its_time(
    tmp_path: Path,
) -> None:
    configure(tmp_path)
    async with gateway(tmp_path, FakeVenue(Book())) as shell:
        await eventually(lambda: shell._phase() == "serving")
        session = shell._session
        gateway_loop = session.gateway_loop
        assert gateway_loop is not None
        waiting = asyncio.create_task(gateway_loop.settled(lambda _: False, 0.1))
        await asyncio.sleep(0)
        await session.close()
        assert not await waiting


def _serves(shell: Gateway, generation: int) -> bool:
    return shell._phase() == "serving" and shell._session.generation == generation


def _no_space(_log: RecordLog, _records: list[bytes]) -> None:
    raise StorageError("no space left")


async def test_a_log_that_grew_begins_anew_with_a_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path)
    monkeypatch.setattr("actors.gateway.loop.COMPACT_RECORDS", 4)
    book = Book()
    async with gateway(tmp_path, FakeVenue(book)) as shell:
        await own(shell)
        for leg in range(3):
            await shell.send(encode(current_intent(leg=leg, price=500_000 - 10_000 * leg)))
        await eventually(lambda: len(book.seen) == 3)
        page = await until(shell, "btc-5m", "OrderOpened")
    assert len(list((tmp_path / "gateway/log").glob("*.log"))) > 1
    async with gateway(tmp_path, FakeVenue(book)) as shell:
        again = await until(shell, "btc-5m", "OrderOpened")
        assert again.events[: len(page.events)] == page.events
    assert book.signatures == 3


async def test_an_alarm_is_durable_and_a_stranger_order_is_cancelled(tmp_path: Path) -> None:
    configure(tmp_path)
    book = Book()
    order = UnsignedOrder(
        condition_id="c",
        token_id="t",
        side=intent().side,
        style=intent().style,
        price=intent().price,
        shares=intent().shares,
    )
    book.post(book.sign(order, 0), 0)
    async with gateway(tmp_path, FakeVenue(book)) as shell:
        await own(shell)
        store = AlarmStore(LocalStorage(tmp_path))
        await eventually(lambda: not book.open and bool(store.latched()))
    assert [state.alarm.kind for state in store.latched()] == ["orphan_order"]
