"""The shipped signal as a whole: reasons, memory, determinism, no exception for any snapshot."""

import math
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from signals.decision import Action, Decision, Position, Style
from signals.decision_check import faults
from signals.legs import chance
from signals.market import Asset, Outcome, Side, Timeframe
from signals.params import Params, override
from signals.snapshot import Feed, Snapshot, Ticks
from signals.strategies import five_factor
from signals.strategies.five_factor import Memory
from signals.units import MICRO, MicroShares, MicroUsd
from tests.signals.altered import later, mirrored, without
from tests.signals.builders import make_snapshot

PARAMS = Params()
FAIR = override(PARAMS, {"blend.mid": 0.0, "blend.fair": 1.0, "points.mode": "blend"})
"""The fair value alone decides: for tests that need a trade."""
POSITION = Position(allocation_micro_usd=MicroUsd(100 * MICRO))


def decide(
    snapshot: Snapshot,
    *,
    timeframe: Timeframe = Timeframe.M5,
    position: Position = POSITION,
    memory: Memory | None = None,
    params: Params = PARAMS,
) -> tuple[Decision, Memory]:
    return five_factor.decide(snapshot, timeframe, position, memory or Memory(), params)


def test_a_complete_snapshot_gets_every_opinion_into_the_decision() -> None:
    decision, _ = decide(make_snapshot())
    assert [score.name for score in decision.factors] == [
        "pattern", "volume", "alignment", "confluence", "positioning",
    ]  # fmt: skip
    assert decision.market_mid_up == pytest.approx(0.5)
    assert decision.probability_up == pytest.approx(0.5)
    assert decision.fair_up is not None
    assert decision.spread_points is not None
    assert decision.regime == "normal"


def test_by_default_the_markets_own_price_is_believed_and_nothing_is_bought() -> None:
    trades = [decide(make_snapshot(seed=seed))[0].legs for seed in range(60)]
    assert trades == [()] * 60


def test_with_weight_on_the_fair_value_a_cheap_outcome_is_bought() -> None:
    snapshot = make_snapshot(price=60_000.0, price_to_beat=59_950.0, mid_up=0.5)
    decision, _ = decide(snapshot, params=FAIR)
    assert decision.action is Action.TRADE
    assert decision.probability_up == pytest.approx(decision.fair_up)
    leg = decision.legs[0]
    assert (leg.outcome, leg.side, leg.style) == (Outcome.UP, Side.BUY, Style.TAKE)
    assert decision.reason.startswith("edge: +")


def test_a_mirrored_market_is_decided_the_other_way_round() -> None:
    snapshot = make_snapshot(price_to_beat=59_950.0)
    ours, _ = decide(snapshot, params=FAIR)
    theirs, _ = decide(mirrored(snapshot, snapshot.candles[0].close[-1]), params=FAIR)
    assert ours.probability_up is not None
    assert theirs.probability_up == pytest.approx(1 - ours.probability_up)
    assert theirs.legs[0].outcome is ours.legs[0].outcome.opposite
    assert theirs.legs[0].shares == ours.legs[0].shares


def test_the_points_gate_needs_the_spreads_own_direction() -> None:
    gated = override(FAIR, {"points.mode": "gate", "points.act": 0.0, "points.flat": 0.0})
    for seed in range(40):
        decision, _ = decide(make_snapshot(seed=seed, price_to_beat=59_950.0), params=gated)
        assert decision.spread_points is not None
        if decision.legs:
            bought = decision.legs[0].outcome
            assert bought is (Outcome.UP if decision.spread_points > 0 else Outcome.DOWN)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda s: without(s, Feed.TICKS), "no_data: ticks never seen"),
        (lambda s: without(s, Feed.CANDLES), "no_data: candles never seen"),
        (lambda s: without(s, Feed.BOOKS), "no_data: books never seen"),
        (lambda s: without(s, Feed.MARKETS), "no_data: markets never seen"),
        (lambda s: msgspec.structs.replace(s, markets=()), "no_data: no 5m market"),
        (lambda s: msgspec.structs.replace(s, candles=()), "points: 5 available, 60 needed"),
        (lambda s: later(s, 270_000), "gate: 10000 ms"),
        (
            lambda s: msgspec.structs.replace(s, ticks=Ticks(observed_ms=(), twap=(), spot=())),
            "no_data: no settlement tick",
        ),
    ],
)
def test_each_missing_part_is_answered_with_no_trade_and_its_code(
    change: Callable[[Snapshot], Snapshot], code: str
) -> None:
    decision, _ = decide(change(make_snapshot()), params=FAIR)
    assert decision.action is Action.NO_TRADE
    assert decision.reason.startswith(code)


def test_stale_ticks_are_answered_with_stale() -> None:
    snapshot = make_snapshot()
    ages = tuple(
        msgspec.structs.replace(age, age_ms=9_999) if age.feed is Feed.TICKS else age
        for age in snapshot.ages
    )
    decision, _ = decide(msgspec.structs.replace(snapshot, ages=ages), params=FAIR)
    assert decision.reason == "stale: ticks 9999 ms old, limit 5000"


def test_without_funding_and_open_interest_the_rest_decides() -> None:
    snapshot = without(without(make_snapshot(), Feed.FUNDING), Feed.OPEN_INTEREST)
    decision, _ = decide(snapshot)
    assert decision.regime is None
    assert decision.factors[-1].bull is None
    assert not decision.reason.startswith(("no_data", "stale"))


def test_one_small_factor_cannot_command() -> None:
    loud = override(FAIR, {"points.available_min": 95.0})
    snapshot = without(make_snapshot(price_to_beat=59_950.0), Feed.OPEN_INTEREST)
    assert decide(snapshot, params=loud)[0].action is Action.TRADE  # 95 of 100 are there
    snapshot = without(snapshot, Feed.FUNDING)
    assert decide(snapshot, params=loud)[0].reason == "points: 90 available, 95 needed"


def test_a_window_in_which_something_was_sold_is_not_bought_again() -> None:
    snapshot = make_snapshot(price_to_beat=59_950.0, mid_up=0.5)
    holding = msgspec.structs.replace(POSITION, down_shares=MicroShares(20 * MICRO))
    decision, memory = decide(snapshot, position=holding, params=FAIR)
    assert (decision.legs[0].side, decision.legs[0].outcome) == (Side.SELL, Outcome.DOWN)
    market = snapshot.market(Timeframe.M5)
    assert market is not None
    assert memory.sold_window_open_ms == market.window.open_ms
    again, _ = decide(snapshot, memory=memory, params=FAIR)
    assert again.reason == "gate: sold in this window, not bought again"
    later = make_snapshot(due_ms=snapshot.due_ms + 300_000, price_to_beat=59_950.0)
    assert decide(later, memory=memory, params=FAIR)[0].action is Action.TRADE


def test_memory_carries_a_funding_flip_beyond_the_snapshot() -> None:
    _, memory = decide(make_snapshot(funding=(0.0001,)))
    assert (memory.funding_sign, memory.funding_flip_ms) == (1, None)
    later = make_snapshot(due_ms=make_snapshot().due_ms + 28_800_000, funding=(-0.0001,))
    _, memory = decide(later, memory=memory)
    assert memory.funding_sign == -1
    assert memory.funding_flip_ms == later.funding[-1].time_ms


def test_the_same_inputs_give_the_same_bytes() -> None:
    first = msgspec.json.encode(decide(make_snapshot(seed=5), params=FAIR))
    assert msgspec.json.encode(decide(make_snapshot(seed=5), params=FAIR)) == first


def test_the_memory_survives_its_encoding() -> None:
    _, memory = decide(make_snapshot())
    assert msgspec.json.decode(msgspec.json.encode(memory), type=Memory) == memory


NUMBERS = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -1.0, 1e-300, 1e300])


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sets(st.sampled_from(Feed)),
    st.integers(-700_000, 1_000_000),
    st.sampled_from(["candles", "ticks", "funding", "interest", "beat", "none"]),
    NUMBERS,
    st.sampled_from(Timeframe),
)
def test_it_answers_any_snapshot_without_an_exception(
    seed: int, missing: set[Feed], late_ms: int, spoiled: str, value: float, timeframe: Timeframe
) -> None:
    snapshot = spoil(make_snapshot(seed=seed, asset=Asset.ETH), spoiled, value)
    for feed in sorted(missing):
        snapshot = without(snapshot, feed)
    snapshot = msgspec.structs.replace(snapshot, taken_ms=snapshot.taken_ms + late_ms)
    decision, _ = decide(snapshot, timeframe=timeframe, params=FAIR)
    assert faults(decision, snapshot.market(timeframe)) == ()
    for one in decision.factors:
        assert one.bull is None or math.isfinite(one.bull)
    if decision.legs:
        assert not missing - {Feed.FUNDING, Feed.OPEN_INTEREST}
        assert decision.probability_up is not None
        leg = decision.legs[0]
        worth = chance(decision.probability_up, leg.outcome)
        assert worth > leg.price / MICRO


def spoil(snapshot: Snapshot, part: str, value: float) -> Snapshot:
    """Put `value` where a number of one input stands."""
    match part:
        case "candles":
            spoiled = tuple(
                replace(one, close=(*one.close[:-2], value, one.close[-1]))
                for one in snapshot.candles
            )
            return replace(snapshot, candles=spoiled)
        case "ticks":
            ticks = snapshot.ticks
            return replace(snapshot, ticks=replace(ticks, spot=(*ticks.spot[:-1], value)))
        case "funding":
            return replace(snapshot, funding=(replace(snapshot.funding[0], rate=value),))
        case "interest":
            *earlier, last = snapshot.open_interest
            spoilt = replace(last, base_units=value)
            return replace(snapshot, open_interest=(*earlier, spoilt))
        case "beat":
            markets = tuple(replace(one, price_to_beat=value) for one in snapshot.markets)
            return replace(snapshot, markets=markets)
        case _:
            return snapshot
