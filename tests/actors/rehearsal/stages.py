"""A room for a rehearsal, furnished as the driver furnishes it."""

from pathlib import Path

import msgspec

from actors.config import FleetConfig, SlotConfig
from actors.gateway.events import Flight
from actors.gateway.ledger import Ledger, stored_of
from actors.gateway.records import Record, encode_record
from actors.gateway.status import Identity, Latency, status_of
from actors.messages import encode
from actors.rehearsal import room as names
from actors.rehearsal.orders import Act
from actors.rehearsal.room import Statuses
from actors.runtime import load_config, wire_ms
from checkpoints.log import RecordLog
from tests.actors.gateway.shells import configure

WRITTEN_MS = int(wire_ms())


def config(root: Path) -> FleetConfig:
    configure(root)
    slots = (SlotConfig(slot="btc-5m"), SlotConfig(slot="eth-15m"))
    return msgspec.structs.replace(load_config(str(root)), slots=slots)


def room(folder: Path) -> Path:
    """Furnish a room with a configuration and a short log of the gateway."""
    stage = folder / "room"
    stage.mkdir(parents=True)
    (stage / names.CONFIG).write_bytes(msgspec.json.encode(config(folder)))
    write_log(stage, recorded())
    return stage


def recorded() -> list[Record]:
    """Return what a gateway wrote of two orders, of which nothing was heard yet."""
    first = Act(name="first", market_ms=WRITTEN_MS, wire_ms=WRITTEN_MS)
    second = Act(name="second", market_ms=WRITTEN_MS, wire_ms=WRITTEN_MS, sequence=2)
    return [*first.written(), *second.written()]


def write_log(stage: Path, records: list[Record]) -> None:
    (stage / names.LOG).mkdir()
    log, _, _ = RecordLog.open(stage / names.LOG)
    log.append([encode_record(record) for record in records])
    log.close()


def write_statuses(stage: Path) -> None:
    who = Identity(name="gateway/1", pid=1, process_start=1, node_id="", life="1-1")
    now = WRITTEN_MS
    status = status_of(who, "serving", Ledger(), Flight(), Latency(), now, now)
    data = msgspec.json.encode(Statuses(gateway=encode(status)))
    (stage / names.STATUSES).write_bytes(data)


def write_ledger(stage: Path, ledger: Ledger) -> None:
    (stage / names.LEDGER).write_bytes(msgspec.json.encode(stored_of(ledger)))
