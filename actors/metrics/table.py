"""Every metric of the fleet: name, unit, labels, meaning, and the figures of `status` it shows.

All are gauges that the supervisor sets. A counter of Ray cannot begin at 0, and each process would
have a series of its own: the first event would be lost, and after a roll nobody could sum them.
What only grows is read from durable counts instead; those names end in ``_total``.
Prometheus sees each name behind `PREFIX`.
"""

from typing import Final, NamedTuple

PREFIX: Final = "ray_"
"""Ray puts it before each name."""


class Metric(NamedTuple):
    name: str
    unit: str
    labels: tuple[str, ...]
    meaning: str
    shows: tuple[str, ...] = ()
    """Fields of the status report, as `struct.field`."""

    @property
    def exported(self) -> str:
        return f"{PREFIX}{self.name}"


_SLOT: Final = ("slot",)


def _m(name: str, unit: str, labels: tuple[str, ...], meaning: str, *shows: str) -> Metric:
    return Metric(f"midstride_{name}", unit, labels, meaning, shows)


FLEET: Final = (
    _m(
        "published_timestamp_seconds",
        "seconds of Unix time",
        (),
        "when the supervisor last set these figures",
        "StatusReport.supervisor",
    ),
    _m(
        "market_timestamp_ms",
        "ms of market time",
        (),
        "what time the fleet has",
        "StatusReport.market_ms",
    ),
    _m(
        "next_decision_ms",
        "market ms",
        (),
        "until the fleet's next decision point",
        "StatusReport.next_due_ms",
    ),
    _m("slots_wanted", "slots", (), "slots that shall live"),
    _m(
        "alarms_latched", "alarms", ("severity",), "alarms that are not over", "StatusReport.alarms"
    ),
    _m(
        "alarms_undelivered",
        "messages",
        (),
        "messages of alarms that a webhook or command has not taken yet",
    ),
    _m(
        "trouble",
        "sentences",
        ("who",),
        "what gateway and market data say is wrong",
        "StatusReport.trouble",
    ),
    _m("release_slots", "slots", ("release",), "slots that run this release", "SlotView.release"),
    _m("disk_free_bytes", "bytes", (), "free for the storage"),
    _m("disk_warning_bytes", "bytes", (), "below so many the fleet warns"),
)
GATEWAY: Final = (
    _m(
        "actor_silence_ms",
        "ms",
        ("who",),
        "since gateway and market data last answered the supervisor",
        "StatusReport.market_data",
    ),
    _m("gateway_serving", "0 or 1", (), "1: orders can be sent", "GatewayView.phase"),
    _m(
        "trading_state",
        "0 or 1",
        ("state",),
        "1 for the state now: active, reducing or halted",
        "GatewayView.trading_state",
    ),
    _m(
        "heartbeat_gap_ms_max",
        "ms",
        (),
        "longest gap between two heartbeats since the gateway began; the venue cancels all orders "
        "after 10,000",
        "GatewayView.heartbeat_gap_ms_max",
    ),
    _m("heartbeat_age_ms", "ms", (), "since the venue last took a heartbeat"),
    _m("listed_age_ms", "ms", (), "since the venue last listed orders and trades"),
    _m("clock_skew_ms", "ms", (), "this machine's clock against the venue's"),
    _m("clock_skew_limit_ms", "ms", (), "more than so many is an alarm"),
    _m(
        "exposure_usd",
        "USD",
        _SLOT,
        "holdings at cost and open buys; the sum is the fleet's",
        "GatewayView.fleet_exposure_micro_usd",
    ),
    _m(
        "day_realized_usd",
        "USD",
        (),
        "profit and loss of markets settled today",
        "GatewayView.day_realized_micro_usd",
    ),
    _m("cash_usd", "USD", (), "the account's settled balance at the venue"),
    _m(
        "orders_ended_total",
        "orders",
        ("end",),
        "orders and refused intents of the whole record, by how they ended",
        "GatewayView.end_counts",
    ),
    _m("order_unknown_age_ms_max", "ms", (), "oldest order whose outcome is not known; 0: none"),
    _m("order_latency_ms_p99", "ms", (), "intent received to order posted, of the last orders"),
)
SLOTS: Final = (
    _m("slot_live", "0 or 1", _SLOT, "1: it answers and owns its seat"),
    _m("slot_state", "0 or 1", ("slot", "state"), "1 for the phase now", "SlotView.state"),
    _m(
        "slot_incarnation",
        "number",
        _SLOT,
        "incarnation that owns the seat",
        "SlotView.incarnation",
    ),
    _m("slot_fence", "number", _SLOT, "fence that it holds", "SlotView.fence"),
    _m("slot_memory_mb", "MB", _SLOT, "resident memory of its process"),
    _m(
        "decisions_total",
        "decisions",
        _SLOT,
        "journaled, of the whole record",
        "CountsView.decisions",
    ),
    _m(
        "missed_decisions_total",
        "decision points",
        _SLOT,
        "passed without a decision, of the whole record",
        "CountsView.missed",
    ),
    _m(
        "last_decision_age_ms",
        "market ms",
        _SLOT,
        "since the due time of the last decision",
        "LastDecisionView.due_ms",
    ),
    _m(
        "last_decision_lateness_ms",
        "ms",
        _SLOT,
        "of the last decision: from due to journaled",
        "LastDecisionView.journaled_ms",
    ),
    _m(
        "decision_lateness_ms_bucket",
        "decisions",
        ("le",),
        "decisions that the supervisor saw, by lateness, each bucket with those below it; for "
        "`histogram_quantile`",
    ),
    _m("open_orders", "orders", _SLOT, "orders that rest at the venue", "SlotView.open_orders"),
    _m("unanswered_intents", "intents", _SLOT, "sent to the gateway and not answered yet"),
    _m(
        "position_shares",
        "shares",
        ("slot", "outcome"),
        "held in markets that are not settled",
        "PositionView.up_shares",
        "PositionView.down_shares",
    ),
    _m(
        "position_cash_usd",
        "USD",
        _SLOT,
        "paid for and received from these markets",
        "PositionView.cash_micro_usd",
    ),
    _m(
        "realized_pnl_usd",
        "USD",
        _SLOT,
        "profit and loss of settled markets, of the whole record",
        "SlotView.realized_pnl_micro_usd",
    ),
    _m("regime", "0 or 1", ("slot", "regime"), "1 for the market regime now", "SlotView.regime"),
    _m("checkpoint_age_ms", "market ms", _SLOT, "since a new checkpoint of it was seen"),
    _m("checkpoint_behind_rows", "rows", _SLOT, "journaled since its last checkpoint"),
)
FEEDS: Final = (
    _m(
        "feed_age_ms",
        "market ms",
        ("feed",),
        "newest datum, of the asset where it is oldest",
        "FeedView.age_ms",
    ),
    _m("feed_limit_ms", "market ms", ("feed",), "older than this is stale", "FeedView.limit_ms"),
    _m("feed_fresh", "0 or 1", ("feed",), "0: stale, or it never came", "FeedView.fresh"),
)
AUDIT: Final = (
    _m(
        "daily_audit_overdue_ms",
        "market ms",
        (),
        "since the daily audit was due that is not made; 0: none is due",
    ),
)
ROLLOUT: Final = (
    _m("rollout_active", "0 or 1", (), "1 while a roll or a change of parameters is under way"),
    _m("rollout_progress_age_ms", "ms", (), "since a slot of the roll last changed its step"),
    _m("rollout_beat_age_ms", "ms", (), "since its driver renewed the lease of 20,000"),
)
WINNINGS: Final = (
    _m("claims", "markets", (), "winnings that are not cash yet", "Winnings.claims"),
    _m("claims_usd", "USD", (), "of them, in all", "Winnings.claims_micro_usd"),
    _m("redeemed_usd", "USD", (), "winnings that became cash", "Winnings.redeemed_micro_usd"),
)
SECTIONS: Final = {
    "Fleet": FLEET,
    "Gateway and account": GATEWAY,
    "Slots": SLOTS,
    "Feeds": FEEDS,
    "Rollout": ROLLOUT,
    "Daily audit (of a fleet on real time that makes it)": AUDIT,
    "Winnings (of a fleet that redeems)": WINNINGS,
}
METRICS: Final = {row.name: row for rows in SECTIONS.values() for row in rows}
