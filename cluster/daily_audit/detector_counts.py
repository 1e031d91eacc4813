"""Did the detectors look? Their own counters of the day, against the journal."""

from typing import Final

from actors.detectors.day_counts import Counts, DayCount
from actors.supervisor.detecting import read_kept
from checkpoints.storage import LocalStorage
from cluster.daily_audit.report import Check, CheckState, DayFigures, check_of

NAME: Final = "detectors"
FAILED_PART: Final = 0.01
"""Of the looks: a file that vanished under one is read again at the next."""


def compare(storage: LocalStorage, day: str, figures: DayFigures, *, over: bool) -> Check:
    return judge(read_kept(storage).counts, day, figures, over=over)


def judge(counts: Counts, day: str, figures: DayFigures, *, over: bool = True) -> Check:
    """Compare what was read of a day with what the journal has of it. Pure.

    `over`: False: counters are stored once a minute, so they lack the newest decisions.
    """
    count = counts.get(day)
    if count is None:
        return _uncounted(counts, day, figures)
    wrong = []
    if over and count.decisions < figures.decisions:
        wrong.append(f"they read {count.decisions} of {figures.decisions} decisions")
    if figures.decisions and not count.polls:
        wrong.append("no look was made on that day")
    if figures.decisions and not count.cycles:
        wrong.append("no set of snapshots was looked at")
    wrong += [
        f"the part `{part}` failed in {number} of {count.polls} looks"
        for part, number in sorted(count.failed.items())
        if number > count.polls * FAILED_PART
    ]
    state = CheckState.FAILED if wrong else CheckState.PASSED
    return check_of(NAME, state, _text(count), tuple(wrong))


def _uncounted(counts: Counts, day: str, figures: DayFigures) -> Check:
    if not figures.decisions:
        return check_of(NAME, CheckState.NOTHING, "no decision of that day to look at")
    if not counts or day < min(counts):
        said = "no counters are kept of that day: it is too old, or its release kept none"
        return check_of(NAME, CheckState.NOTHING, said)
    said = f"no look was made on that day, and it has {figures.decisions} decisions"
    return check_of(NAME, CheckState.FAILED, said, (said,))


def _text(count: DayCount) -> str:
    return (
        f"{count.polls} looks, {count.rows} rows of the journal with {count.decisions} decisions, "
        f"{count.cycles} sets of snapshots"
    )
