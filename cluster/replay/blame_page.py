"""A blame on one page: the verdict, two decisions side by side, and the change between them."""

from collections.abc import Iterator
from typing import Final

from cluster.audit.screens import MICRO, when
from cluster.replay.blame import Blame
from cluster.replay.versions import Version
from cluster.terminal.counting import counted
from signals.decision import Decision, Leg

LETTERS: Final = 12
LABEL: Final = 14
SIDE: Final = 31
"""Columns of one side; label and two sides fit 80."""
DIFF_LINES_MAX: Final = 60
FILES_MAX: Final = 8


def blame_lines(found: Blame) -> Iterator[str]:
    """Yield the page, 80 columns wide but for lines of code."""
    yield f"{found.slot}, decision due {when(found.due_ms)} UTC"
    yield f"decided by {_version(found.version)}"
    yield ""
    yield verdict(found)
    yield (
        f"{found.asked} of {counted(found.versions, 'version')} asked"
        + (f"; the oldest {found.cut} were left out" if found.cut else "")
    )
    yield from (f"could not decide: {line}" for line in found.not_asked)
    if found.otherwise is not None:
        yield ""
        yield from _side_by_side(found.otherwise, found.recorded)
    yield from _changes(found)


def verdict(found: Blame) -> str:
    """Say in one or two sentences what turned it."""
    if found.after is None or found.before is None:
        return "No change in this slot's history turned it: its oldest version decides the same."
    what = {
        "code": f"The code of release {found.after.release[:LETTERS]}",
        "params": f"Parameters {found.after.params[:LETTERS]}",
        "strategy": f"Strategy {found.after.strategy} in place of {found.before.strategy}",
    }.get(
        found.cause,
        f"Release {found.after.release[:LETTERS]} together with parameters "
        f"{found.after.params[:LETTERS]}",
    )
    return f"{what} turned it, in force since {when(found.after.first_due_ms)} UTC."


def _side_by_side(otherwise: Decision, recorded: Decision) -> Iterator[str]:
    yield f"{'':<{LABEL}} {'before the change':<{SIDE}} as recorded"
    for label, left, right in _rows(otherwise, recorded):
        mark = " " if left == right else "*"
        yield f"{label:<{LABEL}}{mark}{_cell(left):<{SIDE}} {_cell(right)}".rstrip()


def _rows(left: Decision, right: Decision) -> Iterator[tuple[str, str, str]]:
    yield "action", str(left.action), str(right.action)
    yield "reason", left.reason, right.reason
    for name in ("probability_up", "market_mid_up", "fair_up", "spread_points"):
        yield name, _number(getattr(left, name)), _number(getattr(right, name))
    for place in range(max(len(left.legs), len(right.legs))):
        yield f"order {place}", _leg(left, place), _leg(right, place)
    scores = {score.name for score in (*left.factors, *right.factors)}
    for name in sorted(scores):
        yield name, _factor(left, name), _factor(right, name)


def _leg(decision: Decision, place: int) -> str:
    if place >= len(decision.legs):
        return "none"
    leg: Leg = decision.legs[place]
    return f"{leg.side} {leg.outcome} {leg.shares / MICRO:g} @ {leg.price / MICRO:g} {leg.style}"


def _factor(decision: Decision, name: str) -> str:
    score = next((one for one in decision.factors if one.name == name), None)
    if score is None:
        return "absent"
    if score.bull is None or score.bear is None:
        return f"missing: {score.reason}"
    return f"bull {score.bull:.2f} bear {score.bear:.2f}"


def _changes(found: Blame) -> Iterator[str]:
    if found.params:
        yield ""
        yield "parameters:"
        yield from (f"  {one.key}: {one.before} -> {one.after}" for one in found.params)
    for change in found.code[:FILES_MAX]:
        lines = change.diff.splitlines()
        yield ""
        yield f"{change.path}:"
        yield from (f"  {line}" for line in lines[:DIFF_LINES_MAX])
        if len(lines) > DIFF_LINES_MAX:
            yield f"  ... {len(lines) - DIFF_LINES_MAX} more lines; --json has all"
    if len(found.code) > FILES_MAX:
        yield f"... {len(found.code) - FILES_MAX} more files; --json has all"


def _version(version: Version) -> str:
    return (
        f"release {version.release[:LETTERS]}, parameters {version.params[:LETTERS]}, "
        f"strategy {version.strategy}"
    )


def _cell(text: str) -> str:
    plain = "".join(char if char.isprintable() else "?" for char in text)
    return plain if len(plain) <= SIDE else f"{plain[: SIDE - 3]}..."


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
