"""Is every decision of the day what its release makes of its inputs? All are made again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cluster.daily_audit.report import FOUND_MAX, Check, CheckState, DayFigures, check_of
from cluster.replay.errors import ReplayError
from cluster.replay.recorded import Wanted
from cluster.replay.result import Replayed
from cluster.replay.run import ReplayOptions, replay

NAME: Final = "decisions made again"
PROCESSES: Final = 1
"""One core is enough for a day, and the slots need the others."""


def made_again(storage: Path, day: str, figures: DayFigures, *, pruned: bool) -> Check:
    """Make every decision of a day again, each under its release, in processes of its own.

    `pruned`: retention has removed the snapshots of that day, or does so now.
    """
    try:
        found = replay(storage, ReplayOptions(wanted=Wanted(day=day), processes=PROCESSES))
    except ReplayError as error:
        if figures.decisions:
            raise
        return check_of(NAME, CheckState.NOTHING, f"nothing to make again: {error}")
    return judge(found, pruned=pruned)


def judge(found: Replayed, *, pruned: bool) -> Check:
    """Say what a replay of the day came to. Pure."""
    said = f"{found.identical} of {found.decisions} decisions came out identical"
    if found.without_strategy:
        said += f", {found.without_strategy} were made without the strategy"
    if found.refused:
        said += f", {found.refused} could not be made again"
    if found.all_identical:
        return check_of(NAME, CheckState.PASSED, said)
    if pruned and not found.differing_count:
        said += ": retention has removed what they were made from"
        return check_of(NAME, CheckState.NOT_POSSIBLE, said)
    wrong = tuple(_wrong(found))
    count = found.differing_count + len(found.problems)
    return check_of(NAME, CheckState.FAILED, said, wrong, count)


def _wrong(found: Replayed) -> Iterator[str]:
    for one in found.differing[:FOUND_MAX]:
        yield (
            f"{one.slot} row {one.sequence}: {one.difference.field} was "
            f"{one.difference.recorded}, is {one.difference.made}"
        )
    for problem in found.problems:
        yield f"{problem.kind} {problem.subject}: {problem.reason}"
