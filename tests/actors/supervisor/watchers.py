"""A supervisor's look at a fleet of one slot: who looks, what is seen, what it found."""

from pathlib import Path
from typing import Any

import msgspec

from actors.config import FleetConfig, SlotConfig
from actors.detectors.finding import Finding
from actors.supervisor.detecting import Detecting, Me
from actors.supervisor.events import FencesRead, SlotSeen, Ticked
from actors.supervisor.sightings import Stranger
from checkpoints.storage import LocalStorage
from tests.actors.slot.builders import CYCLE_MS, DUE_MS
from tests.actors.supervisor.test_supervisor_step import SLOT, Watch, owner, status
from tests.cluster.rolling_update.test_params import config as fleet_config

RELEASE = "aa" * 32
STRANGE = "ee" * 32


def config(root: Path) -> FleetConfig:
    return msgspec.structs.replace(fleet_config(root), slots=(SlotConfig(slot=SLOT),))


def detecting(root: Path, release: str = RELEASE) -> Detecting:
    return Detecting(LocalStorage(root), config(root), Me(release=release, life="1-1", node_id="n"))


def fleet(now_ms: int = DUE_MS, **fields: Any) -> Watch:
    """A supervisor with one live slot, granted when this cycle began."""
    watch = Watch()
    watch.now_ms = DUE_MS - CYCLE_MS // 2
    watch.live().apply(Ticked)
    watch.now_ms = now_ms
    granted = msgspec.structs.replace(owner(), granted_wire_ms=DUE_MS - CYCLE_MS // 2)
    watch.apply(FencesRead, owners={SLOT: granted}, history={SLOT: (granted,)})
    seen = status(now_ms, release=RELEASE, node_id="n", **fields)
    watch.apply(SlotSeen, slot=SLOT, incarnation=1, status=seen)
    return watch


def held(found: tuple[Finding, ...]) -> list[str]:
    return [finding.key for finding in found if finding.holds]


def poll(one: Detecting, watch: Watch, *strangers: Stranger) -> list[str]:
    return held(one.poll(watch.state, strangers, watch.now_ms))
