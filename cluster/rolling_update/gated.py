"""What a roll says to the gate: its plan document, and the way in."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from actors.config import FleetConfig
from actors.runtime import load_config, wire_ms
from checkpoints.storage import LocalStorage, Storage
from cluster.gate.document import Extras, PlanDocument, ReplayFindings, make_document
from cluster.gate.door import Entrant, enter
from cluster.rolling_update.plan import Plan
from cluster.rollout_step import Options


class Words(Protocol):
    """What the operator says of a roll; `cluster.rolling_update.apply.Request` is one."""

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
    words: Words,
    replayed: ReplayFindings | None = None,
) -> PlanDocument:
    """Make the document of a roll as fleet, tree and words are now."""
    now_ms = int(wire_ms())
    extras = Extras(options=words.options, wire_ms=now_ms, commit=words.commit, replay=replayed)
    return make_document(storage, plan, config, extras)


def let_in(storage_root: str, plan: Plan, words: Words, say: Callable[[str], None]) -> None:
    """Use the right to apply this roll; raise `GateRefusedError`, nothing touched."""
    storage, config = LocalStorage(Path(storage_root)), load_config(storage_root)
    entrant = Entrant(
        who=words.who,
        wire_ms=int(wire_ms()),
        plan=words.plan,
        break_glass=words.break_glass,
    )
    admission = enter(storage, config, document_of(storage, config, plan, words), entrant)
    say(f"plan {admission.application.plan[:12]}")
    for note in admission.notes:
        say(f"gate: {note}")
    if admission.alarm is not None:
        say(f"gate: BREAK-GLASS by {entrant.who}; alarm {admission.alarm}")
