"""Did anything decide on the day? Where nothing did, the rows before it say why."""

from typing import Final

from cluster.audit.journal_view import JournalView
from cluster.audit.problem import point_text
from cluster.audit.slot_rows import STOPPED
from cluster.daily_audit.report import Check, CheckState, DayFigures, check_of
from signals.market import day_start_ms

NAME: Final = "decisions"
_BEFORE: Final = """
select slot, arg_max(action, sequence), max(market_ms) from valid where market_ms < ? group by slot
"""


def decided(view: JournalView, day: str, figures: DayFigures) -> Check:
    before = {slot: (action, at) for slot, action, at in view.fetch(_BEFORE, day_start_ms(day))}
    return judge(before, figures)


def judge(before: dict[str, tuple[str | None, int]], figures: DayFigures) -> Check:
    """Compare what was decided with whether anything should have been. Pure.

    `before`: by slot, action and market time of the last row before the day.
    """
    if figures.decisions or figures.missed or figures.skipped:
        text = f"{figures.decisions} decisions of {figures.slots} slots, {figures.missed} missed"
        if figures.skipped:
            text += f", {figures.skipped} points of ordered stops"
        state = CheckState.FAILED if figures.missed else CheckState.PASSED
        return check_of(NAME, state, text)
    if not before:
        said = "no decision, and no row of an earlier day: the fleet was not there yet"
        return check_of(NAME, CheckState.NOTHING, said)
    last_ms = max(at for _, at in before.values())
    if all(action == STOPPED for action, _ in before.values()):
        said = f"no decision: the fleet was stopped in order at {point_text(last_ms)}"
        return check_of(NAME, CheckState.NOTHING, said)
    wrong = tuple(
        f"{slot}: nothing after its row of {point_text(at)}, which is no stop"
        for slot, (action, at) in sorted(before.items())
        if action != STOPPED
    )
    return check_of(NAME, CheckState.FAILED, "nothing was decided and nobody stopped it", wrong)
