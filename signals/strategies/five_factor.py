"""The signal that ships: five factors, a fair value, the market's price, and vetoes.

Order of judgement: inputs, market, factor points, probability, then what to sell or buy. Whatever
is missing, the answer is a coded "no trade", with all that could be said kept in the decision.
"""

import msgspec

from signals.blend import blend
from signals.book_price import market_mid_up
from signals.decision import Action, Decision, FactorScore, Position
from signals.factors import Spread, score_factors, spread
from signals.fair_value import NoData, probability_up, read_settlement
from signals.legs import Choice, choose_purchase, choose_sale, read_stance
from signals.market import Side, Timeframe
from signals.params import Params
from signals.regime import FundingHistory, Regime, read_regime
from signals.risk_gate import input_veto, market_veto
from signals.snapshot import MarketView, Snapshot

MEMORY_VERSION = 1


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What one slot remembers between decisions."""

    funding_sign: int = 0
    """Of the newest nonzero rate: -1, 0 (none seen), 1."""
    funding_flip_ms: int | None = None
    funding_seen_ms: int = 0
    regime_shift_ms: int | None = None
    """When the condition of a regime shift last held."""
    sold_window_open_ms: int | None = None
    """Window in which a holding was sold; it is not bought again there."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All opinions on one market at one instant."""

    factors: tuple[FactorScore, ...]
    spread: Spread
    regime: Regime | None
    mid: float | None = None
    fair: float | NoData = NoData("no market")
    probability: float | NoData = NoData("no market")


def decide(
    snapshot: Snapshot, timeframe: Timeframe, position: Position, memory: Memory, params: Params
) -> tuple[Decision, Memory]:
    """Decide one slot at one decision point. Never raises for a snapshot with missing parts."""
    regime, history = read_regime(_history(memory), snapshot, params)
    memory = msgspec.structs.replace(
        memory,
        funding_sign=history.sign,
        funding_flip_ms=history.flip_ms,
        funding_seen_ms=history.seen_ms,
        regime_shift_ms=history.shift_ms,
    )
    factors = score_factors(snapshot, timeframe, history, regime, params)
    view = View(factors=factors, spread=spread(factors), regime=regime)
    market = snapshot.market(timeframe)
    if market is None:
        return _decision(view, Choice(leg=None, reason=_unlisted(snapshot, timeframe))), memory
    view = _priced(view, snapshot, market, params)
    veto = input_veto(snapshot) or market_veto(market, snapshot.taken_ms, params.gate)
    if veto:
        return _decision(view, Choice(leg=None, reason=veto)), memory
    choice = _choose(view, market, position, memory, params)
    if choice.leg is not None and choice.leg.side is Side.SELL:
        memory = msgspec.structs.replace(memory, sold_window_open_ms=market.window.open_ms)
    return _decision(view, choice), memory


def _history(memory: Memory) -> FundingHistory:
    return FundingHistory(
        sign=memory.funding_sign,
        flip_ms=memory.funding_flip_ms,
        seen_ms=memory.funding_seen_ms,
        shift_ms=memory.regime_shift_ms,
    )


def _unlisted(snapshot: Snapshot, timeframe: Timeframe) -> str:
    return input_veto(snapshot) or f"no_data: no {timeframe} market"


def _priced(view: View, snapshot: Snapshot, market: MarketView, params: Params) -> View:
    mid = market_mid_up(market)
    known = read_settlement(snapshot, market, params.fair)
    fair = known if isinstance(known, NoData) else probability_up(known)
    probability: float | NoData = NoData("no two-sided book")
    if mid is not None:
        probability = blend(mid, fair, view.spread.points, params.blend)
    return msgspec.structs.replace(view, mid=mid, fair=fair, probability=probability)


def _choose(
    view: View, market: MarketView, position: Position, memory: Memory, params: Params
) -> Choice:
    least = params.points.available_min
    if view.spread.points is None or view.spread.available < least:
        told = f"points: {view.spread.available:.0f} available, {least:.0f} needed"
        return Choice(leg=None, reason=told)
    if isinstance(view.probability, NoData):
        return Choice(leg=None, reason=f"no_data: {view.probability.reason}")
    stance = read_stance(view.spread.points, params)
    sale = choose_sale(view.probability, market, position, stance, params)
    if sale is not None:
        return sale
    if not stance.enter:
        return Choice(leg=None, reason=stance.reason)
    if memory.sold_window_open_ms == market.window.open_ms:
        return Choice(leg=None, reason="gate: sold in this window, not bought again")
    return choose_purchase(view.probability, market, position, stance.enter, params)


def _decision(view: View, choice: Choice) -> Decision:
    return Decision(
        action=Action.NO_TRADE if choice.leg is None else Action.TRADE,
        reason=choice.reason,
        legs=() if choice.leg is None else (choice.leg,),
        probability_up=None if isinstance(view.probability, NoData) else view.probability,
        market_mid_up=view.mid,
        fair_up=None if isinstance(view.fair, NoData) else view.fair,
        spread_points=view.spread.points,
        factors=view.factors,
        regime=None if view.regime is None else view.regime.value,
    )
