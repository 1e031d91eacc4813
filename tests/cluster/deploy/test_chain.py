"""From a figure to a message, in seconds: real Prometheus and Alertmanager, a fleet of paper.

The figures are those that a supervisor's state gives, told by a server of the test instead of Ray.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from actors.metrics.table import METRICS
from actors.slot.state import Counts
from cluster.local.state_folder import StateFolder
from tests.actors.metrics.fleets import slot_says, told, whole_fleet
from tests.cluster.deploy.outside import outside, sooner, wait
from tests.loopback_server import served


class Exporter:
    """Figures in Prometheus' format."""

    def __init__(self) -> None:
        self.watch = whole_fleet()
        self.address = ""
        self.gone = False

    def body(self) -> str:
        lines = []
        for name, values in told(self.watch, unix_seconds=time.time()).items():
            row = METRICS[f"midstride_{name}"]
            for labels, value in values.items():
                pairs = zip(row.labels, labels, strict=True)
                inside = ",".join(f'{label}="{text}"' for label, text in pairs)
                lines.append(f"{row.exported}{{{inside}}} {value}")
        return "\n".join(lines) + "\n"


@contextmanager
def exporter() -> Iterator[Exporter]:
    found = Exporter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = found.body().encode()
            self.send_response(503 if found.gone else 200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with served(Handler) as found.address:
        yield found


def test_a_missed_decision_and_a_silent_fleet_reach_a_webhook(tmp_path: Path) -> None:
    targets = tmp_path / "targets.json"
    with exporter() as fleet:
        targets.write_text(json.dumps([{"labels": {"job": "ray"}, "targets": [fleet.address]}]))
        state = StateFolder(tmp_path / "state")
        with outside(tmp_path / "out", state, sooner, targets) as seen:
            firing = seen.messages.firing
            wait(lambda: "ray_midstride_missed_decisions_total" in seen.names(), "figures")
            assert seen.ask("up{job='midstride'}"), "Ray's own name of the job is replaced"
            assert "DecisionMissed" not in firing
            slot_says(fleet.watch, counts=Counts(missed=1))
            wait(lambda: "DecisionMissed" in firing, "message of the missed decision")
            assert "FleetSilent" not in firing
            fleet.gone = True
            wait(lambda: "FleetSilent" in firing, "message of the silence")
            notes = [
                alert["annotations"]["runbook"]
                for body in seen.messages.bodies
                for alert in body["alerts"]
            ]
            assert "docs/runbook.md#DecisionMissed" in notes
