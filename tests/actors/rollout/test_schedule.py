"""Where between two decisions a switch may be."""

from actors.rollout import handoff_events as on
from actors.rollout.schedule import Schedule
from signals.market import CYCLE_MS
from signals.market_time import MarketClock
from tests.actors.rollout.rollouts import SCHEDULE, now


def test_no_switch_is_allowed_when_a_decision_is_due_within_the_quiet_time() -> None:
    assert SCHEDULE.is_quiet("btc-5m", now(30_000))
    assert not SCHEDULE.is_quiet("btc-5m", now(CYCLE_MS + 20_000 - 60_000))


def test_the_quiet_time_is_a_third_of_the_gap_where_decisions_are_due_often() -> None:
    often = Schedule(offsets_ms=tuple(range(0, CYCLE_MS, 2_000)), clock=MarketClock())

    def at(market_ms: int) -> on.Now:
        return on.Now(wire_ms=often.clock.wire_ms(market_ms), market_ms=market_ms)

    assert often.is_quiet("btc-5m", at(30_000))
    assert often.is_quiet("btc-5m", at(31_333))
    assert not often.is_quiet("btc-5m", at(31_334))
    uneven = Schedule(offsets_ms=(20_000, 20_100), clock=MarketClock())
    assert not uneven.is_quiet("btc-5m", at(18_000))
    assert uneven.is_quiet("btc-5m", at(20_001))
