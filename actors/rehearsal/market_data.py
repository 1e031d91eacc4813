"""Rehearse market data: start from recorded buffers, make a snapshot for every asset, store it."""

import asyncio
from pathlib import Path
from typing import Final

from actors.config import FleetConfig
from actors.market_data.events import AnswerSnapshot, SnapshotAsked, Timer
from actors.market_data.handoff import encode_buffers, is_warm, restored_state
from actors.market_data.snapshot_cache import SnapshotCache
from actors.market_data.state import MarketDataState, Now, initial_state, settings_of
from actors.market_data.status import Provenance, market_data_status
from actors.market_data.step import step
from actors.messages import encode
from actors.rehearsal import room as names
from actors.rehearsal.gateway import config_of
from actors.rehearsal.room import RehearsalError
from actors.runtime import wire_ms
from checkpoints.snapshots import SnapshotStore, decode_snapshot
from checkpoints.storage import LocalStorage
from signals.market import CYCLE_MS, Asset
from signals.snapshot import Snapshot

STORE_S: Final = 10.0
"""Wire, for one snapshot on a disk that is busy."""
POINTS: Final = 3
"""Decision points: the one that is over, and two that the clock comes to."""


def rehearse(room: Path) -> tuple[str, ...]:
    """Return what was played; raise `RehearsalError`."""
    config = config_of(room)
    wire = int(wire_ms())
    now = Now(config.clock.market_ms(wire), wire)
    state, began = _begin(room, config, now)
    is_warm(state, now)
    made: dict[Asset, list[Snapshot]] = {asset: [] for asset in state.feeds}
    due_ms = now.market_ms - now.market_ms % CYCLE_MS + config.timing.decision_offsets_ms[0]
    for point in range(POINTS):
        at = due_ms + point * CYCLE_MS
        now = Now(at + 1, int(config.clock.wire_ms(at)) + 1)
        state = _pass_point(state, at, now, made)
    for asset, snapshots in made.items():
        if len(snapshots) < POINTS:
            raise RehearsalError(f"{asset}: {len(snapshots)} snapshots for {POINTS} points")
    asyncio.run(_store(room, config, made))
    _answer(config, state, now)
    return (began, f"{POINTS} snapshots of {len(made)} assets made, stored and read back")


def _begin(room: Path, config: FleetConfig, now: Now) -> tuple[MarketDataState, str]:
    settings = settings_of(config)
    data = names.read(room, names.BUFFERS)
    if data is None:
        return initial_state(settings, now), "empty buffers: the present one gave none"
    return restored_state(settings, now, data), "started from recorded buffers"


def _pass_point(
    state: MarketDataState, due_ms: int, now: Now, made: dict[Asset, list[Snapshot]]
) -> MarketDataState:
    for asset in tuple(state.feeds):
        for event in (Timer(), SnapshotAsked(asset=asset, due_ms=due_ms)):
            state, effects = step(state, event, now)
            for effect in effects:
                if isinstance(effect, AnswerSnapshot) and effect.snapshot.due_ms == due_ms:
                    _keep(made, effect.snapshot)
    return state


def _keep(made: dict[Asset, list[Snapshot]], snapshot: Snapshot) -> None:
    kept = made[snapshot.asset]
    if all(one.due_ms != snapshot.due_ms for one in kept):
        kept.append(snapshot)


async def _store(room: Path, config: FleetConfig, made: dict[Asset, list[Snapshot]]) -> None:
    """Publish each as the actor does, and read back what a slot would get."""
    store = SnapshotStore(LocalStorage(room / names.SCRATCH))
    cache = SnapshotCache(store, config.clock, lambda _asset, _due_ms: None, "rehearsal")
    try:
        for snapshot in (one for each in made.values() for one in each):
            cache.publish(snapshot)
            async with asyncio.timeout(STORE_S):
                _, data = await cache.ask(snapshot.asset, snapshot.due_ms)
            if decode_snapshot(data) != snapshot:
                raise RehearsalError(f"{snapshot.asset}: a stored snapshot reads back otherwise")
    except TimeoutError:
        raise RehearsalError(f"no snapshot is stored within {STORE_S:.0f} s") from None
    finally:
        cache.close()


def _answer(config: FleetConfig, state: MarketDataState, now: Now) -> None:
    """Say what it says to others: its status, and what the next successor starts from."""
    who = Provenance(
        name="market-data/rehearsal",
        life="1-1",
        text="rehearsal",
        snapshots=0,
        latest_wait_ms=0,
        release="rehearsal",
        phase="rehearsal",
    )
    encode(market_data_status(state, now, who))
    restored_state(settings_of(config), now, encode_buffers(state, now))
