"""What a roll says to the gate: its plan document, and the way in."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from actors.clock import wall_ms
from actors.config import FleetConfig
from actors.rollout.handoff_state import Step
from actors.rollout.plan import Plan
from actors.rollout.record import read_state, rollout_ids
from actors.rollout.rollout_state import Options
from actors.runtime import load_config
from checkpoints.approvals import APPLIED, FIRST, ReplayFindings
from checkpoints.storage import LocalStorage, Storage
from cluster.gate.admission import check_covered
from cluster.gate.document import Extras, PlanDocument, load_plan, make_document
from cluster.gate.entry import Entrant, enter
from cluster.gate.errors import GateError, GateRefusedError


class RollRequest(Protocol):
    """What the operator says of a roll; `cluster.rolling_update.planning.Request` is one."""

    @property
    def options(self) -> Options: ...
    @property
    def commit(self) -> str: ...
    @property
    def who(self) -> str: ...
    @property
    def plan(self) -> str | None: ...
    @property
    def break_glass(self) -> str | None: ...


def document_of(
    storage: Storage,
    config: FleetConfig,
    plan: Plan,
    words: RollRequest,
    replayed: ReplayFindings | None = None,
) -> PlanDocument:
    """Make the document of a roll as fleet, tree and words are now."""
    now_ms = int(wall_ms())
    extras = Extras(options=words.options, wire_ms=now_ms, commit=words.commit, replay=replayed)
    return make_document(storage, plan, config, extras)


def let_in(
    storage_root: str, plan: Plan, words: RollRequest, notify: Callable[[str], None]
) -> None:
    """Use the right to apply this roll; raise `GateRefusedError`, nothing touched."""
    storage, config = LocalStorage(Path(storage_root)), load_config(storage_root)
    entrant = Entrant(
        who=words.who,
        wire_ms=int(wall_ms()),
        plan=words.plan,
        break_glass=words.break_glass,
    )
    admission = enter(storage, config, document_of(storage, config, plan, words), entrant)
    notify(f"plan {admission.application.plan[:12]}")
    for note in admission.notes:
        notify(f"gate: {note}")
    if admission.alarm is not None:
        notify(f"gate: BREAK-GLASS by {entrant.who}; alarm {admission.alarm}")


def check_way_back(storage: Storage, config: FleetConfig, release: str) -> None:
    """Refuse a way "back" to what never was there; raise `GateRefusedError`.

    A release whose only roll was stopped before its first switch was let in, but proved nothing.
    """
    check_covered(storage, config, release)
    known = _ever_switched(storage) | _started_with(storage)
    if not config.gate_is_open and release not in known:
        reason = f"release {release[:12]} has never owned a slot: plan it, approve it, apply it"
        raise GateRefusedError((reason,))


def _started_with(storage: Storage) -> set[str]:
    """Return the releases that a fleet was started with: no rollout tells of these."""
    found: set[str] = set()
    for name in storage.names(f"{APPLIED}/"):
        try:
            document = load_plan(storage, name.rpartition("/")[2].removesuffix(".json"))
        except GateError:
            continue  # altered or gone: it covers nothing, see `gate list`
        if document.change_class == FIRST:
            found.add(document.to_release)
    return found


def _ever_switched(storage: Storage) -> set[str]:
    """Return the releases that a rollout has taken slots from, or brought into one for good."""
    found: set[str] = set()
    for rollout in rollout_ids(storage):
        state = read_state(storage, rollout)
        for handoff in () if state is None else state.handoffs.values():
            found.add(handoff.old_release)
            if handoff.step is Step.DONE:
                found.add(handoff.new_release)
    return found
