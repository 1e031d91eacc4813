"""What a decision's legs would have paid: filled whole at their own price, held to settlement.

That is a model, the same for the recorded and the new decision, so that the two can be compared;
what really filled and paid is in `audit trades`. Winners come from the journal's settlements; in a
window in which the slot had no order, from the next window's price to beat, which is the average
that this window closed on.
"""

from decimal import Decimal
from typing import Final

import msgspec

from checkpoints.errors import CheckpointsError
from checkpoints.snapshots import SnapshotStore, decode_snapshot
from cluster.audit.journal_view import JournalView
from cluster.replay.recorded import Recorded
from signals.decision import Decision, Style
from signals.market import Outcome, Side, Slot, Window, day_of
from signals.offers import fee_rate
from signals.snapshot import MarketView, Snapshot
from signals.units import MicroUsd, notional_micro_usd, taker_fee_micro_usd

_SETTLED: Final = """
select outcome from valid where slot = ? and action = 'settled'
and condition_id in (select condition_id from valid where slot = ? and window_open_ms = ?
                     and condition_id is not null)
"""
_SNAPSHOTS: Final = """
select snapshot, due_ms from valid where slot = ? and window_open_ms = ? and kind = 'decision'
and snapshot is not null order by due_ms desc
"""


class Payer:
    def __init__(self, view: JournalView) -> None:
        self._view = view
        self._winners: dict[tuple[str, int], Outcome | None] = {}

    def winner(self, one: Recorded) -> Outcome | None:
        key = (one.slot, one.fact.window_open_ms)
        if key not in self._winners:
            found = self._view.fetch(_SETTLED, one.slot, *key)
            self._winners[key] = Outcome(found[0][0]) if found else self._inferred(*key)
        return self._winners[key]

    def paid(self, one: Recorded, decision: Decision, winner: Outcome | None) -> MicroUsd | None:
        """Return profit or loss of the legs; None where the winner is not known."""
        if not decision.legs:
            return MicroUsd(0)
        if winner is None:
            return None
        market = self._market(one.slot, one.fact.snapshot, one.due_ms)
        rate = _rate(market)
        total = 0
        for leg in decision.legs:
            value = notional_micro_usd(leg.price, leg.shares)
            fee = taker_fee_micro_usd(leg.price, leg.shares, rate)
            payout = leg.shares if leg.outcome is winner else 0
            held = payout - value
            total += held if leg.side is Side.BUY else -held
            total -= fee if leg.style is Style.TAKE else 0
        return MicroUsd(total)

    def _inferred(self, slot: str, window_open_ms: int) -> Outcome | None:
        window = Window(window_open_ms, Slot.parse(slot).timeframe)
        opened = self._price_to_beat(slot, window)
        closed = self._price_to_beat(slot, Window(window.close_ms, window.timeframe))
        if opened is None or closed is None:
            return None
        return Outcome.UP if closed >= opened else Outcome.DOWN

    def _price_to_beat(self, slot: str, window: Window) -> float | None:
        for digest, due_ms in self._view.fetch(_SNAPSHOTS, slot, window.open_ms):
            market = self._market(slot, digest, due_ms)
            known = market.price_to_beat if market and market.window == window else None
            if known is not None:
                return known
        return None

    def _market(self, slot: str, digest: str | None, due_ms: int) -> MarketView | None:
        snapshot = None if digest is None else self._snapshot(digest, due_ms)
        return None if snapshot is None else snapshot.market(Slot.parse(slot).timeframe)

    def _snapshot(self, digest: str, due_ms: int) -> Snapshot | None:
        try:
            return decode_snapshot(SnapshotStore(self._view.storage).get(digest, day_of(due_ms)))
        except (CheckpointsError, msgspec.DecodeError):
            return None


def _rate(market: MarketView | None) -> Decimal:
    """Return the market's fee rate; one that is not known let nobody trade."""
    known = None if market is None else fee_rate(market)
    return Decimal(0) if market is None or known is None else Decimal(market.fee_rate)
