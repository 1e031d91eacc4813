"""A halt with 200 resting orders on loopback: `python -m tests.bench.halt`.

Twice: with a gateway that runs, from the HALT file to the last cancel in the exchange's ledger and
in the gateway's books; and without one, by the command, from its first instant to the last cancel
that the venue acknowledged. The imports of the venue's SDK are in the second.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from actors.config import SlotConfig
from actors.gateway.actor import Gateway
from actors.gateway.lock import HALT_FILE
from actors.gateway.status import GatewayStatus
from actors.messages import IntentAnswer, IntentReceived, decode, encode
from actors.runtime import wire_ms
from signals.market import Asset, Slot, Timeframe
from tests.actors.gateway.shells import intent_in, own
from tests.actors.sandbox import Sandbox, sandbox, store_config
from tests.bench.frame import Row, bench, row_at_most, row_free
from tests.cluster.halting.halted import PRICE, cancelled_at, folder_of, halt, long_market_at, rest

ORDERS: Final = 200
AIM_S: Final = 1.0
SLOTS: Final = tuple(Slot(asset, Timeframe.H4) for asset in Asset)
WAIT_S: Final = 120.0
POLL_S: Final = 0.02


def measure(orders: int = ORDERS) -> Sequence[Row]:
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox(Path(folder), "--more-timeframes", "4h", speed=1) as exchange,
    ):
        rest(exchange, orders)
        began_s = time.monotonic()
        code, told, said = halt(folder_of(exchange))
        command_s = time.monotonic() - began_s
        assert code == 0, (told, said)
        proof = told["proof"]
        # last: once an account has sent heartbeats, what it places in silence is cancelled
        ledger_s, books_s = asyncio.run(_by_gateway(exchange, orders))
    return (
        row_at_most(
            "gateway runs: HALT file to the last cancel in the ledger", ledger_s, AIM_S, "s"
        ),
        row_at_most("gateway runs: HALT file to its books empty", books_s, AIM_S, "s"),
        row_at_most(
            "no gateway: first instant of the halt to the last cancel acknowledged",
            proof["last_cancel_ms"] / 1_000,
            AIM_S,
            "s",
            f"{proof['cancelled']} orders",
        ),
        row_free(
            "no gateway: to the proof, 5 s of waiting for late posts in it",
            proof["took_ms"] / 1_000,
            "s",
        ),
        row_free("no gateway: the whole command", command_s, "s"),
    )


async def _by_gateway(exchange: Sandbox, orders: int) -> tuple[float, float]:
    """Let a real gateway rest orders, halt it, return seconds to the ledger's and its own end."""
    base = exchange.config()
    risk = replace(base.risk, orders_per_minute=100_000, repeated_executions=100_000)
    slots = tuple(SlotConfig(slot=str(slot)) for slot in SLOTS)
    config = replace(base, storage=str(exchange.folder / "gateway"), risk=risk, slots=slots)
    shell: Any = Gateway(store_config(config), "gateway/1")  # its methods, without a cluster
    try:
        ids = await _rested(shell, exchange, orders)
        halted_ms = wire_ms()
        (Path(config.storage) / HALT_FILE).write_text("bench")
        limit = time.monotonic() + WAIT_S
        while _status(await shell.status()).open_orders:
            assert time.monotonic() < limit, "the gateway did not cancel"
            await asyncio.sleep(POLL_S)
        books_s = (wire_ms() - halted_ms) / 1_000
        ended = cancelled_at(exchange)
        return (max(ended[name] for name in ids) - halted_ms) / 1_000, books_s
    finally:
        await shell.stop()


async def _rested(shell: Any, exchange: Sandbox, orders: int) -> list[str]:
    for slot in SLOTS:
        await own(shell, str(slot))
    markets = {
        slot: await long_market_at(exchange.urls["gamma_url"], exchange.clock, slot.asset)
        for slot in SLOTS
    }
    for number in range(orders):
        slot = SLOTS[number % len(SLOTS)]
        one = intent_in(
            exchange,
            markets[slot],
            leg=number,
            price=PRICE,
            shares=5_000_000,
            book_mid=PRICE * 10,
        )
        answer = decode(await shell.send(encode(one)), IntentAnswer)  # type: ignore[arg-type]
        assert isinstance(answer, IntentReceived), answer
    limit = time.monotonic() + WAIT_S
    while True:
        opened = [o for o in _status(await shell.status()).open_orders if o.state == "open"]
        if len(opened) == orders:
            return [order.order_id for order in opened]
        assert time.monotonic() < limit, f"{len(opened)} of {orders} orders rest"
        await asyncio.sleep(0.1)


def _status(data: bytes) -> GatewayStatus:
    return decode(data, GatewayStatus)


if __name__ == "__main__":
    bench("a halt with 200 resting orders", measure)
