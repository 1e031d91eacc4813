"""Each alert fires when it should and not otherwise, by promtool; each has its runbook section."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from actors.metrics.table import METRICS
from cluster import deploy
from tests.cluster.deploy.rule_cases import CASES, Case
from tests.cluster.deploy.tools import run
from tests.tidy.test_runbook import TEXT as RUNBOOK

RULES = Path(deploy.__file__).with_name("alert_rules.yml")
NAMES = re.compile(r"\bray_\w+")
ASKED = frozenset(
    {
        "DecisionMissed",
        "FleetSilent",
        "TargetDown",
        "SlotDown",
        "HeartbeatGap",
        "LatenessP99",
        "FeedStale",
        "AlarmLatched",
        "AlarmNotDelivered",
        "OrderUnknown",
        "DiskLow",
        "CheckpointOld",
        "DailyAuditMissed",
        "RolloutStuck",
        "ClockSkew",
        "LeaseNotRenewed",
    }
)


def alerts() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return {rule["alert"]: rule for group in document["groups"] for rule in group["rules"]}


def test_the_alerts_are_these_and_each_has_a_case_that_fires_and_one_that_does_not() -> None:
    assert set(alerts()) == ASKED
    for alert in ASKED:
        fires = {bool(case.fires) for case in CASES if case.alert == alert}
        assert fires == {True, False}, alert


def expected(case: Case) -> list[dict[str, object]]:
    severity = alerts()[case.alert].get("labels", {}).get("severity", "")
    found = []
    for labels in case.fires:
        own = f',severity="{severity}"' if severity else ""
        more = f",{labels}" if labels else ""
        name = f'ALERTS{{alertname="{case.alert}",alertstate="firing"{own}{more}}}'
        found.append({"labels": name, "value": 1})
    return found


def as_test(case: Case) -> dict[str, object]:
    expr = f'ALERTS{{alertname="{case.alert}",alertstate="firing"}}'
    return {
        "interval": "10s",
        "name": f"{case.alert}: {case.title}",
        "input_series": [{"series": k, "values": v} for k, v in case.series.items()],
        "promql_expr_test": [
            {"expr": expr, "eval_time": case.at, "exp_samples": expected(case)},
        ],
    }


def write(folder: Path, cases: tuple[Case, ...]) -> Path:
    file = folder / "tests.yml"
    document = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "10s",
        "tests": [as_test(case) for case in cases],
    }
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file


def test_promtool_finds_each_alert_firing_when_it_should_and_not_otherwise(tmp_path: Path) -> None:
    assert "SUCCESS" in run("promtool", "test", "rules", str(write(tmp_path, CASES)))


def test_promtool_sees_a_case_that_is_wrong(tmp_path: Path) -> None:
    wrong = CASES[0]._replace(fires=())
    with pytest.raises(AssertionError, match="FAILED"):
        run("promtool", "test", "rules", str(write(tmp_path, (wrong,))))


def test_promtool_takes_the_rules() -> None:
    assert f"{len(ASKED)} rules found" in run("promtool", "check", "rules", str(RULES))


def test_the_rules_name_only_metrics_of_the_table() -> None:
    known = {row.exported for row in METRICS.values()}
    for name, rule in alerts().items():
        used = set(NAMES.findall(rule["expr"]))
        assert used <= known, (name, used - known)


def test_each_alert_names_its_section_of_the_runbook_and_the_section_is_whole() -> None:
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{name}"
        _, mark, after = RUNBOOK.partition(f'<a id="{name}"></a>\n**{name}**')
        assert mark, f"docs/runbook.md has no section {name}"
        section = after.partition("<a id=")[0]
        for part in ("* What it means: ", "* First: ", "* Not: "):
            assert part in section, (name, part)


def test_the_runbook_has_no_section_of_an_alert_that_is_gone() -> None:
    part = RUNBOOK.partition("## Alerts of Prometheus")[2]
    assert set(re.findall(r'<a id="(\w+)"></a>', part)) == set(alerts())
