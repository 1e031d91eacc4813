"""For each alert: figures with which it fires, and figures with which it must not."""

from typing import Final, NamedTuple

OLD, NEW = 'WorkerId="a"', 'WorkerId="b"'
"""Two supervisor processes: Ray gives the figures of each a label of its own."""


class Case(NamedTuple):
    alert: str
    title: str
    series: dict[str, str]
    """In promtool's notation, a value each 10 s."""
    at: str
    fires: tuple[str, ...] = ()
    """Labels beside alertname, severity and state, e.g. ``slot="btc-5m"``."""


def one(name: str, labels: str, values: str) -> dict[str, str]:
    return {f"ray_midstride_{name}{{{labels}}}": values}


def missed(labels: str, values: str) -> dict[str, str]:
    return one("missed_decisions_total", f'slot="btc-5m",{labels}', values)


def buckets(within: str, in_all: str) -> dict[str, str]:
    """Return decisions within 150 ms and decisions in all; none took more than 2.5 s."""
    name = "decision_lateness_ms_bucket"
    return {
        **one(name, f'le="150",{OLD}', within),
        **one(name, f'le="1000",{OLD}', within),
        **one(name, f'le="2500",{OLD}', in_all),
        **one(name, f'le="+Inf",{OLD}', in_all),
    }


LIVE = one("slot_live", f'slot="btc-5m",{OLD}', "1x200")
ROLLS = one("rollout_active", OLD, "1x400")
LIMIT = one("clock_skew_limit_ms", OLD, "2000x40")
WATERMARK = one("disk_warning_bytes", OLD, "4000x40")
SLOT = ('slot="btc-5m"',)
CASES: Final = (
    Case("FleetSilent", "no figure at all", {}, "2m", ("",)),
    Case(
        "FleetSilent",
        "figures that are old",
        one("published_timestamp_seconds", OLD, "0x60"),
        "2m",
        ("",),
    ),
    Case(
        "FleetSilent",
        "told each 10 s",
        one("published_timestamp_seconds", OLD, "0+10x60"),
        "9m",
    ),
    Case(
        "FleetSilent",
        "another supervisor takes over within half a minute",
        {
            **one("published_timestamp_seconds", OLD, "0+10x6 _x60"),
            **one("published_timestamp_seconds", NEW, "_x8 90+10x60"),
        },
        "3m",
    ),
    Case(
        "TargetDown",
        "it does not answer for a minute",
        {'up{job="midstride",instance="a:1"}': "1x3 0x20"},
        "3m",
        ('instance="a:1",job="midstride"',),
    ),
    Case(
        "TargetDown",
        "one scrape failed",
        {'up{job="midstride",instance="a:1"}': "1x3 0 1x20"},
        "70s",
    ),
    Case("TargetDown", "another job's", {'up{job="node",instance="a:1"}': "0x40"}, "5m"),
    Case(
        "SlotDown",
        "for two minutes",
        one("slot_live", f'slot="btc-5m",{OLD}', "1x3 0x40"),
        "4m",
        SLOT,
    ),
    Case(
        "SlotDown",
        "a handoff's few seconds",
        one("slot_live", f'slot="btc-5m",{OLD}', "1x3 0 0 1x40"),
        "4m",
    ),
    Case(
        "SlotDown",
        "a new supervisor that has not seen it yet, beside the old one",
        {
            **one("slot_live", f'slot="btc-5m",{OLD}', "1x40"),
            **one("slot_live", f'slot="btc-5m",{NEW}', "_x3 0x40"),
        },
        "4m",
    ),
    Case("DecisionMissed", "the first one ever", missed(OLD, "0x10 1x60"), "3m", SLOT),
    Case("DecisionMissed", "one more than before", missed(OLD, "7x10 8x60"), "3m", SLOT),
    Case("DecisionMissed", "five minutes later", missed(OLD, "0x10 1x60"), "8m"),
    Case("DecisionMissed", "none", missed(OLD, "3x60"), "5m"),
    Case(
        "DecisionMissed",
        "across a change of the supervisor",
        {**missed(OLD, "3x10 _x60"), **missed(NEW, "_x12 4x60")},
        "3m",
        SLOT,
    ),
    Case(
        "DecisionMissed",
        "a new supervisor that tells the old count",
        {**missed(OLD, "3x10 _x60"), **missed(NEW, "_x12 3x60")},
        "3m",
    ),
    Case("DecisionMissed", "a fleet begun afresh", missed(OLD, "9x10 0x60"), "3m"),
    Case("LatenessP99", "all late", buckets("0x90", "0+1x90"), "10m", ("",)),
    Case("LatenessP99", "two in a hundred late", buckets("0+98x90", "0+100x90"), "10m", ("",)),
    Case("LatenessP99", "none late", buckets("0+100x90", "0+100x90"), "10m"),
    Case("LatenessP99", "no decision at all", buckets("7x90", "7x90"), "10m"),
    Case("HeartbeatGap", "none arrives", one("heartbeat_age_ms", OLD, "900 7000x9"), "1m", ("",)),
    Case(
        "HeartbeatGap",
        "a gap between two looks",
        {
            **one("heartbeat_age_ms", OLD, "900x20"),
            **one("heartbeat_gap_ms_max", OLD, "3000x5 6500x15"),
        },
        "2m",
        ("",),
    ),
    Case(
        "HeartbeatGap",
        "an old gap that the gateway still tells",
        {
            **one("heartbeat_age_ms", OLD, "900x60"),
            **one("heartbeat_gap_ms_max", OLD, "6500x60"),
        },
        "9m",
    ),
    Case(
        "FeedStale",
        "a minute",
        one("feed_fresh", f'feed="books",{OLD}', "0x20"),
        "90s",
        ('feed="books"',),
    ),
    Case("FeedStale", "a reconnect", one("feed_fresh", f'feed="books",{OLD}', "1 0 0 1x9"), "60s"),
    Case(
        "AlarmLatched",
        "a critical one",
        one("alarms_latched", f'severity="critical",{OLD}', "2x9"),
        "1m",
        ('severity="critical"',),
    ),
    Case(
        "AlarmLatched", "a notice", one("alarms_latched", f'severity="notice",{OLD}', "2x9"), "1m"
    ),
    Case("AlarmLatched", "none", one("alarms_latched", f'severity="critical",{OLD}', "0x9"), "1m"),
    Case(
        "AlarmNotDelivered", "for two minutes", one("alarms_undelivered", OLD, "3x30"), "4m", ("",)
    ),
    Case("AlarmNotDelivered", "a retry", one("alarms_undelivered", OLD, "0 3 3 0x30"), "4m"),
    Case(
        "OrderUnknown",
        "half a minute",
        one("order_unknown_age_ms_max", OLD, "31000x9"),
        "1m",
        ("",),
    ),
    Case("OrderUnknown", "a slow answer", one("order_unknown_age_ms_max", OLD, "5000x9"), "1m"),
    Case("ClockSkew", "ahead", {**LIMIT, **one("clock_skew_ms", OLD, "2500x20")}, "2m", ("",)),
    Case("ClockSkew", "behind", {**LIMIT, **one("clock_skew_ms", OLD, "-2500x20")}, "2m", ("",)),
    Case("ClockSkew", "within", {**LIMIT, **one("clock_skew_ms", OLD, "-1900x20")}, "2m"),
    Case("DiskLow", "below", {**WATERMARK, **one("disk_free_bytes", OLD, "3999x20")}, "2m", ("",)),
    Case("DiskLow", "above", {**WATERMARK, **one("disk_free_bytes", OLD, "4000x20")}, "2m"),
    Case(
        "CheckpointOld",
        "of a live slot",
        {**LIVE, **one("checkpoint_age_ms", f'slot="btc-5m",{OLD}', "900001x20")},
        "1m",
        SLOT,
    ),
    Case(
        "CheckpointOld",
        "three decisions without one is no more than that",
        {**LIVE, **one("checkpoint_age_ms", f'slot="btc-5m",{OLD}', "900000x20")},
        "1m",
    ),
    Case(
        "CheckpointOld",
        "of a slot that is down: SlotDown says it",
        {
            **one("slot_live", f'slot="btc-5m",{OLD}', "0x20"),
            **one("checkpoint_age_ms", f'slot="btc-5m",{OLD}', "900001x20"),
        },
        "1m",
    ),
    Case(
        "DailyAuditMissed",
        "overdue for more than six hours, half an hour long",
        one("daily_audit_overdue_ms", OLD, "21500000+10000x200"),
        "34m",
        ("",),
    ),
    Case(
        "DailyAuditMissed",
        "made within its six hours",
        one("daily_audit_overdue_ms", OLD, "18000000+10000x200 0x200"),
        "40m",
    ),
    Case(
        "DailyAuditMissed",
        "a fleet that was off for two days catches up",
        one("daily_audit_overdue_ms", OLD, "172800000+10000x120 0x200"),
        "31m",
    ),
    Case("DailyAuditMissed", "none is expected", {}, "40m"),
    Case(
        "RolloutStuck",
        "no step for a quarter of an hour",
        {**ROLLS, **one("rollout_progress_age_ms", OLD, "900001x20")},
        "1m",
        ("",),
    ),
    Case(
        "RolloutStuck", "it goes on", {**ROLLS, **one("rollout_progress_age_ms", OLD, "9x20")}, "1m"
    ),
    Case(
        "LeaseNotRenewed",
        "no sign of the driver",
        {**ROLLS, **one("rollout_beat_age_ms", OLD, "9000x20")},
        "1m",
        ("",),
    ),
    Case(
        "LeaseNotRenewed",
        "no roll",
        {**one("rollout_active", OLD, "0x20"), **one("rollout_beat_age_ms", OLD, "0x20")},
        "1m",
    ),
)
