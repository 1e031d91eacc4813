"""The plan beside a rollout: what it changes in code and parameters, and what replay says."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from actors.rollout.plan import Plan
from checkpoints.approvals import Application
from cluster.gate.document import PlanDocument
from cluster.gate.page import code_lines, summary_lines
from cluster.rolling_update.page import plan_lines
from cluster.web.views.texts import cut, utc

CODE_LINES_MAX: Final = 400
LINE_LENGTH_MAX: Final = 200
STARTED_MS: Final = 60_000
"""Wire: a plan is applied in the same minute in which its rollout begins, before or after."""


class PlanPart(msgspec.Struct, frozen=True, kw_only=True):
    digest: str
    lines: tuple[str, ...]
    code: tuple[str, ...]


class WaitingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that nobody has applied: the console shows the commands, the key stays there."""

    digest: str
    made: str
    what: str
    commands: tuple[str, ...]


def applied_for(
    rollout_release: str, started_wire_ms: float, applied: Sequence[Application]
) -> Application | None:
    """Return the application by which a rollout began; a way back has none."""
    near = [
        one
        for one in applied
        if one.to_release == rollout_release
        and abs(one.applied_wire_ms - started_wire_ms) < STARTED_MS
    ]
    return min(near, key=lambda one: abs(one.applied_wire_ms - started_wire_ms), default=None)


def document_part(digest: str, document: PlanDocument, *, gate_is_open: bool) -> PlanPart:
    summary = summary_lines(digest, document, gate_is_open=gate_is_open)
    return PlanPart(
        digest=digest,
        lines=_cut(summary),
        code=_cut(code_lines(document, CODE_LINES_MAX)),
    )


def plan_part(plan: Plan) -> PlanPart:
    """Lay out what a rollout keeps of its plan, where no signed document belongs to it."""
    return PlanPart(digest="", lines=_cut(plan_lines(plan)), code=())


def waiting_plan(digest: str, document: PlanDocument, *, gate_is_open: bool) -> WaitingPlan:
    apply = f"midstride rolling-update apply --plan {digest[:12]}"
    approve = f"midstride rolling-update approve {digest[:12]} --key FILE"
    return WaitingPlan(
        digest=digest,
        made=utc(document.made_wire_ms),
        what=f"release {document.to_release[:12]}, {document.change_class}",
        commands=(apply,) if gate_is_open else (approve, apply),
    )


def _cut(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(cut(line, LINE_LENGTH_MAX) for line in lines)
