"""What faults order of accounts, markets and the venue: in the ledger, and over a restart."""

from pathlib import Path

import pytest

from cluster.sandbox.faults import Fault, FaultBoard, FaultError, FaultKind
from cluster.sandbox.model import MICRO, VenueMode
from tests.cluster.sandbox.core.small_exchange import ALICE, BOB, SmallExchange


@pytest.fixture
def small(tmp_path: Path) -> SmallExchange:
    return SmallExchange(tmp_path)


@pytest.mark.parametrize(("asked", "left"), [(4_000, 6_000), (0, 0), (99_999, 0)])
def test_a_withdrawal_takes_at_most_what_is_there_and_is_the_same_after_a_restart(
    small: SmallExchange, asked: int, left: int
) -> None:
    small.exchange.withdraw(ALICE, asked * MICRO, small.now)
    assert small.exchange.cash(ALICE).settled == left * MICRO
    assert small.exchange.cash(BOB).settled == 10_000 * MICRO
    before = small.exchange.digest()
    small.restart()
    assert small.exchange.digest() == before


def test_disabled_trading_takes_no_order_in_the_venues_words(small: SmallExchange) -> None:
    small.exchange.set_mode(VenueMode.DISABLED, small.now)
    result = small.buy(ALICE, 40, 10)
    assert result.http_status == 503
    assert result.error == "Trading is currently disabled. Check polymarket.com for updates"
    small.exchange.set_mode(VenueMode.OPEN, small.now)
    assert small.buy(ALICE, 40, 10).accepted


def test_a_held_market_is_resolved_when_it_is_let_go(small: SmallExchange) -> None:
    held = True
    small.exchange.steer_resolutions(lambda _market, _now: held, lambda _market: False)
    market = small.market()
    small.buy(ALICE, 40, 10)
    small.until_market_ms(market.close_market_ms + 3_600_000)
    waiting = small.exchange.market(market.condition_id, small.now)
    assert waiting is not None
    assert waiting.winner is None
    held = False
    small.step(100)
    resolved = small.exchange.market(market.condition_id, small.now)
    assert resolved is not None
    assert resolved.winner is not None


def test_a_resolution_may_be_a_week_late_and_other_delays_ten_minutes() -> None:
    board = FaultBoard(1)
    day_ms = 86_400_000
    board.set(Fault(kind=FaultKind.LATE_RESOLUTION, delay_ms=2 * day_ms))
    board.set(Fault(kind=FaultKind.DISPUTED, delay_ms=7 * day_ms))
    for kind, delay_ms in ((FaultKind.DISPUTED, 8 * day_ms), (FaultKind.DELAY, day_ms)):
        with pytest.raises(FaultError):
            board.set(Fault(kind=kind, delay_ms=delay_ms))
    board.clear_kind(FaultKind.DISPUTED)
    assert [state.fault.kind for state in board.states()] == [FaultKind.LATE_RESOLUTION]
