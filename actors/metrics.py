"""What Ray's dashboard and Prometheus see of the fleet, tagged by slot and release."""

from typing import Final

from ray.util.metrics import Counter, Gauge, Histogram

from actors.messages import OrderEnd
from actors.slot.seat import Seat
from actors.supervisor.state import SupervisorState

LATENESS_BOUNDS_MS: Final = [5, 10, 20, 50, 100, 150, 250, 500, 1_000, 2_500, 5_000, 10_000]
"""Wire ms from due to journaled; the aim is a p99 of 150."""
REGIMES: Final = ("normal", "regime_shift")
_TAGS: Final = ("slot", "release")


class SlotMetrics:
    """Metrics of one slot; told of every step, it publishes what changed."""

    def __init__(self, slot: str, release: str) -> None:
        tags = {"slot": slot, "release": release[:12]}
        self._decisions = Counter("midstride_decisions", "Decisions journaled", _TAGS)
        self._missed = Counter("midstride_missed_decisions", "Decision points passed", _TAGS)
        self._lateness = Histogram(
            "midstride_decision_lateness_ms",
            "Due time to decision made, wire milliseconds",
            boundaries=[float(bound) for bound in LATENESS_BOUNDS_MS],
            tag_keys=_TAGS,
        )
        self._ends = Counter(
            "midstride_orders_ended", "Orders and refused intents by end", (*_TAGS, "end")
        )
        self._notional = Gauge("midstride_open_notional_usd", "Resting buys at limit", _TAGS)
        self._pnl = Gauge("midstride_realized_pnl_usd", "Of settled markets", _TAGS)
        self._regime = Gauge("midstride_regime", "1 for the regime now", (*_TAGS, "regime"))
        for metric in (
            self._decisions,
            self._missed,
            self._lateness,
            self._ends,
            self._notional,
            self._pnl,
            self._regime,
        ):
            metric.set_default_tags(tags)

    def observe(self, before: Seat, after: Seat) -> None:
        if after.state is before.state:
            return
        self._observe_counts(before, after)
        state = after.state
        if state.orders is not before.state.orders:
            resting = sum(o.price * o.resting_shares for o in state.orders.values()) / 1e12
            self._notional.set(resting)
        if state.realized_pnl_micro_usd != before.state.realized_pnl_micro_usd:
            self._pnl.set(state.realized_pnl_micro_usd / 1e6)

    def _observe_counts(self, before: Seat, after: Seat) -> None:
        old, new = before.state.counts, after.state.counts
        if old is new:
            return
        if new.missed > old.missed:
            self._missed.inc(new.missed - old.missed)
        for end in OrderEnd:
            ended = new.ended.get(end, 0) - old.ended.get(end, 0)
            if ended > 0:
                self._ends.inc(ended, tags={"end": str(end)})
        if new.decisions > old.decisions:
            self._observe_decision(after, new.decisions - old.decisions)

    def _observe_decision(self, after: Seat, decisions: int) -> None:
        self._decisions.inc(decisions)
        last = after.state.last_decision
        if last is not None:
            late_market_ms = last.journaled_ms - last.due_ms
            self._lateness.observe(late_market_ms / after.rules.clock.speed)
        for regime in REGIMES:
            now = after.state.regime or "normal"
            self._regime.set(1.0 if now == regime else 0.0, tags={"regime": regime})


class FleetMetrics:
    """Metrics of what the slots share; the supervisor publishes them."""

    def __init__(self) -> None:
        self._feed_age = Gauge("midstride_feed_age_ms", "Newest datum, market ms", ("feed",))
        self._heartbeat = Gauge("midstride_heartbeat_gap_ms_max", "Largest gap, wire ms")
        self._alarms = Gauge("midstride_alarms_latched", "Alarms not cleared")

    def observe(self, state: SupervisorState, latched: int) -> None:
        self._alarms.set(float(latched))
        self._heartbeat.set(float(state.heartbeat_gap_ms))
        for feed, age_ms in state.feed_age_ms.items():
            self._feed_age.set(float(age_ms), tags={"feed": feed})
