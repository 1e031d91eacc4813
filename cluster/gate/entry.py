"""What `plan`, `apply` and `params` say to the gate: one call each.

Rollback, abort, resume, halt and reduce do not come this way: they need no approval. What they
bring back was let in before, and the gateway still asks whether its release is covered.
"""

import msgspec

from actors.config import FleetConfig
from checkpoints.approvals import GateFiles, read_gate
from checkpoints.storage import Storage
from cluster.gate.admission import Admission, Wish, admit
from cluster.gate.document import PlanDocument, drift, find_plan, load_plan, store_plan
from cluster.gate.errors import GateError, GateRefusedError
from cluster.gate.policy import waiting


class Entrant(msgspec.Struct, frozen=True, kw_only=True):
    """Who comes, and under which words."""

    who: str
    wire_ms: int
    plan: str | None = None
    """Beginning of a plan's digest; None: the approved one that fits, or an open gate."""
    break_glass: str | None = None
    """Reason."""


class Near(msgspec.Struct, frozen=True, kw_only=True):
    """An approved plan that waits."""

    plan: str
    fits: bool
    """It is exactly what is asked for now."""
    made_wire_ms: int


def announce(storage: Storage, config: FleetConfig, now: PlanDocument) -> tuple[str, str]:
    """Keep the document that `plan` made; return its digest and what has to happen next."""
    digest = store_plan(storage, now)
    if config.gate_is_open:
        return digest, "approval gate: open; `apply` needs no approval"
    following = f"`midstride rolling-update approve {digest[:12]} --key FILE`"
    return digest, f"next: {following}, then `apply`"


def next_step(storage: Storage, config: FleetConfig, now: PlanDocument, wire_ms: int) -> str | None:
    """Say what keeps `apply` from finding its approved plan; None: nothing does.

    Budget, pause and frozen hours are asked by `enter` alone.
    """
    if config.gate_is_open:
        return None
    files = read_gate(storage)
    near = _nearest(storage, config, files, now, wire_ms)
    if near is not None and near.fits:
        return None
    return announce(storage, config, now)[1]


def enter(storage: Storage, config: FleetConfig, now: PlanDocument, entrant: Entrant) -> Admission:
    """Use the right to apply; raises `GateRefusedError` with every reason, nothing touched.

    `now`: the document made at this moment. Call it after all other refusals, once it is the
    roll's turn: a right that was used is gone.
    """
    wish = Wish(
        plan=_choose(storage, config, now, entrant),
        who=entrant.who,
        wire_ms=entrant.wire_ms,
        break_glass=entrant.break_glass,
    )
    return admit(storage, config, now, wish)


def _choose(storage: Storage, config: FleetConfig, now: PlanDocument, entrant: Entrant) -> str:
    if entrant.plan is not None:
        return find_plan(storage, entrant.plan)
    if not config.gate_is_open:
        files = read_gate(storage)
        near = _nearest(storage, config, files, now, entrant.wire_ms)
        if near is not None and (near.fits or entrant.break_glass is None):
            return near.plan
        if entrant.break_glass is None:
            raise GateRefusedError(
                ("no approved plan waits: first `midstride rolling-update plan`, then `approve`",)
            )
    return store_plan(storage, now)


def _nearest(
    storage: Storage, config: FleetConfig, files: GateFiles, now: PlanDocument, wire_ms: int
) -> Near | None:
    """Return the approved plan that is exactly this, or else the newest one, to be refused by."""
    found: list[Near] = []
    for digest in waiting(files, config.gate.operator_keys, wire_ms):
        try:
            document = load_plan(storage, digest)
        except GateError:
            continue  # altered: it covers nothing, and its name says so in `gate list`
        fits = not drift(document, now)
        found.append(Near(plan=digest, fits=fits, made_wire_ms=document.made_wire_ms))
    return max(found, key=lambda near: (near.fits, near.made_wire_ms), default=None)
