"""The venue's winners against the recorded averages."""

import math

import pytest

from actors.detectors import settlement, watch
from actors.detectors.settlement import (
    AROUND_MS,
    LATE_MS,
    MARKET_MAX,
    STALE_MS,
    TOO_CLOSE,
    WAIT_MS,
    Mark,
    NotCompared,
    SettlementWatch,
    expected_outcome,
)
from checkpoints.journal_rows import JournalRow, RowKind
from signals.market import CYCLE_MS, Asset, Outcome, Timeframe, Window
from signals.snapshot import Snapshot, Ticks
from tests.checkpoints.builders import row

OPEN_MS = 1_800_000_000_000 - 1_800_000_000_000 % 900_000
CLOSE_MS = OPEN_MS + CYCLE_MS


def ticks(prices: dict[int, float], begin_ms: int, end_ms: int) -> Ticks:
    """Averages each second; `prices` by the time from which they hold; NAN: none there."""
    pairs = [(at, _price(prices, at)) for at in range(begin_ms, end_ms, 1_000)]
    kept = [(at, price) for at, price in pairs if not math.isnan(price)]
    times, values = zip(*kept, strict=True)
    return Ticks(observed_ms=times, twap=values, spot=())


def _price(prices: dict[int, float], at_ms: int) -> float:
    return prices[max(begin for begin in prices if begin <= at_ms)]


def snapshot(prices: dict[int, float], due_ms: int) -> Snapshot:
    return Snapshot(
        asset=Asset.BTC,
        due_ms=due_ms,
        taken_ms=due_ms,
        candles=(),
        ticks=ticks(prices, due_ms - 990_000, due_ms),
        funding=(),
        next_funding_ms=None,
        open_interest=(),
        markets=(),
        ages=(),
    )


def decided(condition: str = "c", open_ms: int = OPEN_MS) -> JournalRow:
    return row(
        1,
        kind=RowKind.DECISION,
        slot="btc-5m",
        condition_id=condition,
        window_open_ms=open_ms,
        due_ms=open_ms + 20_000,
        intent_id="i",
    )


def settled(winner: str, condition: str = "c") -> JournalRow:
    return row(
        2,
        kind=RowKind.ORDER_EVENT,
        slot="btc-5m",
        action="settled",
        condition_id=condition,
        outcome=winner,
    )


def after(prices: dict[int, float], winner: str, wait_ms: int = 0) -> SettlementWatch:
    """One market: decided, settled, then the snapshot behind its close is read."""
    found = settlement.apply(SettlementWatch(), decided())
    found = settlement.apply(found, settled(winner))
    found = settlement.tick(found, CLOSE_MS + 60_000)
    assert found.agreed == found.differences == 0, "nothing is judged before the close is read"
    found = settlement.see(found, (snapshot(prices, CLOSE_MS + 20_000),))
    return settlement.tick(found, CLOSE_MS + 60_000 + wait_ms)


NAN = float("nan")
UP = {0: 100.0, CLOSE_MS - 30_000: 101.0}
DOWN = {0: 100.0, CLOSE_MS - 30_000: 99.0}
TIE = {0: 100.0, OPEN_MS + 60_000: 105.0, CLOSE_MS - 60_000: 100.0}


@pytest.mark.parametrize(("prices", "winner"), [(UP, "Up"), (DOWN, "Down"), (TIE, "Up")])
def test_a_right_winner_agrees_and_a_tie_is_up(prices: dict[int, float], winner: str) -> None:
    found = after(prices, winner)
    assert (found.agreed, found.differences, found.not_compared) == (1, 0, {})
    assert not any(one.holds for one in settlement.findings(found))


@pytest.mark.parametrize(("prices", "winner"), [(UP, "Down"), (DOWN, "Up"), (TIE, "Down")])
def test_a_wrong_winner_is_an_alarm_with_both_series(prices: dict[int, float], winner: str) -> None:
    [found] = settlement.findings(after(prices, winner))
    assert (found.kind, found.holds) == ("settlement_differs", True)
    assert found.subject == f"btc-updown-5m-{OPEN_MS // 1_000}"
    assert found.evidence["venue_paid"] == winner
    for series, boundary_ms in (("series_at_open", OPEN_MS), ("series_at_close", CLOSE_MS)):
        shown = found.evidence[series].split()
        assert len(shown) == 1 + 2 * AROUND_MS // 1_000
        assert shown[0].startswith(f"{boundary_ms - AROUND_MS}:")


@pytest.mark.parametrize(
    ("gap_from_ms", "why"),
    [(OPEN_MS, "open"), (CLOSE_MS, "close")],
)
def test_a_gap_of_the_feed_is_no_lie_of_the_venue(gap_from_ms: int, why: str) -> None:
    gap = {gap_from_ms - STALE_MS: NAN, gap_from_ms + 10_000: 100.5}
    prices = dict(sorted({**DOWN, **gap}.items()))
    found = after(prices, "Up")
    assert found.not_compared == {str(NotCompared.STALE): 1}, why
    assert found.differences == 0
    assert "1 a stale average" in settlement.counts_text(found)


def test_an_average_that_comes_late_is_used_and_one_that_a_later_snapshot_lacks_is_kept() -> None:
    gap = {CLOSE_MS - STALE_MS: NAN, CLOSE_MS + 10_000: 99.0}
    spoilt = snapshot(dict(sorted({**DOWN, **gap}.items())), CLOSE_MS + 20_000)
    whole = snapshot(DOWN, CLOSE_MS + 20_000)
    found = settlement.apply(settlement.apply(SettlementWatch(), decided()), settled("Down"))
    for order in ((spoilt,), (whole,), (spoilt,)):
        found = settlement.see(found, order)
    assert settlement.tick(found, CLOSE_MS + 60_000).agreed == 1


def test_an_average_that_is_at_most_two_seconds_old_counts() -> None:
    gap = {CLOSE_MS - 1_000: NAN, CLOSE_MS + 1_000: 99.0}
    prices = dict(sorted({**DOWN, **gap}.items()))
    assert after(prices, "Down").agreed == 1


def test_a_close_that_was_never_recorded_is_given_up_after_a_while() -> None:
    found = settlement.apply(SettlementWatch(), decided())
    found = settlement.see(found, (snapshot(UP, OPEN_MS + 20_000),))
    found = settlement.apply(found, settled("Up"))
    found = settlement.tick(found, CLOSE_MS + WAIT_MS)
    assert found.waiting
    found = settlement.tick(found, CLOSE_MS + WAIT_MS + 1)
    assert found.not_compared == {str(NotCompared.NO_CLOSE): 1}
    assert not found.waiting


def test_a_resolution_44_hours_late_is_said_and_still_compared() -> None:
    found = settlement.apply(SettlementWatch(), decided())
    found = settlement.see(found, (snapshot(UP, CLOSE_MS + 20_000),))
    found = settlement.tick(found, CLOSE_MS + LATE_MS + 1)
    [late] = [one for one in settlement.findings(found) if one.holds]
    assert late.kind == "resolution_late"
    for cycle in range(1, 44 * 12):  # its averages stay although those of the asset go
        due_ms = CLOSE_MS + 20_000 + cycle * CYCLE_MS
        found = settlement.see(found, (snapshot({0: 50.0}, due_ms),))
    found = settlement.tick(settlement.apply(found, settled("Down")), due_ms)
    assert found.differences == 1
    assert {one.kind for one in settlement.findings(found)} == {"settlement_differs"}


def test_a_repeated_settlement_is_judged_once() -> None:
    found = after(UP, "Up")
    again = settlement.tick(settlement.apply(found, settled("Up")), CLOSE_MS + 2 * WAIT_MS)
    assert again.agreed == 1
    assert again == settlement.tick(found, CLOSE_MS + 2 * WAIT_MS)


def test_a_supervisor_that_came_later_judges_by_the_settlements_own_row() -> None:
    late = settled("Down")
    found = settlement.apply(SettlementWatch(), late)
    assert not found.waiting, "without a window nothing is known"
    with_window = row(
        2,
        kind=RowKind.ORDER_EVENT,
        slot="btc-5m",
        action="settled",
        condition_id="c",
        outcome="Down",
        window_open_ms=OPEN_MS,
    )
    found = settlement.see(
        settlement.apply(SettlementWatch(), with_window), (snapshot(UP, CLOSE_MS + 20_000),)
    )
    assert settlement.tick(found, CLOSE_MS + 60_000).differences == 1


def test_what_waits_is_bounded_and_counted() -> None:
    found = SettlementWatch()
    for number in range(MARKET_MAX + 3):
        found = settlement.apply(found, decided(f"c{number}"))
    assert len(found.waiting) == MARKET_MAX
    assert found.not_compared == {str(NotCompared.LET_GO): 3}


def test_averages_that_binary_fractions_cannot_tell_apart_are_not_compared() -> None:
    opened, closed = Mark(value=100.0), Mark(value=100.0 * (1 - TOO_CLOSE / 2))
    assert expected_outcome(opened, closed) is NotCompared.TOO_CLOSE
    assert expected_outcome(opened, Mark(value=100.0)) is Outcome.UP


def test_a_market_of_another_length_is_read_at_its_own_close() -> None:
    found = settlement.apply(
        SettlementWatch(),
        row(
            1,
            kind=RowKind.DECISION,
            slot="btc-15m",
            condition_id="c",
            window_open_ms=OPEN_MS,
            due_ms=OPEN_MS + 20_000,
            intent_id="i",
        ),
    )
    [one] = found.waiting.values()
    assert one.window == Window(OPEN_MS, Timeframe.M15)


def test_the_watch_of_the_supervisor_has_it() -> None:
    seen = watch.apply(watch.apply(watch.Watch(), decided()), settled("Down"))
    seen = watch.tick(watch.see(seen, (snapshot(UP, CLOSE_MS + 20_000),)), CLOSE_MS + 60_000)
    assert "settlement_differs" in {one.kind for one in watch.findings(seen) if one.holds}
