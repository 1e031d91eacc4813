"""May this plan be applied now? Pure: documents, approvals, history and time in, an answer out."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from actors.config import GateConfig
from checkpoints.approvals import Application, GateFiles, Statement, strict, verify
from cluster.gate.document import PlanDocument, drift
from signals.market import DAY_MS

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_KEY: Final = re.compile(r"[0-9a-f]{64}")
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
        return Allowed(approval=None, waived=("the gate is open: no approval was asked for",))
    approval, why = find_approval(asked)
    reasons = (*why, *_dirty(asked), *_too_often(asked), *_frozen(asked.gate, asked.wire_ms))
    if not reasons:
        return Allowed(approval=approval, waived=())
    if asked.break_glass and asked.break_glass.strip():
        return Allowed(approval=None, waived=reasons)
    return Denied(reasons=reasons)


def _not_exactly_that(asked: Asked) -> tuple[str, ...]:
    used = (
        (f"plan {asked.digest[:12]} was applied before; an approval serves once: plan again",)
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
            seen.append(f"{name[:12]} counts for nothing: {statement}")
        elif statement.plan != asked.digest:
            continue
        elif statement.allows(asked.wire_ms):
            return statement, ()
        else:
            seen.append(f"that of {statement.who} has expired or is of a later time")
    detail = f" ({'; '.join(seen[:APPROVALS_SHOWN])})" if seen else ""
    return None, (f"no valid approval of plan {asked.digest[:12]}{detail}",)


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


def history_of(files: GateFiles) -> tuple[Application, ...]:
    """Return what was applied, oldest first."""
    read = [strict(data, Application) for data in files.applied.values()]
    known = [application for application in read if not isinstance(application, str)]
    return tuple(sorted(known, key=lambda application: application.applied_wire_ms))


def _too_often(asked: Asked) -> tuple[str, ...]:
    history, gate, reasons = history_of(asked.files), asked.gate, []
    today = [a for a in history if a.applied_wire_ms // DAY_MS == asked.wire_ms // DAY_MS]
    if len(today) >= gate.rolls_per_day:
        reasons.append(f"{len(today)} rolls today use up the budget of {gate.rolls_per_day}")
    if history:
        since_ms = asked.wire_ms - history[-1].applied_wire_ms
        if since_ms < gate.minutes_between_rolls * MINUTE_MS:
            minutes = since_ms / MINUTE_MS
            reasons.append(
                f"the last roll began {minutes:.1f} minutes ago, "
                f"{gate.minutes_between_rolls:g} must pass"
            )
    return tuple(reasons)


def _frozen(gate: GateConfig, wire_ms: int) -> tuple[str, ...]:
    minute = wire_ms % DAY_MS // MINUTE_MS
    return tuple(
        f"{span} UTC is frozen" for span in gate.freeze_utc if _inside(minute, *_minutes(span))
    )


def _minutes(span: str) -> tuple[int, int]:
    match = _SPAN.fullmatch(span)
    assert match is not None, "config_problems was asked first"
    hours = [int(text) for text in match.groups()]
    return hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]


def _inside(minute: int, start: int, end: int) -> bool:
    return start <= minute < end if start <= end else minute >= start or minute < end


def config_problems(gate: GateConfig, *, is_open: bool) -> tuple[str, ...]:
    """Check the [gate] table: each problem names its key and what is allowed."""
    problems = [
        f"gate.freeze_utc {span!r}: allowed is HH:MM-HH:MM"
        for span in gate.freeze_utc
        if not _SPAN.fullmatch(span)
    ]
    problems += [
        f"gate.operator_keys.{name}: allowed is an ed25519 public key of 64 hex digits"
        for name, key in gate.operator_keys.items()
        if not _KEY.fullmatch(key)
    ]
    for name, value, low, high in (
        ("approval_hours", gate.approval_hours, 0.01, 720),
        ("rolls_per_day", gate.rolls_per_day, 0, 1_000),
        ("minutes_between_rolls", gate.minutes_between_rolls, 0, 1_440),
        ("staged_permille", gate.staged_permille, 1, 1_000),
        ("staged_decisions", gate.staged_decisions, 0, 1_000_000),
    ):
        if not low <= value <= high:
            problems.append(f"gate.{name} = {value}: allowed is {low:g} .. {high:g}")
    if not is_open and not gate.operator_keys:
        problems.append("gate.operator_keys is empty and the gate is closed: nobody may approve")
    return tuple(problems)
