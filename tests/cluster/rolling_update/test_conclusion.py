"""The last sentence of a roll: what was due, what was missed, how to go back."""

from hypothesis import given
from hypothesis import strategies as st

from actors.rollout.report import Report, SlotReport
from cluster.rolling_update.conclusion import Due, count_due, due_points, sentence
from signals.market import CYCLE_MS

OPEN_MS = 1_790_000_100_000 - 1_790_000_100_000 % CYCLE_MS
OFFSETS = (20_000,)


def slot_report(name: str, dark_ms: float | None) -> SlotReport:
    return SlotReport(
        slot=name,
        step="done",
        incarnation=2,
        fence=2,
        dark_ms=dark_ms,
        hash_equal=True,
        shadow_compared=1,
        shadow_differing=0,
        failure=None,
    )


def make_report(*dark: float | None, switched: int | None = None) -> Report:
    slots = tuple(slot_report(f"s{n}", one) for n, one in enumerate(dark))
    return Report(
        rollout="r0001",
        to_release="ebb3edd" + "0" * 57,
        outcome="done",
        failure=None,
        slots=slots,
        switched=len(slots) if switched is None else switched,
        submit_to_last_adopt_ms=None,
        submit_to_last_confirm_ms=None,
        dark_ms_median=None,
        dark_ms_max=None,
    )


def test_a_point_is_due_only_when_its_deadline_has_passed() -> None:
    assert list(due_points("btc-5m", OFFSETS, OPEN_MS, OPEN_MS + CYCLE_MS - 1)) == []
    assert list(due_points("btc-5m", OFFSETS, OPEN_MS, OPEN_MS + CYCLE_MS)) == [OPEN_MS + 20_000]
    assert list(due_points("btc-5m", OFFSETS, OPEN_MS + 20_000, OPEN_MS + CYCLE_MS)) == []


@given(st.integers(0, 40), st.sets(st.integers(0, 39)))
def test_what_is_not_journaled_is_missed_and_nothing_else(cycles: int, gone: set[int]) -> None:
    due = [OPEN_MS + n * CYCLE_MS + 20_000 for n in range(cycles)]
    decided = {("btc-5m", at) for n, at in enumerate(due) if n not in gone}
    found = count_due(["btc-5m"], OFFSETS, decided, OPEN_MS, OPEN_MS + cycles * CYCLE_MS)
    assert found.points == cycles
    assert {at for _, at in found.missed} == {at for n, at in enumerate(due) if n in gone}


def test_the_sentence_has_the_four_things() -> None:
    said = sentence(make_report(81.0, 79.0, 721.0), Due(points=176, missed=()))
    assert said == (
        "3 of 3 slots on ebb3edd00000; 0 of 176 decisions missed meanwhile; dark for 81 ms "
        "(median), 721 ms (longest). To go back: `midstride rolling-update rollback`."
    )


def test_what_is_not_known_is_left_out_and_nothing_switched_needs_no_way_back() -> None:
    assert sentence(make_report(None, switched=0), None) == "0 of 1 slot on ebb3edd00000."
