"""A rollout on disk: one at a time, its state after every step, its report.

``rollouts/active.json`` names the one that runs and its driver's process; ``rollouts/<id>/`` keeps
``plan.json``, ``state.json`` (what `status` shows and `resume` reads) and ``report.json``.
"""

from typing import Final

import msgspec

from actors.runtime import life_id, process_start
from checkpoints.errors import MissingFileError
from checkpoints.storage import Storage
from cluster.errors import FleetError
from cluster.handoff_state import Step
from cluster.rolling_update.plan import Plan
from cluster.rolling_update.report import Report
from cluster.rollout_step import Rollout

ROLLOUTS: Final = "rollouts"
ACTIVE: Final = f"{ROLLOUTS}/active.json"


class Active(msgspec.Struct, frozen=True, kw_only=True):
    rollout: str
    driver: str
    """Life of the driving process: ``<pid>-<start ticks>``."""

    @property
    def driver_lives(self) -> bool:
        pid, _, started = self.driver.partition("-")
        try:
            return process_start(int(pid)) == int(started)
        except (ProcessLookupError, ValueError):
            return False


class RolloutRecord:
    """The durable side of one driver."""

    def __init__(self, storage: Storage, rollout: str) -> None:
        self._storage = storage
        self.rollout = rollout
        self._steps: dict[str, Step] = {}

    def begin(self, plan: Plan) -> None:
        """Become the one active rollout; raise `FleetError` naming another one."""
        active = Active(rollout=self.rollout, driver=life_id())
        self._storage.write(f"{ROLLOUTS}/{self.rollout}/plan.json", msgspec.json.encode(plan))
        if self._storage.create(ACTIVE, msgspec.json.encode(active)):
            return
        other = read_active(self._storage)
        if other is None:
            raise FleetError("another rollout has just ended; try again")
        if other.driver_lives:
            raise FleetError(f"rollout {other.rollout} is under way; `rolling-update status`")
        raise FleetError(
            f"rollout {other.rollout} lost its driver; `rolling-update abort` ends it cleanly"
        )

    def watch(self, rollout: Rollout) -> None:
        """Store the state when a step changed; the delta bytes stay out of it."""
        steps = {slot: handoff.step for slot, handoff in rollout.handoffs.items()}
        if steps == self._steps:
            return
        self._steps = steps
        self._storage.write(f"{ROLLOUTS}/{self.rollout}/state.json", encode_state(rollout))

    def end(self, report: Report) -> None:
        """Keep the report and let the next rollout begin."""
        self._storage.write(f"{ROLLOUTS}/{self.rollout}/report.json", msgspec.json.encode(report))
        self._storage.delete(ACTIVE)


def encode_state(rollout: Rollout) -> bytes:
    replace = msgspec.structs.replace
    handoffs = {
        slot: handoff
        if handoff.quiesced is None
        else replace(handoff, quiesced=replace(handoff.quiesced, delta=b""))
        for slot, handoff in rollout.handoffs.items()
    }
    return msgspec.json.encode(replace(rollout, handoffs=handoffs))


def read_active(storage: Storage) -> Active | None:
    try:
        return msgspec.json.decode(storage.read(ACTIVE), type=Active)
    except (MissingFileError, msgspec.DecodeError):
        return None


def read_state(storage: Storage, rollout: str) -> Rollout | None:
    try:
        data = storage.read(f"{ROLLOUTS}/{rollout}/state.json")
    except MissingFileError:
        return None
    return msgspec.json.decode(data, type=Rollout)


def rollout_ids(storage: Storage) -> list[str]:
    """Return all rollouts that were begun, oldest first."""
    names = storage.names(f"{ROLLOUTS}/")
    return sorted({name.split("/")[1] for name in names if name.count("/") > 1})


def next_rollout_id(storage: Storage) -> str:
    """Name the next rollout ``r0001``, ``r0002`` ...: part of incarnations' and files' names."""
    taken = [int(name[1:]) for name in rollout_ids(storage) if name[1:].isdigit()]
    return f"r{max(taken, default=0) + 1:04d}"
