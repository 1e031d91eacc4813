"""Market time runs at its speed from an anchor; wire time and market time lead to each other."""

import pytest

from signals.market_time import MarketClock


def test_market_time_begins_at_the_anchor_and_runs_at_its_speed() -> None:
    clock = MarketClock(anchor_wire_ms=1_000, anchor_market_ms=50_000, speed=30)
    assert clock.market_ms(1_000) == 50_000
    assert clock.market_ms(1_100) == 53_000
    assert clock.market_ms(900) == 47_000
    assert clock.wire_ms(53_000) == 1_100


@pytest.mark.parametrize("speed", [1, 2, 30, 40])
def test_a_moment_comes_back_from_the_other_time(speed: int) -> None:
    clock = MarketClock(anchor_wire_ms=7, anchor_market_ms=300_000, speed=speed)
    for market_ms in (0, 300_000, 300_000 + 60 * speed, 10**12 * speed):
        assert clock.market_ms(clock.wire_ms(market_ms)) == pytest.approx(market_ms, abs=speed)


def test_by_default_market_time_is_wire_time() -> None:
    assert MarketClock().market_ms(1_767_268_800_000) == 1_767_268_800_000
