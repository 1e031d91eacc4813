"""Example: rest on the outcome that the settlement average already favours. Copy and change it."""

import msgspec

from signals.decision import Action, Decision, Leg, Position, Style
from signals.fair_value import NoData, probability_up, read_settlement
from signals.market import Outcome, Side, Timeframe
from signals.params import Params
from signals.snapshot import Snapshot
from signals.units import MICRO

MEMORY_VERSION = 1


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    last_window_open_ms: int = 0


def decide(
    snapshot: Snapshot, timeframe: Timeframe, position: Position, memory: Memory, params: Params
) -> tuple[Decision, Memory]:
    market = snapshot.market(timeframe)
    known = read_settlement(snapshot, market, params.fair) if market else NoData("no market")
    if market is None or isinstance(known, NoData) or not snapshot.complete:
        return Decision(action=Action.NO_TRADE, reason="no_data: inputs"), memory
    up = min(max(probability_up(known), 0.01), 0.99)
    side, chance = (Outcome.UP, up) if up >= 1 - up else (Outcome.DOWN, 1 - up)
    book, once = market.book(side), market.window.open_ms > memory.last_window_open_ms
    if book is None or not book.bids or not once or position.allocation_micro_usd <= 0:
        return Decision(action=Action.NO_TRADE, reason="gate: not now", probability_up=up), memory
    bid, shares = book.bids[0].price, market.min_order_shares
    if chance - bid / MICRO < params.edge.rest_min:
        return Decision(action=Action.NO_TRADE, reason="edge: small", probability_up=up), memory
    leg = Leg(outcome=side, side=Side.BUY, style=Style.REST, price=bid, shares=shares)
    reason = f"edge: {chance - bid / MICRO:.3f} rest"
    decision = Decision(action=Action.TRADE, reason=reason, legs=(leg,), probability_up=up)
    return decision, Memory(last_window_open_ms=market.window.open_ms)
