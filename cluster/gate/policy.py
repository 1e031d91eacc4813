"""May this plan be applied now? Pure: documents, approvals, history and time in, an answer out."""

from collections.abc import Mapping
from typing import Final

import msgspec

from actors.config import GateConfig
from actors.elapsed import elapsed_ms
from checkpoints.approvals import Application, GateFiles, Statement, strict, verify
from cluster.gate.document import PlanDocument, drift
from cluster.gate.settings import MINUTE_MS, frozen
from cluster.terminal.counting import counted
from signals.market import DAY_MS

APPROVALS_SHOWN: Final = 3


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One wish to apply, and all that it is judged by."""

    digest: str
    signed: PlanDocument
    now: PlanDocument
    """Made from fleet, tree and words at this moment."""
    gate: GateConfig
    is_open: bool
    files: GateFiles
    wire_ms: int
    break_glass: str | None = None


class Allowed(msgspec.Struct, frozen=True, kw_only=True):
    approval: Statement | None
    waived: tuple[str, ...]
    """What an open gate or break-glass let pass; said aloud."""


class Denied(msgspec.Struct, frozen=True, kw_only=True):
    reasons: tuple[str, ...]


def judge(asked: Asked) -> Allowed | Denied:
    """Give every reason at once. Nothing waives a plan that is not the signed one, or was used."""
    exact = _not_exactly_that(asked)
    if exact:
        return Denied(reasons=exact)
    if asked.is_open:
        return Allowed(approval=None, waived=())
    approval, why = find_approval(asked)
    reasons = (
        *why,
        *_dirty(asked),
        *_undeclared(asked.signed),
        *_too_often(asked),
        *frozen(asked.gate, asked.wire_ms),
    )
    if not reasons:
        return Allowed(approval=approval, waived=())
    if asked.break_glass and asked.break_glass.strip():
        return Allowed(approval=None, waived=reasons)
    return Denied(reasons=reasons)


def _not_exactly_that(asked: Asked) -> tuple[str, ...]:
    used = (
        (f"plan {asked.digest[:12]} was applied before; an approval counts once: plan again",)
        if asked.digest in asked.files.applied
        else ()
    )
    return used + drift(asked.signed, asked.now)


def find_approval(asked: Asked) -> tuple[Statement | None, tuple[str, ...]]:
    """Return the approval that gives the right to apply now, or why there is none."""
    seen: list[str] = []
    for name, data in sorted(asked.files.approvals.items()):
        statement = verify(data, asked.gate.operator_keys)
        if isinstance(statement, str):
            seen.append(f"{name[:12]} is ignored: {statement}")
        elif statement.plan != asked.digest:
            continue
        elif statement.allows(asked.wire_ms):
            return statement, ()
        else:
            seen.append(f"the approval of {statement.who} has expired or begins later")
    detail = f" ({'; '.join(seen[:APPROVALS_SHOWN])})" if seen else ""
    return None, (
        (
            f"plan {asked.digest[:12]} has no valid approval{detail}: `midstride "
            "rolling-update approve` gives it"
        ),
    )


def waiting(files: GateFiles, keys: Mapping[str, str], wire_ms: int) -> tuple[str, ...]:
    """Return the plans that are approved, in time and not applied yet."""
    found = [verify(data, keys) for data in files.approvals.values()]
    plans = {
        statement.plan
        for statement in found
        if isinstance(statement, Statement) and statement.allows(wire_ms)
    }
    return tuple(sorted(plans - files.applied.keys()))


def _dirty(asked: Asked) -> tuple[str, ...]:
    commit = asked.signed.commit
    if commit.endswith("-dirty") or commit == "unknown":
        return (f"the tree was not clean when planned (commit {commit}): commit it and plan again",)
    return ()


def _undeclared(document: PlanDocument) -> tuple[str, ...]:
    """Refuse a plan whose own replay contradicts what it declares."""
    replay = document.replay
    if replay is None or replay.changed <= replay.expected_changed_max:
        return ()
    found = f"replay changes {replay.changed} of {counted(replay.decisions, 'decision')}"
    return (
        (
            f"{found}, the plan declares at most {replay.expected_changed_max}: look at the "
            "differences, then plan again with the number that you expect"
        ),
    )


def history_of(files: GateFiles) -> tuple[Application, ...]:
    """Return what was applied, oldest first."""
    read = [strict(data, Application) for data in files.applied.values()]
    known = [application for application in read if not isinstance(application, str)]
    return tuple(sorted(known, key=lambda application: application.applied_wire_ms))


def _too_often(asked: Asked) -> tuple[str, ...]:
    history, gate, reasons = history_of(asked.files), asked.gate, []
    today = [a for a in history if a.applied_wire_ms // DAY_MS == asked.wire_ms // DAY_MS]
    if len(today) >= gate.rolls_per_day:
        reasons.append(
            f"{len(today)} rolls were made today, gate.rolls_per_day is "
            f"{gate.rolls_per_day}: wait for "
            "the next UTC day"
        )
    if history:
        since_ms = elapsed_ms(asked.wire_ms, history[-1].applied_wire_ms)
        if since_ms < gate.minutes_between_rolls * MINUTE_MS:
            minutes = since_ms / MINUTE_MS
            reasons.append(
                f"the last roll began {minutes:.1f} minutes ago: wait until "
                f"{gate.minutes_between_rolls:g} have passed (gate.minutes_between_rolls)"
            )
    return tuple(reasons)
