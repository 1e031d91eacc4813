"""What each metric of the table is now. Pure.

A figure that is not known yet is left out, never told as 0: a count that jumps from 0 to what it
was before a restart would look like events of now. A new slot's first answer tells 0.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

import msgspec

from actors.gateway.order_life import OrderState
from actors.gateway.status import GatewayStatus
from actors.market_data.status import FeedStatus
from actors.messages import OrderEnd, TradingState
from actors.metrics.seen import LATENESS_BOUNDS_MS, RELEASE_DIGITS, SeenBefore
from actors.metrics.slots import MICRO, Figure, slot_figures
from actors.supervisor.state import GATEWAY, MARKET_DATA, SupervisorState
from checkpoints.severity import Severity


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    free_bytes: int | None = None
    claims: int | None = None
    """None: this fleet redeems nothing."""
    claims_micro_usd: int = 0
    redeemed_micro_usd: int = 0
    audit_due_ms: int | None = None
    """Market time; None: no daily audit is expected."""


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What is told beside the supervisor's own state."""

    unix_seconds: float
    wire_ms: int
    market_ms: int
    severities: tuple[Severity, ...] = ()
    """Of the alarms that are latched."""
    undelivered: int = 0
    warning_bytes: int = 0
    next_due_ms: int | None = None
    disk: Disk = Disk()


def figures(state: SupervisorState, seen: SeenBefore, beside: Beside) -> Iterator[Figure]:
    yield from _fleet(state, seen, beside)
    yield from _silences(state, beside)
    gateway, feeds = state.gateway, state.market_data
    if gateway is not None:
        yield from _gateway(gateway, _silence_ms(state, GATEWAY, beside))
        yield Figure("clock_skew_limit_ms", state.rules.timing.clock_skew_limit_ms)
        for slot in sorted({*state.slots, *gateway.exposure_micro_usd}):
            exposure = gateway.exposure_micro_usd.get(slot, 0)
            yield Figure("exposure_usd", exposure / MICRO, (slot,))
    if feeds is not None:
        silent_ms = _silence_ms(state, MARKET_DATA, beside) * state.rules.clock.speed
        for feed in feeds.feeds:
            yield from _feed(feed, silent_ms)
    for watched in state.slots.values():
        yield from slot_figures(watched, seen, beside.market_ms, state.rules.clock.speed)
    yield from _lateness(seen)
    yield from _rollout(state, beside)


def _fleet(state: SupervisorState, seen: SeenBefore, beside: Beside) -> Iterator[Figure]:
    yield Figure("published_timestamp_seconds", beside.unix_seconds)
    yield Figure("market_timestamp_ms", beside.market_ms)
    if beside.next_due_ms is not None:
        yield Figure("next_decision_ms", beside.next_due_ms - beside.market_ms)
    yield Figure("slots_wanted", len(state.slots))
    counts = Counter(beside.severities)
    for severity in Severity:
        yield Figure("alarms_latched", counts[severity], (severity,))
    yield Figure("alarms_undelivered", beside.undelivered)
    for who, status in ((GATEWAY, state.gateway), (MARKET_DATA, state.market_data)):
        yield Figure("trouble", 0 if status is None else len(status.trouble), (who,))
    on = Counter(w.release[:RELEASE_DIGITS] for w in state.slots.values() if w.release)
    for release in sorted(seen.releases | set(on)):
        yield Figure("release_slots", on[release], (release,))
    yield Figure("disk_warning_bytes", beside.warning_bytes)
    yield from _disk(beside.disk)
    if beside.disk.audit_due_ms is not None:
        overdue_ms = max(0, beside.market_ms - beside.disk.audit_due_ms)
        yield Figure("daily_audit_overdue_ms", overdue_ms)


def _disk(disk: Disk) -> Iterator[Figure]:
    if disk.free_bytes is not None:
        yield Figure("disk_free_bytes", disk.free_bytes)
    if disk.claims is not None:
        yield Figure("claims", disk.claims)
        yield Figure("claims_usd", disk.claims_micro_usd / MICRO)
        yield Figure("redeemed_usd", disk.redeemed_micro_usd / MICRO)


def _silence_ms(state: SupervisorState, who: str, beside: Beside) -> int:
    """Return how old the last answer is; before the first one, how long it was waited for."""
    since_ms = state.shared[who].answered_wire_ms or state.started_wire_ms or beside.wire_ms
    return max(0, beside.wire_ms - since_ms)


def _silences(state: SupervisorState, beside: Beside) -> Iterator[Figure]:
    for who in (GATEWAY, MARKET_DATA):
        yield Figure("actor_silence_ms", _silence_ms(state, who, beside), (who,))


def _gateway(status: GatewayStatus, silent_ms: int) -> Iterator[Figure]:
    yield Figure("gateway_serving", status.phase == "serving")
    for trading in TradingState:
        yield Figure("trading_state", status.trading_state is trading, (trading,))
    yield Figure("heartbeat_gap_ms_max", status.heartbeat_gap_ms_max)
    if status.heartbeat_age_ms is not None:
        yield Figure("heartbeat_age_ms", status.heartbeat_age_ms + silent_ms)
    if status.listed_age_ms is not None:
        yield Figure("listed_age_ms", status.listed_age_ms + silent_ms)
    yield Figure("clock_skew_ms", status.skew_ms)
    yield Figure("day_realized_usd", status.day_realized_micro_usd / MICRO)
    if status.cash_micro_usd is not None:
        yield Figure("cash_usd", status.cash_micro_usd / MICRO)
    for end in OrderEnd:
        yield Figure("orders_ended_total", status.end_counts.get(end, 0), (end,))
    unknown = [o.age_ms + silent_ms for o in status.open_orders if o.state == OrderState.UNKNOWN]
    yield Figure("order_unknown_age_ms_max", max(unknown, default=0))
    yield Figure("order_latency_ms_p99", status.latency.received_to_posted_p99_ms)


def _feed(feed: FeedStatus, silent_ms: int) -> Iterator[Figure]:
    name = (str(feed.feed),)
    yield Figure("feed_limit_ms", feed.limit_ms, name)
    age_ms = None if feed.age_ms is None else feed.age_ms + silent_ms
    yield Figure("feed_fresh", age_ms is not None and age_ms <= feed.limit_ms, name)
    if age_ms is not None:
        yield Figure("feed_age_ms", age_ms, name)


def _lateness(seen: SeenBefore) -> Iterator[Figure]:
    bounds = [*(str(bound) for bound in LATENESS_BOUNDS_MS), "+Inf"]
    for bound, count in zip(bounds, accumulate(seen.lateness), strict=True):
        yield Figure("decision_lateness_ms_bucket", count, (bound,))


def _rollout(state: SupervisorState, beside: Beside) -> Iterator[Figure]:
    active = state.rollout is not None
    moved_ms, beat_ms = state.rollout_moved_wire_ms, state.rollout_beat_wire_ms
    yield Figure("rollout_active", active)
    yield Figure("rollout_progress_age_ms", max(0, beside.wire_ms - moved_ms) if active else 0)
    yield Figure("rollout_beat_age_ms", max(0, beside.wire_ms - beat_ms) if active else 0)
