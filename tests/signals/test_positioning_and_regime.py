"""Funding, open interest, session and regime by hand."""

import msgspec
import pytest

from signals.factors import positioning
from signals.factors.positioning import session_weight
from signals.params import Params, override
from signals.regime import FundingHistory, Regime, follow_funding, interest_move, read_regime
from signals.snapshot import Feed, FundingPoint, OpenInterestPoint, Snapshot
from tests.signals.altered import without
from tests.signals.builders import DUE_MS, make_candles, make_snapshot

PARAMS = Params()
HOUR_MS = 3_600_000
NONE = FundingHistory()


def moving(*, interest: float, price: float, funding: tuple[float, ...] = (0.0001,)) -> Snapshot:
    """Make a snapshot whose open interest and price changed by these fractions in an hour."""
    then = 100.0 * (1 - price)
    closes = [then] * 8 + [then + (100.0 - then) * step / 12 for step in range(1, 13)]
    return msgspec.structs.replace(
        make_snapshot(funding=funding),
        candles=(make_candles(closes=closes),),
        open_interest=(
            OpenInterestPoint(time_ms=DUE_MS - HOUR_MS, base_units=1000.0),
            OpenInterestPoint(time_ms=DUE_MS, base_units=1000.0 * (1 + interest)),
        ),
    )


def parts(snapshot: Snapshot, history: FundingHistory = NONE) -> tuple[float, float]:
    """Return bull minus bear of funding and of open interest."""
    read = positioning.parts(snapshot, history, PARAMS.positioning)
    return tuple(  # type: ignore[return-value]
        float("nan") if part.bull is None or part.bear is None else part.bull - part.bear
        for part in read
    )


def test_high_funding_speaks_for_the_bears_more_so_near_the_reset() -> None:
    # Thursday 00:00:20 UTC, asia 0.8; funding 2.5 bp of 5; the reset was 20 s ago
    snapshot = make_snapshot(funding=(0.00025,))
    left = (28_800_000 - 20_000) / 28_800_000
    assert parts(snapshot)[0] == pytest.approx(-0.5 * (1 - 0.5 * left) * 0.8)
    soon = msgspec.structs.replace(snapshot, next_funding_ms=DUE_MS)
    assert parts(soon)[0] == pytest.approx(-0.5 * 1.0 * 0.8)


def test_a_recent_flip_to_negative_adds_to_the_bulls() -> None:
    snapshot = make_snapshot(funding=(0.0001, -0.0001))
    flipped = follow_funding(NONE, snapshot.funding)
    assert flipped.sign == -1
    calm = msgspec.structs.replace(flipped, flip_ms=None)
    assert parts(snapshot, flipped)[0] - parts(snapshot, calm)[0] == pytest.approx(0.3 * 0.8)
    old = msgspec.structs.replace(flipped, flip_ms=DUE_MS - 9 * HOUR_MS)
    assert parts(snapshot, old)[0] == parts(snapshot, calm)[0]


@pytest.mark.parametrize(
    ("interest", "price", "lean"),
    [(0.01, 0.005, 1.0), (0.01, -0.005, -1.0), (-0.01, 0.005, -0.5), (-0.01, -0.005, 0.5)],
)
def test_new_money_confirms_a_move_and_closing_positions_fade_it(
    interest: float, price: float, lean: float
) -> None:
    assert parts(moving(interest=interest, price=price))[1] == pytest.approx(lean * 0.8)


def test_missing_or_stale_inputs_are_no_data() -> None:
    for feed, place in ((Feed.FUNDING, 0), (Feed.OPEN_INTEREST, 1), (Feed.CANDLES, 1)):
        read = positioning.parts(without(make_snapshot(), feed), NONE, PARAMS.positioning)
        assert read[place].bull is None, feed
        assert read[place].why.startswith("no data: ")


@pytest.mark.parametrize(
    ("time_ms", "name"),
    [
        (DUE_MS, "asia"),  # Thursday 00:00
        (DUE_MS + 8 * HOUR_MS, "europe"),
        (DUE_MS + 15 * HOUR_MS, "us"),
        (DUE_MS + 22 * HOUR_MS, "asia"),
        (DUE_MS + 48 * HOUR_MS, "weekend"),  # Saturday
        (DUE_MS + 96 * HOUR_MS, "asia"),  # Monday
    ],
)
def test_sessions(time_ms: int, name: str) -> None:
    assert session_weight(time_ms, PARAMS.positioning)[0] == name


def test_open_interest_needs_half_the_look_back_and_a_price() -> None:
    snapshot = moving(interest=0.01, price=0.01)
    move = interest_move(snapshot, HOUR_MS)
    assert move is not None
    assert (move.interest, move.price) == pytest.approx((0.01, 0.01))
    short = (
        msgspec.structs.replace(snapshot.open_interest[0], time_ms=DUE_MS - HOUR_MS // 2 + 1),
        snapshot.open_interest[1],
    )
    assert interest_move(msgspec.structs.replace(snapshot, open_interest=short), HOUR_MS) is None
    assert interest_move(msgspec.structs.replace(snapshot, candles=()), HOUR_MS) is None


def test_funding_is_followed_across_snapshots_and_zero_has_no_sign() -> None:
    point = FundingPoint
    first = follow_funding(NONE, (point(time_ms=1, rate=0.1), point(time_ms=2, rate=0.0)))
    assert (first.sign, first.flip_ms, first.seen_ms) == (1, None, 2)
    again = follow_funding(first, (point(time_ms=1, rate=-0.1),))
    assert again == first  # already taken in
    then = follow_funding(first, (point(time_ms=3, rate=-0.1),))
    assert (then.sign, then.flip_ms) == (-1, 3)


FLIPPED = (0.0001, -0.0001)


@pytest.mark.parametrize(
    ("funding", "interest", "price", "regime"),
    [
        (FLIPPED, 0.01, -0.01, Regime.REGIME_SHIFT),
        (FLIPPED, -0.01, 0.01, Regime.REGIME_SHIFT),
        (FLIPPED, 0.01, 0.01, Regime.NORMAL),  # they go together
        (FLIPPED, 0.001, -0.01, Regime.NORMAL),  # interest hardly moved
        ((-0.0001, 0.0001), 0.01, -0.01, Regime.NORMAL),  # flipped to positive
        ((-0.0001, -0.0001), 0.01, -0.01, Regime.NORMAL),  # no flip
        ((0.0,), 0.01, -0.01, None),  # never a sign
    ],
)
def test_a_regime_shift_is_a_flip_to_negative_while_interest_and_price_part(
    funding: tuple[float, ...], interest: float, price: float, regime: Regime | None
) -> None:
    snapshot = moving(interest=interest, price=price, funding=funding)
    assert read_regime(NONE, snapshot, PARAMS)[0] == regime


def test_a_regime_shift_holds_for_its_time_and_then_ends() -> None:
    snapshot = moving(interest=0.01, price=-0.01, funding=FLIPPED)
    _, history = read_regime(NONE, snapshot, PARAMS)
    calm = moving(interest=0.01, price=0.01, funding=FLIPPED)
    for later_ms, regime in ((HOUR_MS, Regime.REGIME_SHIFT), (HOUR_MS + 1, Regime.NORMAL)):
        later = msgspec.structs.replace(calm, taken_ms=snapshot.taken_ms + later_ms)
        assert read_regime(history, later, PARAMS)[0] is regime


def test_an_old_flip_is_no_shift() -> None:
    short = override(PARAMS, {"regime.flip_hold_ms": 10_000})
    snapshot = moving(interest=0.01, price=-0.01, funding=FLIPPED)
    assert read_regime(NONE, snapshot, short)[0] is Regime.NORMAL
