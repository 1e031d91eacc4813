"""A plan document on pages for people: first what matters, then the code."""

from typing import Final

from cluster.gate.document import PlanDocument
from cluster.rolling_update.page import plan_page

DIFF_LINES_MAX: Final = 400


def document_page(digest: str, document: PlanDocument) -> str:
    return "\n".join([summary_page(digest, document), *code_lines(document)])


def summary_page(digest: str, document: PlanDocument) -> str:
    """Return all but the code."""
    staged = document.staged
    lines = [
        f"plan {digest}",
        plan_page(document.plan),
        f"  class: {document.change_class}   commit: {document.commit}",
        f"  configuration: {document.config[:12]}   options: {_options(document)}",
        f"  size: {staged.size_permille / 10:g} % until {staged.bake_decisions} good decisions",
        f"  schema steps: {', '.join(document.schema_path) or 'none'}",
    ]
    lines += [f"  {c.key}: {c.before} -> {c.after}" for c in document.params]
    lines += [f"  package {d.name}: {d.before} -> {d.after}" for d in document.dependencies]
    lines.append(_replay(document))
    lines += [f"    {line}" for line in (document.replay.shown if document.replay else ())]
    return "\n".join(lines)


def _options(document: PlanDocument) -> str:
    options = document.options
    expect = "identical" if options.identical else "report"
    return f"canary {options.canary or '-'}, bake {options.bake}, shadow {options.shadow}, {expect}"


def _replay(document: PlanDocument) -> str:
    replay = document.replay
    if replay is None:
        return "  replay: NOT MADE; what this changes on recorded decisions is not known"
    return (
        f"  replay: {replay.changed} of {replay.decisions} recorded decisions change, "
        f"declared at most {replay.expected_changed_max}; {replay.not_made} could not be made again"
    )


def code_lines(document: PlanDocument) -> list[str]:
    """Return the code's difference, at most `DIFF_LINES_MAX` lines of it, saying so if cut."""
    lines = [line for file in document.code for line in file.diff.splitlines()]
    cut = [f.path for f in document.code if f.truncated]
    shown = lines[:DIFF_LINES_MAX]
    if len(lines) > DIFF_LINES_MAX:
        shown.append(f"... {len(lines) - DIFF_LINES_MAX} more lines, in the document itself")
    return shown + [f"... {path}: only its digests beyond this" for path in cut]
