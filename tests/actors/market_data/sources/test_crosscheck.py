"""Sources are held against each other: one that froze or disagrees is named."""

import pytest

from actors.market_data.sources.crosscheck import (
    LATE_MS,
    Verdict,
    compare,
    funding_differs,
    holes,
    odd_clocks,
    outvoted,
    proven,
)
from actors.market_data.sources.port import Candle, NextFunding, SourceName
from signals.market import Asset
from signals.snapshot import Interval

BTC = Asset("btc")
M5_MS = 300_000
BOUNDARY_MS = 1_791_201_600_000
MINE, OTHER, THIRD = SourceName.BINANCE_USDM, SourceName.OKX, SourceName.BYBIT


def candle(
    open_ms: int, close: float = 100.0, *, source: SourceName = MINE, closed: bool = True
) -> Candle:
    return Candle(
        source=source,
        asset=BTC,
        interval=Interval.M5,
        open_time_ms=open_ms,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=1.0,
        taker_buy=None,
        closed=closed,
    )


def side(
    source: SourceName = MINE,
    close: float = 100.0,
    *,
    ends_ms: int = BOUNDARY_MS,
    forms: bool = True,
) -> list[Candle]:
    rows = [candle(ends_ms - back * M5_MS, close, source=source) for back in (3, 2, 1)]
    return [*rows, candle(ends_ms, close, source=source, closed=False)] if forms else rows


def test_five_basis_points_are_agreement_and_more_is_none() -> None:
    for close, verdict in (
        (100.05, Verdict.AGREE),
        (99.96, Verdict.AGREE),
        (100.06, Verdict.DISAGREE),
        (99.9, Verdict.DISAGREE),
    ):
        assert compare(side(), side(OTHER, close), BOUNDARY_MS).verdict is verdict


def test_a_source_without_the_boundarys_candle_is_frozen_where_another_has_it() -> None:
    old = side(ends_ms=BOUNDARY_MS - M5_MS)
    found = compare(old, side(OTHER), BOUNDARY_MS)
    assert found.verdict is Verdict.FROZEN
    assert "okx does" in found.cause


def test_a_candle_that_nothing_follows_may_be_a_part_of_one() -> None:
    """A source that froze inside a candle: by the clock it is closed, and half of it is missing."""
    assert compare(side(forms=False), side(OTHER), BOUNDARY_MS).verdict is Verdict.FROZEN
    assert len(proven(side(forms=False), BOUNDARY_MS + 1)) == 2
    assert len(proven(side(forms=False), BOUNDARY_MS + LATE_MS + 1)) == 3
    assert len(proven(side(), BOUNDARY_MS + 1)) == 3
    assert proven([], 0) == ()


def test_two_that_are_both_late_prove_nothing() -> None:
    old = side(ends_ms=BOUNDARY_MS - M5_MS)
    other = side(OTHER, ends_ms=BOUNDARY_MS - M5_MS)
    assert compare(old, other, BOUNDARY_MS).verdict is Verdict.AGREE
    far = side(OTHER, ends_ms=BOUNDARY_MS - 9 * M5_MS)
    assert compare(old, far, BOUNDARY_MS).verdict is Verdict.UNKNOWN


def test_the_odd_one_of_three_is_named_and_no_one_of_two() -> None:
    assert outvoted({MINE: 100.0, OTHER: 101.0}) is None
    assert outvoted({MINE: 100.0, OTHER: 101.0, THIRD: 100.01}) is OTHER
    assert outvoted({MINE: 103.0, OTHER: 101.0, THIRD: 101.01}) is MINE
    assert outvoted({MINE: 100.0, OTHER: 101.0, THIRD: 102.0}) is None, "a fast market"
    assert outvoted({MINE: 100.0, OTHER: 100.0, THIRD: 100.0}) is None


def test_holes_are_found_wherever_they_are() -> None:
    rows = side()
    assert holes(rows, Interval.M5) == ()
    assert holes([rows[0], *rows[2:]], Interval.M5) == (BOUNDARY_MS - 2 * M5_MS,)
    assert holes([rows[0], rows[3]], Interval.M5) == (
        BOUNDARY_MS - 2 * M5_MS,
        BOUNDARY_MS - M5_MS,
    )
    assert holes([], Interval.M5) == ()


@pytest.mark.parametrize(
    ("rate", "told", "due_ms", "differs"),
    [
        (1e-4, 1.1e-4, 5, False),
        (1e-4, 2e-4, 5, True),
        (1e-4, -1e-4, 5, True),
        (1e-4, None, 5, False),
        (1e-4, 2e-4, 6, False),
    ],
)
def test_funding_is_compared_for_the_same_instant_alone(
    rate: float,
    told: float | None,
    due_ms: int,
    differs: bool,  # noqa: FBT001 the example
) -> None:
    own = NextFunding(source=MINE, asset=BTC, rate=rate, due_ms=5, interval_ms=None)
    other = NextFunding(source=MINE, asset=BTC, rate=told, due_ms=due_ms, interval_ms=None)
    assert funding_differs(own, other) is differs


def test_a_clock_away_from_the_others_is_named_whatever_ours_says() -> None:
    assert odd_clocks({MINE: 60_000, OTHER: 60_100, THIRD: 0}, 0) == (THIRD,)
    assert odd_clocks({MINE: 60_000, OTHER: 60_100, THIRD: 59_900}, 0) == ()
    assert odd_clocks({MINE: 60_000, OTHER: 0}, 0) == (), "two do not say which"
    assert odd_clocks({MINE: 0, OTHER: 0, THIRD: 3_000}, 5_000) == (), "within the round trip"
