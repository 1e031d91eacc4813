"""Rehearse the supervisor: its machine and detectors over recorded facts, then its duties."""

from pathlib import Path
from typing import Final

import msgspec

from actors.config import FleetConfig
from actors.gateway.status import FenceTable, GatewayStatus
from actors.market_data.status import MarketDataStatus
from actors.messages import decode
from actors.rehearsal import room as names
from actors.rehearsal.gateway import config_of
from actors.rehearsal.room import RehearsalError, Statuses
from actors.rehearsal.taking_back import DUTIES
from actors.runtime import wire_ms
from actors.slot.status import AnySlotStatus
from actors.supervisor.detecting import Detecting, Me
from actors.supervisor.events import (
    AlarmLatched,
    AnyEvent,
    AskSlot,
    Detected,
    FeedsSeen,
    FencesRead,
    GatewaySeen,
    RolloutSeen,
    SharedSilent,
    SlotSeen,
    SlotSilent,
    StartAsked,
    Ticked,
)
from actors.supervisor.state import GATEWAY, TICK_MS, Rules, SupervisorState
from actors.supervisor.status import Identity, status_of
from actors.supervisor.step import step
from checkpoints.storage import LocalStorage

TICKS: Final = 6
FAILED: Final = "detectors_failed"


class Unwritten(LocalStorage):
    """The fleet's storage to a rehearsal: read, never written."""

    def write(self, name: str, data: bytes) -> None:
        """Keep nothing."""

    def create(self, name: str, data: bytes) -> bool:
        """Keep nothing, as if it was there before."""
        del name, data
        return False

    def delete(self, name: str) -> None:
        """Delete nothing."""


def rehearse(room: Path) -> tuple[str, ...]:
    """Return what was played; raise `RehearsalError`."""
    config = config_of(room)
    data = names.read(room, names.STATUSES)
    said = Statuses() if data is None else msgspec.json.decode(data, type=Statuses)
    wire = int(wire_ms())
    state = SupervisorState(
        rules=Rules(timing=config.timing, clock=config.clock, policy=config.policy)
    )
    asked: set[str] = set()
    for number in range(TICKS):
        at = wire + number * TICK_MS
        for event in _events(config, said, at):
            state, effects = step(state, event)
            asked |= {effect.slot for effect in effects if isinstance(effect, AskSlot)}
    missing = [slot for slot in said.slots if slot not in asked]
    if missing:
        raise RehearsalError(f"it never asks {missing[0]}, which has an owner")
    market_ms = config.clock.market_ms(wire)
    who = Identity(
        name="supervisor/rehearsal", pid=1, process_start=1, node_id="", release="rehearsal"
    )
    status_of(state, who, market_ms, wire)
    _poll(room, config, state, wire)
    for duty in DUTIES:
        duty()
    return (
        f"{TICKS} ticks over the status of {len(said.slots)} slots",
        "a look of its detectors",
        "a seat filled, a slot and a gateway taken back",
    )


def _events(config: FleetConfig, said: Statuses, wire: int) -> list[AnyEvent]:
    at = {"wire_ms": wire, "market_ms": config.clock.market_ms(wire)}
    slots = tuple(entry.slot for entry in config.slots)
    events: list[AnyEvent] = [StartAsked(slots=slots, **at)]
    owners = {}
    if said.fences:
        table = decode(said.fences, FenceTable)
        owners = {record.slot: record for record in table.owners}
        events.append(FencesRead(owners=owners, history={}, **at))
    events.append(Ticked(**at))
    for slot, data in said.slots.items():
        status: AnySlotStatus = decode(data, AnySlotStatus)  # type: ignore[arg-type] # a union
        incarnation = owners[slot].incarnation if slot in owners else 1
        events.append(SlotSeen(slot=slot, incarnation=incarnation, status=status, **at))
        events.append(SlotSilent(slot=slot, incarnation=incarnation, reason="rehearsed", **at))
    if said.gateway:
        events.append(GatewaySeen(status=decode(said.gateway, GatewayStatus), **at))
    if said.feeds:
        events.append(FeedsSeen(status=decode(said.feeds, MarketDataStatus), **at))
    latched = AlarmLatched(
        alarm="rehearsed",
        kind="rehearsed",
        subject="rehearsed",
        wire_ms=wire,
        market_ms=at["market_ms"],
    )
    events += [
        latched,
        SharedSilent(who=GATEWAY, missing=False, reason="rehearsed", **at),
        RolloutSeen(rollout=None, wire_ms=wire, market_ms=at["market_ms"]),
        Detected(findings=(), **at),
    ]
    return events


def _poll(room: Path, config: FleetConfig, state: SupervisorState, wire: int) -> None:
    """Look once at what the fleet recorded; a detector's fault is named by itself."""
    root = names.read(room, names.RECORDED)
    recorded = room / names.SCRATCH if root is None else Path(root.decode())
    me = Me(release="rehearsal", life="1-1", node_id="")
    detecting = Detecting(Unwritten(recorded), config, me)
    for finding in detecting.poll(state, (), wire):
        if finding.kind == FAILED and finding.holds:
            raise RehearsalError(f"{finding.subject}: {finding.evidence.get('reason', '')}"[:300])
