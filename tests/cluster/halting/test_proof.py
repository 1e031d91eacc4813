"""What a halt's rounds prove, without a venue and without time passing."""

import msgspec
import pytest

from cluster.halting.proof import (
    AGAIN_MS_MAX,
    AT_ONCE,
    SETTLE_MS,
    Cancel,
    Held,
    Progress,
    Round,
    apply_round,
    next_cancel,
    pause_ms,
    proven,
    what_is_left,
)


def a_round(began_ms: int, **seen: object) -> Round:
    plain = Round(began_ms=began_ms, cancel_ms=began_ms + 10, ended_ms=began_ms + 20)
    return msgspec.structs.replace(plain, **seen)


def after(*rounds: Round, quiet_ms: int | None = 0) -> Progress:
    progress = Progress()
    for one in rounds:
        progress = apply_round(progress, one, quiet_ms)
    return progress


def test_two_clean_rounds_a_second_apart_prove_it() -> None:
    assert not proven(after(a_round(0, cancelled=("a",))))
    assert not proven(after(a_round(0, cancelled=("a",)), a_round(SETTLE_MS - 1)))
    assert proven(after(a_round(0, cancelled=("a",)), a_round(SETTLE_MS)))


@pytest.mark.parametrize(
    "spoilt",
    [
        {"listed": ("a",)},
        {"held": (Held(order_id="a", reason="delayed"),)},
        {"unreadable": 1},
        {"cancel_problem": "it says: restarting"},
        {"list_problem": "lost"},
        {"of_all": False},
    ],
)
def test_nothing_is_proven_by_a_round_that_is_not_clean(spoilt: dict[str, object]) -> None:
    assert not proven(after(a_round(0, **spoilt), a_round(SETTLE_MS)))
    assert not proven(after(a_round(0), a_round(SETTLE_MS, **spoilt)))
    between = after(a_round(0), a_round(SETTLE_MS // 2, **spoilt), a_round(SETTLE_MS))
    assert not proven(between), "clean rounds count only in a row"


def test_rounds_before_the_fleet_was_fenced_prove_nothing() -> None:
    assert not proven(after(a_round(0), a_round(5_000), quiet_ms=None))
    assert not proven(after(a_round(0), a_round(5_000), quiet_ms=4_500))
    assert proven(after(a_round(0), a_round(5_000), a_round(6_000), quiet_ms=4_500))


def test_where_too_many_are_refused_they_are_cancelled_by_id_a_few_at_a_time() -> None:
    ids = tuple(map(str, range(200)))
    limited = a_round(0, cancel_problem="rate limited", rate_limited=True, listed=ids)
    assert next_cancel(Progress()) == Cancel(order_ids=None)
    assert next_cancel(after(limited)) == Cancel(order_ids=ids[:AT_ONCE])
    some = a_round(1, of_all=False, cancelled=ids[:AT_ONCE], listed=ids[AT_ONCE:])
    assert next_cancel(after(limited, some)) == Cancel(order_ids=ids[AT_ONCE : 2 * AT_ONCE])
    assert next_cancel(after(limited, some, a_round(2, of_all=False))) == Cancel(order_ids=None)


def test_where_cancel_all_fails_for_another_reason_all_listed_are_cancelled_by_id() -> None:
    failed = a_round(0, cancel_problem="HTTP 500", listed=("a", "b"))
    assert next_cancel(after(failed)) == Cancel(order_ids=("a", "b"))


def test_an_id_that_was_gone_when_it_was_cancelled_by_name_is_not_held() -> None:
    gone = (Held(order_id="a", reason="not found"),)
    assert not after(a_round(0, of_all=False, held=gone)).held
    assert after(a_round(0, held=gone)).held == {"a": "not found"}


def test_a_venue_that_advises_a_long_pause_is_asked_again_soon() -> None:
    advised = a_round(0, cancel_problem="it says: restarting", retry_after_ms=60_000)
    assert pause_ms(after(advised)) == AGAIN_MS_MAX


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"listed": ("a", "b")}, "2 orders are still open"),
        ({"cancel_problem": "it says: restarting"}, "takes no cancel (it says: restarting)"),
        ({"list_problem": "lost"}, "cannot be listed (lost)"),
        ({"unreadable": 3}, "3 rows of the listing cannot be read"),
        ({"held": (Held(order_id="a", reason="delayed"),)}, "cannot be cancelled (delayed)"),
    ],
)
def test_what_is_left_is_said(seen: dict[str, object], words: str) -> None:
    assert words in what_is_left(after(a_round(0, **seen)), 150)


def test_a_venue_that_never_answered_is_said() -> None:
    assert "did not answer" in what_is_left(Progress(), 150)
