"""The Grafana board, made from this table: `python -m cluster.deploy.dashboard` writes it."""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

FILE: Final = Path(__file__).with_name("grafana_dashboard.json")
SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
COLUMNS: Final = 24
"""Grafana's grid."""
HEIGHT: Final = 7


LATENESS: Final = "sum by (le) (increase(ray_midstride_decision_lateness_ms_bucket[15m]))"
FEED: Final = "ray_midstride_feed"
MISSED: Final = "ray_midstride_missed_decisions_total"
ENDED: Final = "ray_midstride_orders_ended_total"


class Panel(NamedTuple):
    title: str
    kind: str
    """``stat``, ``timeseries`` or ``state-timeline``."""
    unit: str
    width: int
    lines: tuple[tuple[str, str], ...]
    """Expression and legend."""


PANELS: Final = (
    Panel(
        "Since the fleet told its figures",
        "stat",
        "s",
        4,
        (("time() - max(ray_midstride_published_timestamp_seconds)", "age"),),
    ),
    Panel(
        "Trading",
        "stat",
        "short",
        4,
        (("max by (state) (ray_midstride_trading_state) == 1", "{{state}}"),),
    ),
    Panel(
        "Slots live",
        "stat",
        "short",
        4,
        (("sum(max by (slot) (ray_midstride_slot_live))", "live"),),
    ),
    Panel(
        "Alarms that are not over",
        "stat",
        "short",
        4,
        (("max by (severity) (ray_midstride_alarms_latched)", "{{severity}}"),),
    ),
    Panel(
        "Today's profit and loss",
        "stat",
        "currencyUSD",
        4,
        (("max(ray_midstride_day_realized_usd)", "today"),),
    ),
    Panel(
        "At stake",
        "stat",
        "currencyUSD",
        4,
        (("sum(max by (slot) (ray_midstride_exposure_usd))", "exposure"),),
    ),
    Panel(
        "Slots on each release",
        "timeseries",
        "short",
        12,
        (("max by (release) (ray_midstride_release_slots) > 0", "{{release}}"),),
    ),
    Panel(
        "Slots",
        "state-timeline",
        "short",
        12,
        (("max by (slot) (ray_midstride_slot_live)", "{{slot}}"),),
    ),
    Panel(
        "Lateness of decisions",
        "timeseries",
        "ms",
        12,
        (
            (
                f"histogram_quantile(0.5, {LATENESS})",
                "p50",
            ),
            (
                f"histogram_quantile(0.99, {LATENESS})",
                "p99",
            ),
        ),
    ),
    Panel(
        "Missed decisions, last hour",
        "timeseries",
        "short",
        12,
        (
            (
                f"max by (slot) ({MISSED}) - min by (slot) (min_over_time({MISSED}[1h]))",
                "{{slot}}",
            ),
        ),
    ),
    Panel(
        "Profit and loss of settled markets",
        "timeseries",
        "currencyUSD",
        12,
        (("max by (slot) (ray_midstride_realized_pnl_usd)", "{{slot}}"),),
    ),
    Panel(
        "Orders by end, last hour",
        "timeseries",
        "short",
        12,
        (
            (
                f"max by (end) ({ENDED}) - min by (end) (min_over_time({ENDED}[1h]))",
                "{{end}}",
            ),
        ),
    ),
    Panel(
        "Heartbeats to the venue",
        "timeseries",
        "ms",
        8,
        (
            ("max(ray_midstride_heartbeat_age_ms)", "age"),
            ("max(ray_midstride_heartbeat_gap_ms_max)", "longest gap"),
        ),
    ),
    Panel(
        "Feeds: age of their limit",
        "timeseries",
        "percentunit",
        8,
        (
            (
                f"max by (feed) ({FEED}_age_ms) / max by (feed) ({FEED}_limit_ms)",
                "{{feed}}",
            ),
        ),
    ),
    Panel(
        "Clock against the venue",
        "timeseries",
        "ms",
        8,
        (
            ("max(ray_midstride_clock_skew_ms)", "skew"),
            ("max(ray_midstride_clock_skew_limit_ms)", "limit"),
        ),
    ),
    Panel(
        "Free for the storage",
        "timeseries",
        "bytes",
        8,
        (("min(ray_midstride_disk_free_bytes)", "free"),),
    ),
    Panel(
        "Memory of slots",
        "timeseries",
        "decmbytes",
        8,
        (("max by (slot) (ray_midstride_slot_memory_mb)", "{{slot}}"),),
    ),
    Panel("Processor", "timeseries", "percent", 8, (("max(ray_node_cpu_utilization)", "machine"),)),
)


def dashboard() -> dict[str, Any]:
    return {
        "uid": "midstride",
        "title": "midstride",
        "tags": ["midstride"],
        "schemaVersion": 38,
        "version": 1,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc",
        "templating": {
            "list": [
                {
                    "name": "source",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                }
            ]
        },
        "panels": _placed(),
    }


def _placed() -> list[dict[str, Any]]:
    """Put the panels in rows from left to right."""
    found: list[dict[str, Any]] = []
    x = y = 0
    for number, panel in enumerate(PANELS, 1):
        if x + panel.width > COLUMNS:
            x, y = 0, y + HEIGHT
        found.append(_panel(number, panel, x, y))
        x += panel.width
    return found


def _panel(number: int, panel: Panel, x: int, y: int) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + index), "expr": expr, "legendFormat": legend, "datasource": SOURCE}
        for index, (expr, legend) in enumerate(panel.lines)
    ]
    return {
        "id": number,
        "title": panel.title,
        "type": panel.kind,
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "options": {"textMode": "value_and_name"} if panel.kind == "stat" else {},
        "targets": targets,
    }


def text() -> str:
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
