"""What the journal tells of deployed code, joined with the gateway's table."""

from actors.config import Timing
from actors.detectors import watch as watching
from actors.detectors.watch import Deployment, Watch, came_wire_ms, judge_deployment
from actors.messages import FenceRecord
from actors.slot.facts import ParamsFact
from actors.slot.state import SlotState
from checkpoints.journal_rows import JournalRow
from signals.market import CYCLE_MS
from signals.market_time import MarketClock
from tests.actors.slot.builders import DUE_MS
from tests.checkpoints.builders import row

OLD, NEW = "a1" * 32, "b2" * 32
CLOCK, TIMING = MarketClock(), Timing()
LATE_MS = 2_500
"""Past a deadline and the journal's grace."""


def record(release: str, fence: int, granted_ms: int, sequence: int = 0) -> FenceRecord:
    return FenceRecord(
        slot="btc-5m",
        fence=fence,
        incarnation=fence,
        life="1-1",
        release=release,
        commit="c",
        params="p",
        journal_sequence=sequence,
        outbox_sequence=0,
        granted_wire_ms=granted_ms,
    )


HISTORY = (record(OLD, 1, DUE_MS - 9 * CYCLE_MS), record(NEW, 2, DUE_MS - CYCLE_MS // 2, 9))


def decision(sequence: int, due_ms: int, release: str = NEW, **fields: object) -> JournalRow:
    values = {"fence": 2, "params": "p", "probability_up": 0.5, "complete": True}
    return row(sequence, release=release, due_ms=due_ms, **{**values, **fields})


def kinds(
    rows: list[JournalRow],
    cycles: int,
    history: tuple[FenceRecord, ...] = HISTORY,
    params: str | None = "p",
    owes_from_ms: int | None = 0,
) -> list[str]:
    """Hear rows, then look when so many deadlines have passed since `DUE_MS`."""
    watch = Watch()
    for one in rows:
        watch = watching.apply(watch, one)
    deployment = Deployment(
        owner=history[-1], history=history, params=params, owes_from_ms=owes_from_ms
    )
    now_ms = DUE_MS + cycles * CYCLE_MS + LATE_MS
    found = judge_deployment(watch, deployment, CLOCK, TIMING, now_ms)
    return [finding.kind for finding in found if finding.holds]


def test_a_release_that_never_decides_is_found_after_two_deadlines() -> None:
    assert kinds([], 1) == []
    assert kinds([], 2) == ["release_never_decided"]
    assert kinds([decision(10, DUE_MS)], 2) == []


def test_points_of_an_outage_are_not_owed() -> None:
    """A grant is older than the outage; what began to watch after it is not."""
    assert kinds([], 9, owes_from_ms=None) == []
    assert kinds([], 9, owes_from_ms=DUE_MS + 8 * CYCLE_MS) == []
    assert kinds([], 9, owes_from_ms=DUE_MS + 6 * CYCLE_MS) == ["release_never_decided"]


def test_a_void_row_is_no_decision() -> None:
    history = (*HISTORY, record(NEW, 3, DUE_MS - CYCLE_MS // 2, 9))
    assert kinds([decision(10, DUE_MS)], 2, history) == ["release_never_decided"]


def test_a_restart_owes_nothing_for_the_time_it_was_away_and_keeps_its_past() -> None:
    long_ago = (record(NEW, 1, DUE_MS - 50 * CYCLE_MS),)
    back = (*long_ago, record(NEW, 2, DUE_MS + CYCLE_MS, 4))
    assert came_wire_ms(back, back[-1]) == long_ago[0].granted_wire_ms
    assert kinds([], 2, back) == [], "one deadline since it is back"
    assert kinds([], 4, back) == ["release_never_decided"]
    before = [decision(4, DUE_MS - CYCLE_MS, fence=1)]
    assert kinds(before, 4, back) == [], "it has decided: a hung one is another alarm"


def test_parameters_that_decisions_do_not_carry_are_found() -> None:
    rows = [decision(10, DUE_MS), decision(11, DUE_MS + CYCLE_MS)]
    assert kinds(rows, 2, params="q") == ["params_never_read"]
    assert kinds(rows, 2, params=None) == []


def params_row(sequence: int, market_ms: int) -> JournalRow:
    from actors.slot.facts import Entry
    from actors.slot.rows import row_of
    from tests.actors.slot.builders import seat

    fact = ParamsFact(params="q", params_set={"sizing.kelly_fraction": 0.4})
    entry = Entry(sequence=sequence, fence=2, market_ms=market_ms, wire_ms=market_ms, fact=fact)
    return row_of(seat().who, "q", entry, SlotState(slot="btc-5m"))


def test_parameters_set_in_place_are_owed_from_their_row_on() -> None:
    asked = params_row(11, DUE_MS + CYCLE_MS // 2)
    watch = watching.apply(Watch(), asked)
    assert watch.params["btc-5m"].changes == {"sizing.kelly_fraction": 0.4}
    rows = [decision(10, DUE_MS), asked, decision(12, DUE_MS + CYCLE_MS)]
    assert kinds(rows, 2, params="q") == [], "one point may fall into the change"
    rows.append(decision(13, DUE_MS + 2 * CYCLE_MS))
    assert kinds(rows, 3, params="q") == ["params_never_read"]
    assert kinds([*rows, decision(14, DUE_MS + 3 * CYCLE_MS, params="q")], 4, params="q") == []


def test_a_signal_that_spoke_and_falls_silent_is_found() -> None:
    mute = [decision(10 + n, DUE_MS + n * CYCLE_MS, probability_up=None) for n in range(6)]
    assert kinds(mute, 6) == [], "a signal that never forms a probability is one of its kind"
    spoke = decision(9, DUE_MS - 2 * CYCLE_MS, OLD, fence=1)
    assert kinds([spoke, *mute], 6) == ["signal_never_ran"]


def test_a_slot_whose_first_rows_were_not_read_is_not_accused_of_its_parameters() -> None:
    watch = watching.begin_late(Watch(), ("btc-5m",))
    assert not watch.params["btc-5m"].known
    watch = watching.apply(watch, params_row(11, DUE_MS))
    assert watch.params["btc-5m"].known
    assert watching.begin_late(watch, ("btc-5m",)).params["btc-5m"].known
