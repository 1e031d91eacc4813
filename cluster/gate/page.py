"""A plan document on pages for people: first what matters, then the code. Pure."""

from collections.abc import Iterator
from typing import Final

from checkpoints.approvals import LIMIT
from cluster.gate.document import PlanDocument
from cluster.rolling_update.page import plan_lines
from cluster.terminal.counting import counted

DIFF_LINES_MAX: Final = 400
"""Of `plan` and `approve`; the document itself has all."""
QUESTION_LINES_MAX: Final = 60
"""Of `update`, above its question."""
ID_LETTERS: Final = 12


def document_page(digest: str, document: PlanDocument, *, gate_is_open: bool = False) -> str:
    lines = summary_lines(digest, document, gate_is_open=gate_is_open)
    return "\n".join([*lines, *code_lines(document, DIFF_LINES_MAX)])


def summary_lines(digest: str, document: PlanDocument, *, gate_is_open: bool) -> Iterator[str]:
    """Yield all but the code. A staged size is shown only where a closed gate enforces it."""
    plan, staged = document.plan, document.staged
    slots = sum(len(names) for names in plan.from_releases.values())
    yield (
        f"Plan {digest[:ID_LETTERS]}: release {document.to_release[:ID_LETTERS]} "
        f"(commit {_commit(document.commit)}) into {counted(len(plan.order) or slots, 'slot')}"
    )
    yield from plan_lines(plan)
    yield f"  kind of change: {document.change_class}"
    yield f"  pace: {_options(document)}"
    for change in document.params:
        where = f" ({change.slot})" if change.slot else ""
        kind = "limit" if change.key.startswith(LIMIT) else "parameter"
        yield f"  {kind} {change.key}: {change.before} -> {change.after}{where}"
    for package in document.dependencies:
        yield f"  package {package.name}: {package.before} -> {package.after}"
    if document.schema_path:
        yield f"  steps of the state's upgrade: {', '.join(document.schema_path)}"
    if not gate_is_open and staged.bake_decisions:
        yield (
            f"  size: trades at {staged.size_permille / 10:g} % of its limits until "
            f"{staged.bake_decisions} good decisions"
        )
    yield from _replay(document)


def _commit(commit: str) -> str:
    letters, dirty, _ = commit.partition("-dirty")
    changed = " with uncommitted changes" if dirty else ""
    return f"{letters[:ID_LETTERS]}{changed}"


def _options(document: PlanDocument) -> str:
    options = document.options
    parts = [
        f"{options.canary} first, {options.bake} good decisions before the others follow"
        if options.canary
        else "one slot after the other",
        f"{options.shadow} decision{'' if options.shadow == 1 else 's'} compared before each switch"
        + (", any difference stops the roll" if options.identical else ""),
    ]
    if options.together:
        parts.append("all switches in one gap between two decisions")
    return "; ".join(parts)


def _replay(document: PlanDocument) -> Iterator[str]:
    replay = document.replay
    if replay is None:
        yield (
            "  replay: not made; `--replay 288` shows which recorded decisions the new code would "
            "change"
        )
        return
    declared = f"; the plan declares at most {replay.expected_changed_max}"
    yield (
        f"  replay: {replay.changed} of {replay.decisions} recorded decisions change{declared}"
        + (f"; {replay.not_made} could not be made again" if replay.not_made else "")
    )
    yield from (f"    {line}" for line in replay.shown)


def code_lines(document: PlanDocument, lines_max: int) -> list[str]:
    """Return the code's difference, at most `lines_max` lines of it, saying so if cut."""
    lines = [line for file in document.code for line in file.diff.splitlines()]
    cut = [f.path for f in document.code if f.truncated]
    shown = lines[:lines_max]
    if len(lines) > lines_max:
        shown.append(f"... {len(lines) - lines_max} more lines: `midstride gate show PLAN` has all")
    return shown + [f"... {path}: only its digests beyond this" for path in cut]
