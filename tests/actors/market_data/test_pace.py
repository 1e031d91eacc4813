"""A price feed that is silent or refused: fewer and fewer connections, one credential a life."""

from hypothesis import given
from hypothesis import strategies as st

from actors.feeds.pace import REFUSED_S, SILENT_S, ReconnectPace

HOUR_S = 3_600.0


def connections(pace: ReconnectPace, asked_every_s: float, seconds: float) -> int:
    count, now_s = 0, 0.0
    while now_s < seconds:
        if pace.may_start(now_s):
            pace.begin(now_s)
            count += 1
        now_s += asked_every_s
    return count


@given(st.floats(0, 1))
def test_a_silent_feed_is_connected_less_and_less_often(chance: float) -> None:
    assert connections(ReconnectPace(lambda: chance), 10.0, HOUR_S) <= HOUR_S / SILENT_S[-1] + 5


def test_a_feed_that_spoke_is_connected_at_once_when_it_falls_silent() -> None:
    pace = ReconnectPace(lambda: 0.5)
    for _ in range(9):
        pace.begin(0.0)
    assert not pace.may_start(60.0)
    pace.speaks()
    assert pace.may_start(60.0)
    pace.begin(60.0)
    assert pace.may_start(60.0 + 2 * SILENT_S[0])


def test_a_refusal_in_passing_costs_seconds_and_one_that_stays_is_asked_every_ten_minutes() -> None:
    pace = ReconnectPace(lambda: 0.0)
    pauses = [pace.refuse(0.0) for _ in range(7)]
    assert pauses == [*REFUSED_S, REFUSED_S[-1], REFUSED_S[-1]]
    pace.speaks()
    assert pace.refuse(0.0) == REFUSED_S[0]
