"""The shell without a cluster: plain `Gateway` on a folder, with a venue in memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.config import FleetConfig, Mode, Venue
from actors.gateway import Gateway
from actors.gateway_lock import CURRENT_FILE, HALT_FILE, Current, Holder, acquire
from actors.gateway_status import FenceTable, GatewayStatus
from actors.messages import (
    ClaimAnswer,
    Granted,
    Intent,
    IntentAnswer,
    IntentReceived,
    Moved,
    OpenAnswer,
    Opened,
    OutboxPage,
    Refusal,
    SetTrading,
    TradingState,
    decode,
    encode,
)
from actors.runtime import CONFIG_FILE, wire_ms
from signals.market import CYCLE_MS
from signals.market_time import MarketClock
from signals.params import Params
from tests.actors.gateway.builders import claim, intent, vacancy
from tests.actors.gateway.fake_venue import Book, FakeVenue

WAIT_S = 20.0
NOWHERE = "http://127.0.0.1:9"
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def configure(root: Path) -> None:
    venue = Venue(
        clob_url=NOWHERE,
        gamma_url=NOWHERE,
        data_url=NOWHERE,
        relayer_url=NOWHERE,
        market_ws_url=NOWHERE,
        user_ws_url=NOWHERE,
        prices_ws_url=NOWHERE,
        binance_url=NOWHERE,
    )
    config = FleetConfig(
        mode=Mode.SANDBOX,
        storage=str(root),
        clock=MarketClock(),
        venue=venue,
        slots=(),
        params=Params(),
    )
    path = root / CONFIG_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(config))


@asynccontextmanager
async def gateway(root: Path, venue: FakeVenue, name: str = "gateway/1") -> AsyncIterator[Gateway]:
    async def connect(_venue: Venue, _timeout_s: float) -> FakeVenue:
        return venue

    kind = type("Gateway", (Gateway,), {"connect": staticmethod(connect)})
    shell: Gateway = kind(str(root), name)
    try:
        yield shell
    finally:
        await shell._end("test over")  # noqa: SLF001 as if the process died, but releasing the lock


async def own(shell: Any, slot: str = "btc-5m", fence: int = 0, life: str = "10-1") -> Granted:
    opened = decode(await shell.open_incarnation(encode(vacancy(slot, fence))), OpenAnswer)
    assert isinstance(opened, Opened)
    asked = claim(slot, opened.incarnation, life)
    granted = decode(await shell.claim(encode(asked)), ClaimAnswer)
    assert isinstance(granted, Granted)
    return granted


def current_intent(**changes: object) -> Intent:
    """Return an intent of the window that is open on the real clock."""
    now = int(wire_ms())
    open_ms = now - now % CYCLE_MS
    due_ms = now - 1_000 if now - open_ms > 1_000 else open_ms
    close_ms = open_ms + 3 * CYCLE_MS
    times = {"window_open_ms": open_ms, "due_ms": due_ms, "close_ms": close_ms}
    return intent(**{**times, **changes})


async def until(shell: Any, slot: str, kind: str) -> OutboxPage:
    """Poll the outbox until an event of this name is there."""
    ends_s = time.monotonic() + WAIT_S
    while time.monotonic() < ends_s:
        page = decode(await shell.outbox(slot, 1, 0, 0, 200), OutboxPage | Refusal)
        assert isinstance(page, OutboxPage), page
        if any(type(event).__name__ == kind for event in page.events):
            return page
    raise AssertionError(f"no {kind} in {WAIT_S} s")


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
    async with gateway(tmp_path, FakeVenue(book), "gateway/2") as shell:
        page = await until(shell, "btc-5m", "OrderOpened")
        assert page.fence == 1
        answer = decode(await shell.send(encode(sent)), IntentAnswer)
        assert answer == IntentReceived(intent_id=sent.intent_id, known=True)
        table = decode(await shell.fences(), FenceTable)
        assert [record.fence for record in table.owners] == [1]
    assert book.signatures == 1
    assert len(book.seen) == 1


async def test_a_second_fleet_on_the_same_storage_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path)
    monkeypatch.setattr("actors.gateway_life.STRANGER_S_MAX", 0.2)
    other = Holder(name="gateway/1", fleet="other", node="n", pid=1, process_start=1, wire_ms=0)
    lock = acquire(tmp_path, other)
    async with gateway(tmp_path, FakeVenue(Book())) as shell:
        assert shell._running is not None  # noqa: SLF001 the start ends by itself
        await asyncio.wait_for(shell._running, WAIT_S)  # noqa: SLF001 see above
        assert "in use by another fleet" in await shell.health()
        answer = decode(await shell.claim(encode(claim())), ClaimAnswer | Refusal)
        assert isinstance(answer, Refusal)
    assert not isinstance(lock, Holder)
    assert lock is not None
    lock.release()


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


async def test_a_handover_keeps_resting_orders_and_points_to_the_successor(tmp_path: Path) -> None:
    configure(tmp_path)
    book = Book()
    async with gateway(tmp_path, FakeVenue(book)) as old:
        await own(old)
        await old.send(encode(current_intent()))
        await until(old, "btc-5m", "OrderOpened")
        async with gateway(tmp_path, FakeVenue(book), "gateway/2") as new:
            resting = set(book.open)
            assert await old.hand_over("gateway/2")
            moved = decode(await old.claim(encode(claim())), ClaimAnswer | Moved)
            assert moved == Moved(to="gateway/2")
            page = await until(new, "btc-5m", "OrderOpened")
            assert page.last_sequence == 2
            assert set(book.open) == resting
            status = decode(await new.status(), GatewayStatus)
            assert status.generation == 2
