"""What goes wrong with account, market and venue while a fleet trades: `pytest -s` prints it.

The real gateway with the real adapter on the real sandbox.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.config import Timing
from actors.gateway.actor import Gateway
from actors.gateway.status import GatewayStatus
from actors.market_data.state import KnownMarket
from actors.messages import (
    Filled,
    IntentRefused,
    OrderEnded,
    OrderOpened,
    OutboxEvent,
    OutboxPage,
    Refusal,
    Settled,
    SetTrading,
    TradingState,
    decode,
    encode,
)
from actors.runtime import wire_ms
from checkpoints.alarms import AlarmStore
from checkpoints.storage import LocalStorage
from signals.decision import Style
from signals.market import Timeframe
from signals.units import PriceMicroUsd
from tests.actors.gateway.shells import intent_in, own
from tests.actors.gateway.test_exchange import (
    ANY_PRICE,
    LIMIT_S,
    SKEW_MS,
    SLOT,
    market_with_time,
)
from tests.actors.sandbox import Sandbox, admin, fault, sandbox, store_config

pytestmark = [pytest.mark.exchange, pytest.mark.nemesis, pytest.mark.anyio]
ROWS: list[tuple[str, str]] = []
WINDOW_MS = 400_000
"""Market ms that a market must have left, 13 s of wire time."""
OFTEN = replace(ANY_PRICE, orders_per_minute=10_000)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("middle")
    with sandbox(folder, "--without", "unauthorized_in_passing") as served:
        yield served
    print(f"\n{'in the middle':<30} the gateway")
    for what, told in ROWS:
        print(f"{what:<30} {told}")


class Trading:
    """A gateway that serves one slot, and what came of the intents that were sent to it."""

    def __init__(self, shell: Gateway, exchange: Sandbox, root: str) -> None:
        self._shell = shell
        self._exchange = exchange
        self._store = AlarmStore(LocalStorage(Path(root)))
        self._legs = itertools.count()
        self._told: list[OutboxEvent] = []
        self.market: KnownMarket | None = None
        self.halted = False

    async def send(self, **changes: object) -> str:
        """Send a small resting purchase of new content; return its intent's id."""
        leg = next(self._legs)
        if not self.halted:  # a halted one is listed as taking no orders
            self.market = await market_with_time(self._exchange, WINDOW_MS, Timeframe.M15)
        assert self.market is not None
        price = PriceMicroUsd(10_000 * (1 + leg % 5))
        one = intent_in(self._exchange, self.market, **{"leg": leg, "price": price, **changes})
        await self._shell.send(encode(one))
        return one.intent_id

    async def events(self) -> list[OutboxEvent]:
        """Return all that was told so far, page by page."""
        while True:
            last = self._told[-1].sequence if self._told else 0
            data = await self._shell.outbox(SLOT, 1, last, last, 10)
            page = decode(data, OutboxPage | Refusal)  # type: ignore[misc]
            assert isinstance(page, OutboxPage), page
            if not page.events:
                return list(self._told)
            self._told += page.events

    async def send_until(self, met: Callable[[list[OutboxEvent]], bool]) -> list[OutboxEvent]:
        """Send one after the other until what came of them since satisfies."""
        seen = len(await self.events())
        async with asyncio.timeout(LIMIT_S):
            while True:
                await self.send()
                events = (await self.events())[seen:]
                if met(events):
                    return events
                await asyncio.sleep(0.2)

    async def status(self) -> GatewayStatus:
        return decode(await self._shell.status(), GatewayStatus)

    def alarms(self) -> set[str]:
        """Return what is latched, as ``kind/subject``."""
        found = self._store.latched()
        return {f"{state.alarm.kind}/{state.alarm.subject}" for state in found}

    async def send_until_alarm(self, name: str) -> None:
        """Go on sending until an alarm is latched: a row of refusals makes one."""
        async with asyncio.timeout(LIMIT_S):
            while name not in self.alarms():
                await self.send()
                await asyncio.sleep(0.2)

    async def halt_and_resume(self) -> None:
        for state in (TradingState.HALTED, TradingState.ACTIVE):
            order = SetTrading(state=state, reason="test", who="test")
            answer = decode(await self._shell.set_trading(encode(order)), SetTrading)
            assert answer.state is state


@asynccontextmanager
async def trading(exchange: Sandbox, root: Path) -> AsyncIterator[Trading]:
    timing = Timing(clock_skew_limit_ms=SKEW_MS)
    config = replace(exchange.config(), storage=str(root), timing=timing, risk=OFTEN)
    shell = Gateway(store_config(config), "gateway/1")
    try:
        await own(shell, SLOT)
        yield Trading(shell, exchange, str(root))
    finally:
        await shell.stop()


def ended_by(words: str) -> Callable[[list[OutboxEvent]], bool]:
    return lambda events: any(isinstance(e, OrderEnded) and words in e.reason for e in events)


def refused_as(code: str) -> Callable[[list[OutboxEvent]], bool]:
    return lambda events: any(isinstance(e, IntentRefused) and e.code == code for e in events)


def opened(events: list[OutboxEvent]) -> bool:
    return any(isinstance(event, OrderOpened) for event in events)


def settled(events: list[OutboxEvent]) -> int:
    return sum(isinstance(event, Settled) for event in events)


async def test_a_disputed_market_is_settled_once_when_the_dispute_is_over(
    exchange: Sandbox, tmp_path: Path
) -> None:
    async with trading(exchange, tmp_path) as fleet, asyncio.timeout(LIMIT_S):
        fault(exchange, "disputed", match="*")
        while not any(isinstance(event, Filled) for event in await fleet.events()):
            await fleet.send(style=Style.TAKE, price=PriceMicroUsd(990_000))
            await asyncio.sleep(0.5)
        assert fleet.market is not None
        long_after_ms = fleet.market.window.close_ms + 120_000
        left_ms = long_after_ms - exchange.clock.market_ms(wire_ms())
        await asyncio.sleep(max(0, left_ms) / exchange.clock.speed / 1_000)
        status = await fleet.status()
        assert status.unsettled_markets >= 1
        assert status.fleet_exposure_micro_usd > 0, "it stays at stake"
        assert settled(await fleet.events()) == 0
        admin(exchange, "DELETE", "/faults")
        while (await fleet.status()).unsettled_markets:  # noqa: ASYNC110 no event to wait on
            await asyncio.sleep(0.1)
        assert settled(await fleet.events()) == status.unsettled_markets
        ROWS.append(("resolution disputed, late", "stays at stake; settled once when it is over"))


async def test_account_market_and_venue_change_under_a_fleet_that_trades(
    exchange: Sandbox, tmp_path: Path
) -> None:
    async with trading(exchange, tmp_path) as fleet:
        await fleet.send_until(opened)
        await _pauses(exchange, fleet)
        await _lifted_halt(exchange, fleet)
        await _halted_market(exchange, fleet)
        for what, kind, code in (
            ("account set to closed-only", "closed_only", "closed_only"),
            ("account banned", "banned", "account_banned"),
            ("region blocked", "region_blocked", "region"),
            ("approvals withdrawn", "no_approval", "not_enough_balance"),
            ("balance drained from outside", "withdrawal", "not_enough_balance"),
        ):
            fault(exchange, kind)
            await fleet.send_until_alarm(f"orders_refused/{code}")
            if code == "not_enough_balance":
                await fleet.send_until_alarm("balance_low/account")
            ROWS.append((what, (await fleet.status()).trouble[0][:100]))
            admin(exchange, "DELETE", "/faults")
            if kind != "withdrawal":  # the money is gone for good
                await fleet.send_until(opened)
                assert f"orders_refused/{code}" not in fleet.alarms(), "it ended by itself"


async def test_a_revoked_key_is_an_alarm_and_orders_are_refused(
    exchange: Sandbox, tmp_path: Path
) -> None:
    async with trading(exchange, tmp_path) as fleet:
        fault(exchange, "revoke_keys")
        await fleet.send_until_alarm("orders_refused/unauthorized")
        ROWS.append(("key revoked", (await fleet.status()).trouble[0][:100]))


async def _pauses(exchange: Sandbox, fleet: Trading) -> None:
    for what, kind, fields in (
        ("venue restarts, then post-only", "restart", {"delay_ms": 2_000, "post_only_ms": 2_000}),
        ("cancel-only", "mode", {"mode": "cancel_only"}),
        ("trading disabled", "mode", {"mode": "disabled"}),
    ):
        fault(exchange, kind, **fields)
        await fleet.send_until(refused_as("venue_paused"))
        trouble = (await fleet.status()).trouble
        assert any("nothing is bought" in one for one in trouble), trouble
        if kind == "mode":
            admin(exchange, "DELETE", "/faults")  # the venue is open again; nobody tells the fleet
        await fleet.send_until(opened)
        ROWS.append((what, "purchases refused (venue_paused); then the next one passes by itself"))


async def _lifted_halt(exchange: Sandbox, fleet: Trading) -> None:
    fault(exchange, "status", "GET /clob/data/*", status=502)
    await fleet.halt_and_resume()
    await fleet.send_until(refused_as("barred"))
    admin(exchange, "DELETE", "/faults")
    await fleet.send_until(opened)
    ROWS.append(("halt lifted", "orders refused (barred) until orders and trades were listed"))


async def _halted_market(exchange: Sandbox, fleet: Trading) -> None:
    fault(exchange, "halted_market", match="*")
    fleet.halted = True
    for _ in range(4):
        await fleet.send_until(ended_by("market_not_ready"))
    assert not (await fleet.status()).trouble
    admin(exchange, "DELETE", "/faults")
    fleet.halted = False
    await fleet.send_until(opened)
    ROWS.append(("market halted", "its orders end as rejected (market_not_ready); no alarm"))
