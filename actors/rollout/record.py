"""A rollout on disk: one at a time, its state after every step, its report.

``rollouts/active.json`` names the one that runs and its driver's process; ``rollouts/<id>/`` keeps
``plan.json``, ``state.json`` (what `status` shows and `resume` reads), ``beat`` (when its driver
was last alive) and ``report.json``.
"""

import hashlib
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from actors.rollout.errors import RolloutError
from actors.rollout.handoff_state import Step
from actors.rollout.plan import Plan
from actors.rollout.report import Report
from actors.rollout.rollout_state import Rollout
from actors.runtime import life_id, wire_ms
from checkpoints.errors import CheckpointsError, DamagedError, MissingFileError
from checkpoints.process_id import life_alive
from checkpoints.small_file import from_json
from checkpoints.storage import Storage

_T = TypeVar("_T")
ROLLOUTS: Final = "rollouts"
ACTIVE: Final = f"{ROLLOUTS}/active.json"
BEAT: Final = "beat"
"""File beside a rollout's plan: wire ms of its driver's last sign of life."""


class Active(msgspec.Struct, frozen=True, kw_only=True):
    rollout: str
    driver: str
    """Life of the driving process: ``<pid>-<start ticks>``."""
    begun_wire_ms: float = 0.0
    doing: str = "rollout"
    """Or ``params``: a change of parameters in place takes the same turn."""

    @property
    def driver_lives(self) -> bool:
        return life_alive(self.driver)


class RolloutRecord:
    """The durable side of one driver."""

    def __init__(self, storage: Storage, rollout: str) -> None:
        self._storage = storage
        self.rollout = rollout
        self._steps: dict[str, Step] = {}

    def begin(self, plan: Plan, admit: Callable[[], None] = lambda: None) -> None:
        """Become the one active rollout; raise `RolloutError` naming another one.

        `admit` is asked once it is this one's turn: a right to apply is not used up by a roll that
        may not start, and one that is refused leaves no turn behind.
        """
        active = Active(rollout=self.rollout, driver=life_id(), begun_wire_ms=wire_ms())
        take_turn(self._storage, active)
        try:
            admit()
        except BaseException:
            end_turn(self._storage, self.rollout)
            raise
        self.keep_plan(plan)

    def keep_plan(self, plan: Plan) -> None:
        """Store what this rollout brings to whom: `abort` and the supervisor read it."""
        self._storage.write(f"{ROLLOUTS}/{self.rollout}/plan.json", msgspec.json.encode(plan))

    def give_up(self) -> None:
        """Leave no turn behind of a rollout that began nothing."""
        end_turn(self._storage, self.rollout)

    def beat(self) -> bool:
        """Give a sign of life; False if the rollout is not this driver's any more."""
        active = read_active(self._storage)
        if active is None or (active.rollout, active.driver) != (self.rollout, life_id()):
            return False
        self._storage.write(f"{ROLLOUTS}/{self.rollout}/{BEAT}", f"{wire_ms():.0f}".encode())
        return True

    def watch(self, rollout: Rollout) -> None:
        """Store the state when a step changed; the delta bytes stay out of it."""
        steps = {slot: handoff.step for slot, handoff in rollout.handoffs.items()}
        if steps == self._steps:
            return
        self._steps = steps
        self._storage.write(f"{ROLLOUTS}/{self.rollout}/state.json", encode_state(rollout))

    def end(self, report: Report) -> None:
        """Keep the report and let the next rollout begin."""
        write_report(self._storage, report)
        end_turn(self._storage, self.rollout)


def write_report(storage: Storage, report: Report) -> None:
    storage.write(f"{ROLLOUTS}/{report.rollout}/report.json", msgspec.json.encode(report))


def take_turn(storage: Storage, active: Active) -> None:
    """Become the one who changes the fleet's code or parameters, or raise naming the other one."""
    if storage.create(ACTIVE, msgspec.json.encode(active)):
        return
    other = read_active(storage)
    if other is None:
        raise RolloutError("another roll has just ended; run the command again")
    if other.driver_lives:
        raise RolloutError(
            f"{other.doing} {other.rollout} is under way: `midstride rolling-update status` shows "
            "it, `midstride rolling-update abort` ends it"
        )
    raise RolloutError(
        f"{other.doing} {other.rollout} was cut off (its process is gone): "
        "`midstride rolling-update abort` puts away what it left"
    )


def end_turn(storage: Storage, rollout: str) -> None:
    """Let the next one begin; another one's turn is left alone."""
    active = read_active(storage)
    if active is not None and active.rollout == rollout:
        storage.delete(ACTIVE)


def encode_state(rollout: Rollout) -> bytes:
    handoffs = {
        slot: handoff
        if handoff.quiesced is None
        else replace(handoff, quiesced=replace(handoff.quiesced, delta=b""))
        for slot, handoff in rollout.handoffs.items()
    }
    return msgspec.json.encode(replace(rollout, handoffs=handoffs))


def read_active(storage: Storage) -> Active | None:
    try:
        return from_json(storage.read(ACTIVE), Active, ACTIVE)
    except (MissingFileError, DamagedError):
        return None


def progress_of(storage: Storage, rollout: str) -> str:
    """Return a name of where its slots stand: it changes when one changes its step."""
    try:
        return hashlib.sha256(storage.read(f"{ROLLOUTS}/{rollout}/state.json")).hexdigest()
    except CheckpointsError:
        return ""


def last_beat_ms(storage: Storage, rollout: str) -> float:
    """Return when a rollout's driver last gave a sign (wire ms); 0 before the first."""
    try:
        return float(storage.read(f"{ROLLOUTS}/{rollout}/{BEAT}"))
    except (CheckpointsError, ValueError):
        return 0.0


def read_plan(storage: Storage, rollout: str) -> Plan | None:
    try:
        return _read(storage, rollout, "plan", Plan)
    except MissingFileError:
        return None


def read_report(storage: Storage, rollout: str) -> Report | None:
    try:
        return _read(storage, rollout, "report", Report)
    except MissingFileError:
        return None


def read_state(storage: Storage, rollout: str) -> Rollout | None:
    try:
        return _read(storage, rollout, "state", Rollout)
    except MissingFileError:
        return None


def _read(storage: Storage, rollout: str, name: str, kind: type[_T]) -> _T:
    file = f"{ROLLOUTS}/{rollout}/{name}.json"
    return from_json(storage.read(file), kind, file)


def rollout_ids(storage: Storage) -> list[str]:
    """Return all rollouts that were begun, oldest first."""
    return storage.folders(ROLLOUTS)


def next_rollout_id(storage: Storage) -> str:
    """Name the next rollout ``r0001``, ``r0002`` ...: part of incarnations' and files' names."""
    taken = [int(name[1:]) for name in rollout_ids(storage) if name[1:].isdigit()]
    return f"r{max(taken, default=0) + 1:04d}"
