"""Rehearse the gateway: the recorded log, every outcome of an order, then a whole process life."""

import asyncio
import shutil
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.config import FleetConfig
from actors.gateway.actor import Gateway
from actors.gateway.ledger import Ledger
from actors.gateway.log_file import LOG_FOLDER
from actors.gateway.records import Outbox, encode_record
from actors.gateway.status import FenceTable, GatewayStatus
from actors.messages import Filled, OutboxPage, Refusal, decode
from actors.rehearsal import room as names
from actors.rehearsal.gateway_log import compare_ledger, recorded_ledger
from actors.rehearsal.gateway_script import play
from actors.rehearsal.gateway_stage import Stage
from actors.rehearsal.orders import PART, SLOT, Act
from actors.rehearsal.room import RehearsalError
from actors.rehearsal.venue import RehearsalVenue
from actors.runtime import CONFIG_FILE, wire_ms
from actors.venue.port import VenueOrder, VenuePort
from checkpoints.log import RecordLog
from signals.units import MicroShares

SERVE_S: Final = 20.0
"""Wire. A start on a recorded log takes half a second; two busy cores several times that."""
POLL_S: Final = 0.05
PAGE_WAIT_MS: Final = 200


def rehearse(room: Path) -> tuple[str, ...]:
    """Return what was played; raise `RehearsalError`."""
    config = config_of(room)
    ledger = recorded_ledger(room)
    folded = compare_ledger(room, ledger)
    wire = int(wire_ms())
    acts = play(Stage(config, ledger, wire, config.clock.market_ms(wire)))
    life = asyncio.run(_live(room, config, ledger))
    return (*folded, *acts, *life)


def config_of(room: Path) -> FleetConfig:
    data = names.read(room, names.CONFIG)
    assert data is not None, "the driver writes it"
    config = msgspec.json.decode(data, type=FleetConfig)
    scratch = room / names.SCRATCH
    config = msgspec.structs.replace(config, storage=str(scratch))
    path = scratch / CONFIG_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(config))
    return config


async def _live(room: Path, config: FleetConfig, ledger: Ledger) -> tuple[str, ...]:
    """Start the actor on a copy of the log, have an order filled, hand its slot the news, stop."""
    wire = int(wire_ms())
    box = ledger.outbox.get(SLOT) or Outbox()
    act = Act(
        name="life",
        market_ms=config.clock.market_ms(wire),
        wire_ms=wire,
        sequence=box.last_sequence + 1,
    )
    _prepare_log(room, act)
    venue = RehearsalVenue([*_known_orders(ledger), act.listed()], [])

    async def connect(*_: Any) -> VenuePort:
        return venue  # the port's type: a question that it cannot answer fails the type check

    kind = type("RehearsedGateway", (Gateway,), {"connect": staticmethod(connect)})
    gateway: Any = kind(str(room / names.SCRATCH), "gateway/1")
    try:
        await _until_serving(gateway, venue)
        venue.push(act.trade(1, PART))
        await _until_reported(gateway, act)
        _decode_answers(await gateway.fences(), await gateway.status())
    finally:
        await gateway.cut_off()
    return ("a start on the recorded log, a fill, and its way to the slot",)


def _prepare_log(room: Path, act: Act) -> None:
    folder = room / names.SCRATCH / LOG_FOLDER
    if (room / names.LOG).is_dir():
        shutil.copytree(room / names.LOG, folder, dirs_exist_ok=True)
    else:
        folder.mkdir(parents=True, exist_ok=True)
    log, _, _ = RecordLog.open(folder)
    log.append([encode_record(record) for record in act.written()])
    log.close()


def _known_orders(ledger: Ledger) -> list[VenueOrder]:
    """List what the ledger knows as open, so that nothing of it is taken for gone."""
    return [
        VenueOrder(
            order_id=order.order_id,
            condition_id=order.condition_id,
            token_id=order.token_id,
            side=order.side,
            price=order.price,
            shares=order.shares,
            filled_shares=MicroShares(order.filled_shares),
            status="LIVE",
            created_wire_ms=order.signed_wire_ms,
        )
        for order in ledger.orders.values()
    ]


async def _until_serving(gateway: Any, venue: RehearsalVenue) -> None:
    try:
        async with asyncio.timeout(SERVE_S):
            while await gateway.health() != "serving" or not venue.beats:  # noqa: ASYNC110 it has no event
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        phase = await gateway.health()
        raise RehearsalError(f"it does not serve within {SERVE_S:.0f} s: {phase}") from None


async def _until_reported(gateway: Any, act: Act) -> None:
    ends_s = time.monotonic() + SERVE_S
    page: Any = None
    while time.monotonic() < ends_s and await gateway.health() == "serving":
        data = await gateway.outbox(SLOT, 0, act.sequence - 1, 0, PAGE_WAIT_MS)
        page = decode(data, OutboxPage | Refusal)  # type: ignore[arg-type] # a union
        if isinstance(page, OutboxPage) and any(isinstance(e, Filled) for e in page.events):
            return
        await asyncio.sleep(POLL_S)
    phase = await gateway.health()
    raise RehearsalError(f"a fill does not reach its slot: {phase}; {page}"[:300])


def _decode_answers(fences: bytes, status: bytes) -> None:
    decode(fences, FenceTable)
    serving = decode(status, GatewayStatus)
    if serving.phase != "serving":
        raise RehearsalError(f"after a fill it is {serving.phase}")
