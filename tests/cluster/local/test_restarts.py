from hypothesis import given
from hypothesis import strategies as st

from cluster.local.restarts import (
    RESTARTS_MAX,
    WINDOW_SECONDS,
    Action,
    Seen,
    next_action,
)

ALL_LIVE = Seen(fleet_lives=True, exchange_lives=True)
NO_HEAD = Seen(fleet_lives=False, exchange_lives=True)
NO_EXCHANGE = Seen(fleet_lives=True, exchange_lives=False)
NOTHING_LIVES = Seen(fleet_lives=False, exchange_lives=False)


def test_the_first_death_is_answered_at_once() -> None:
    assert next_action(ALL_LIVE, (), 0) is Action.NOTHING
    assert next_action(NO_HEAD, (), 0) is Action.RESTART_FLEET
    assert next_action(NOTHING_LIVES, (), 0) is Action.RESTART_FLEET
    assert next_action(NO_EXCHANGE, (), 0) is Action.RESTART_EXCHANGE


def test_what_dies_again_waits_longer_each_time_and_then_a_person_is_needed() -> None:
    now_s, restarts = 1_000.0, (1_000.0,)
    for wait_s in (5.0, 15.0, 45.0, 120.0):
        assert next_action(NO_HEAD, restarts, now_s + wait_s - 0.1) is Action.WAIT
        now_s += wait_s
        assert next_action(NO_HEAD, restarts, now_s) is Action.RESTART_FLEET
        restarts = (*restarts, now_s)
    assert next_action(NO_HEAD, restarts, now_s + 1) is Action.GIVE_UP
    assert next_action(NO_HEAD, restarts, now_s + WINDOW_SECONDS) is Action.RESTART_FLEET


@given(st.lists(st.floats(0, 10 * WINDOW_SECONDS), max_size=200))
def test_no_window_sees_more_restarts_than_the_limit(steps: list[float]) -> None:
    restarts: tuple[float, ...] = ()
    for now_s in sorted(steps):
        if next_action(NO_HEAD, restarts, now_s) is Action.RESTART_FLEET:
            restarts = (*restarts, now_s)
    for begin in restarts:
        inside = [at for at in restarts if begin <= at < begin + WINDOW_SECONDS]
        assert len(inside) <= RESTARTS_MAX
