"""The gate's shell: asks the policy, uses the right to apply once and durably, raises the alarm."""

from typing import Final

import msgspec

from actors.config import FleetConfig
from actors.detectors.registry import new_alarm
from checkpoints.alarms import AlarmStore
from checkpoints.approvals import APPLIED, Application, read_gate, read_in_force
from checkpoints.approved_releases import Coverage, coverage
from checkpoints.records import canonical_json
from checkpoints.storage import Storage
from cluster.gate.document import PlanDocument, load_plan
from cluster.gate.errors import GateError, GateRefusedError
from cluster.gate.policy import Allowed, Asked, Denied, judge
from cluster.gate.settings import config_problems

BREAK_GLASS: Final = "break_glass"
"""Kind of the alarm."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator asks of the gate."""

    plan: str
    """Digest of the stored document."""
    who: str
    wire_ms: int
    break_glass: str | None = None


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """The way is free, once."""

    document: PlanDocument
    application: Application
    notes: tuple[str, ...]
    """To be said aloud: an open gate, or what break-glass waived."""
    alarm: str | None = None


def admit(storage: Storage, config: FleetConfig, now: PlanDocument, wish: Wish) -> Admission:
    """Use the right to apply a plan; raises `GateRefusedError` with every reason.

    `now`: the document made from fleet, tree and words at this moment. Call it last before the
    first effect. The alarm of a broken glass is durable before the right is.
    """
    if wish.break_glass is not None and not wish.break_glass.strip():
        raise GateError("--break-glass needs a reason (a text); it is kept with the alarm")
    _check_config(config)
    signed = load_plan(storage, wish.plan)
    allowed = judge(
        Asked(
            digest=wish.plan,
            signed=signed,
            now=now,
            gate=config.gate,
            is_open=config.gate_is_open,
            files=read_gate(storage),
            wire_ms=wish.wire_ms,
            break_glass=wish.break_glass,
        )
    )
    if isinstance(allowed, Denied):
        raise GateRefusedError(allowed.reasons)
    alarm = _raise(storage, signed, allowed, wish) if wish.break_glass else None
    application = Application(
        plan=wish.plan,
        to_release=signed.to_release,
        applied_wire_ms=wish.wire_ms,
        who=wish.who,
        approval=None if allowed.approval is None else allowed.approval.id,
        break_glass=wish.break_glass,
        gate_open=config.gate_is_open,
    )
    if not storage.create(f"{APPLIED}/{wish.plan}.json", canonical_json(application)):
        raise GateRefusedError((f"plan {wish.plan[:12]} has just been applied by somebody else",))
    return Admission(document=signed, application=application, notes=allowed.waived, alarm=alarm)


def _check_config(config: FleetConfig) -> None:
    problems = config_problems(config.gate, is_open=config.gate_is_open)
    if problems:
        raise GateRefusedError(problems)


def _raise(storage: Storage, signed: PlanDocument, allowed: Allowed, wish: Wish) -> str:
    alarm = new_alarm(
        BREAK_GLASS,
        signed.to_release[:12],
        {
            "reason": wish.break_glass or "",
            "who": wish.who,
            "plan": wish.plan,
            "waived": "; ".join(allowed.waived),
            "trades": f"midstride audit trades --release {signed.to_release[:12]}",
        },
        wire_ms=wish.wire_ms,
        release=signed.to_release,
    )
    return AlarmStore(storage).raise_alarm(alarm).alarm.id


def covered(storage: Storage, config: FleetConfig) -> Coverage | None:
    """Return what the gateway may let trade; None while the gate is open."""
    if config.gate_is_open:
        return None
    return coverage(read_in_force(storage), config.gate.operator_keys)


def check_covered(storage: Storage, config: FleetConfig, release: str) -> None:
    """Refuse to start what a closed gate's gateway would refuse; raises `GateRefusedError`.

    For what asks for no approval: the way back, the rest of a roll, and a launch.
    """
    found = covered(storage, config)
    if found is not None and release not in found.releases:
        raise GateRefusedError(
            (f"release {release[:12]} was never approved here; see `midstride gate list`",)
        )
