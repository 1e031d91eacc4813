"""A price feed that is silent or refused: fewer and fewer connections, one credential a life."""

from hypothesis import given
from hypothesis import strategies as st

from actors.feeds.pace import REFUSED, SILENT, ReconnectPace

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
    most = 1_000 * HOUR_S / SILENT.most_ms + 5
    assert connections(ReconnectPace(lambda: chance), 10.0, HOUR_S) <= most


def test_a_feed_that_spoke_is_connected_at_once_when_it_falls_silent() -> None:
    pace = ReconnectPace(lambda: 0.5)
    for _ in range(9):
        pace.begin(0.0)
    assert not pace.may_start(60.0)
    pace.speaks()
    assert pace.may_start(60.0)
    pace.begin(60.0)
    assert pace.may_start(60.0 + 2 * SILENT.wait_s(1))


def test_a_refusal_in_passing_costs_seconds_and_one_that_stays_is_asked_every_ten_minutes() -> None:
    pace = ReconnectPace(lambda: 0.0)
    pauses = [pace.refuse(0.0) for _ in range(7)]
    assert pauses == [5.0, 20.0, 80.0, 320.0, 600.0, 600.0, 600.0]
    pace.speaks()
    assert pace.refuse(0.0) == REFUSED.wait_s(1)
