"""Each alert by a real fault on a real fleet, to a webhook, by Debian's Prometheus; minutes.

What is other than in production: Ray reports and Prometheus reads each 2 s and evaluates each 1 s,
a rule fires as soon as its expression holds, silence counts from 10 s, a stuck roll from 6 s.
The disk's watermark stands 1 GB below what is free, the fault is a file of 2 GB.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from actors.metrics.table import AUDIT, METRICS, WINNINGS
from actors.rollout.record import Active, read_active
from actors.runtime import wire_ms
from checkpoints.alarms import AlarmStore
from checkpoints.process_id import ProcessId, life_alive
from cluster.deploy.files import RAY_KEPT
from cluster.local.sandbox_process import read_ready
from tests.cluster.deploy.outside import Outside, Receiver, outside, receiver, sooner, wait
from tests.cluster.deploy.test_alert_rules import alerts
from tests.rolling_update.fleet import Fleet, running_fleet
from tests.rolling_update.trees import copy_tree

pytestmark = [pytest.mark.nemesis, pytest.mark.ray, pytest.mark.timeout(3000)]
SLOTS = ("btc-5m", "eth-5m", "sol-15m", "xrp-5m")
NAMES = re.compile(r"\bray_midstride_\w+")
ALERT_SECONDS = 150.0
CALM_SECONDS = 60.0
SPARE_BYTES = 1_000_000_000
FILE_BYTES = 2_000_000_000
ELSEWHERE = frozenset({"DailyAuditMissed"})
"""Of a fleet on real time only, after hours: tests/actors/metrics/test_audit_due.py, promtool."""


def shorten(rule: dict[str, Any]) -> None:
    sooner(rule)
    expr = rule["expr"]
    if rule["alert"] == "FleetSilent":
        rule["expr"] = expr.replace("> 60", "> 10")
    if rule["alert"] == "RolloutStuck":
        rule["expr"] = expr.replace("> 900000", "> 6000")


def prepared(url: str) -> Callable[[Path], None]:
    """Let Ray report each two seconds, set the watermark, and send alarms to a webhook."""

    def prepare(tree: Path) -> None:
        head = tree / "cluster/local/head.py"
        text = head.read_text(encoding="utf-8")
        more = '        "RAY_metrics_report_interval_ms": "2000",\n        **LOG_SIZE,\n'
        head.write_text(text.replace("        **LOG_SIZE,\n", more), encoding="utf-8")
        days = tree / "checkpoints/journal_days.py"
        text = days.read_text(encoding="utf-8")
        usage = os.statvfs(tree)
        mark = usage.f_bavail * usage.f_frsize - SPARE_BYTES
        days.write_text(text.replace("4 * 1024**3", str(mark)), encoding="utf-8")
        config = tree / "cluster/configs/sandbox.toml"
        text = config.read_text(encoding="utf-8")
        config.write_text(f'{text}\n[alarms]\nwebhook_url = "{url}"\n', encoding="utf-8")

    return prepare


class Faults:
    """Makes one fault at a time and waits for its alert."""

    def __init__(self, fleet: Fleet, seen: Outside, sink: Receiver) -> None:
        self.fleet, self.seen, self.sink = fleet, seen, sink
        self.admin = read_ready(fleet.state.sandbox_ready).urls["admin_url"]
        self.seconds: dict[str, str] = {}

    def await_alerts(self, what: str, *names: str) -> None:
        began = time.monotonic()
        firing = self.seen.messages.firing
        for name in names:
            early = name in firing
            wait(lambda name=name: name in firing, f"alert {name} by {what}", ALERT_SECONDS)  # type: ignore[misc]
            after = "before it" if early else f"{firing[name] - began:.1f} s"
            self.seconds[name] = f"{after:>9}  {what}"
            print(f"{name:<18} {self.seconds[name]}", flush=True)

    def calm(self, *names: str) -> None:
        """Forget what fired before its fault, on a busy machine; what still fires stays."""
        deadline = time.monotonic() + CALM_SECONDS
        for name in names:
            expr = f'ALERTS{{alertname="{name}",alertstate="firing"}}'
            while self.seen.ask(expr) and time.monotonic() < deadline:
                time.sleep(0.1)
            if not self.seen.ask(expr):
                self.seen.messages.firing.pop(name, None)

    @contextmanager
    def at_venue(self, kind: str, route: str = "*", **fields: Any) -> Iterator[None]:
        fault = {"kind": kind, "route": route, **fields}
        answer = httpx.post(f"{self.admin}/faults", json=fault, timeout=10)
        assert answer.is_success, answer.text
        try:
            yield
        finally:
            httpx.delete(f"{self.admin}/faults", timeout=10)

    def struck(self) -> bool:
        """Say whether a fault of the venue has hit."""
        found = httpx.get(f"{self.admin}/faults", timeout=10).json()
        return any(one["hits"] for one in found)

    def stopped(self, life: str) -> "Stopped":
        return Stopped(int(life.partition("-")[0]))

    def live(self) -> bool:
        return [one["value"][1] for one in self.seen.ask("sum(ray_midstride_slot_live)")] == ["4"]


class Stopped:
    """A process that stands still for the time of a block."""

    def __init__(self, pid: int) -> None:
        self._process = ProcessId.of(pid)

    def __enter__(self) -> None:
        self._process.signal(signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        self._process.signal(signal.SIGCONT)


def test_each_alert_is_made_to_fire_by_a_real_fault(tmp_path: Path) -> None:
    with (
        receiver() as sink,
        running_fleet(tmp_path, SLOTS, prepare=prepared(sink.url)) as fleet,
        outside(tmp_path / "out", fleet.state, shorten) as seen,
    ):
        faults = Faults(fleet, seen, sink)
        wait(faults.live, "live slots in Prometheus")
        fleet.await_decisions(2)
        check_live(seen)
        failed = [wrong for group in GROUPS if (wrong := tried(group, faults))]
        assert failed == [], faults.seconds
        assert set(alerts()) - ELSEWHERE == set(faults.seconds), "each has its own fault"
        assert any(body.get("status") == "resolved" for body in sink.bodies)


def tried(group: Callable[[Faults], None], faults: Faults) -> str:
    """Make the faults of one group; say what was wrong, and let the next ones go on."""
    try:
        group(faults)
    except AssertionError as error:
        print(f"FAILED {error}", flush=True)
        return str(error)
    return ""


def check_live(seen: Outside) -> None:
    """Find each metric of the table, each of Ray's that are kept, and each rule's, in a scrape."""
    wanted = {row.exported for row in METRICS.values() if row not in (*WINNINGS, *AUDIT)}
    wanted |= set(RAY_KEPT)
    wait(lambda: wanted <= seen.names(), f"names {sorted(wanted - seen.names())}")
    for name, rule in alerts().items():
        seen.ask(rule["expr"])
        assert name in ELSEWHERE or set(NAMES.findall(rule["expr"])) <= wanted, name
    others = {name for name in seen.names() if name.startswith("ray_")} - wanted
    assert not others, "series that nobody asked for"


def venue_faults(faults: Faults) -> None:
    faults.calm("FeedStale", "ClockSkew", "OrderUnknown")
    with faults.at_venue("drop_request", "*/binance/*"):
        faults.await_alerts("candles, funding, open interest are silent", "FeedStale")
    with faults.at_venue("clock_skew", delay_ms=6_000):
        faults.await_alerts("the venue's clock is 6 s ahead", "ClockSkew")
    faults.calm("HeartbeatGap")
    with faults.at_venue("drop_request", "POST /clob/v1/heartbeats"):
        faults.await_alerts("no heartbeat arrives", "HeartbeatGap")
    with faults.at_venue("drop_request", "POST /clob/order*"):
        wait(faults.struck, "order that is posted", ALERT_SECONDS)
        with faults.at_venue("drop_request", "GET /clob/data/*"):
            faults.await_alerts("orders are posted and nobody answers", "OrderUnknown")


def slot_faults(faults: Faults) -> None:
    fleet = faults.fleet
    faults.calm("SlotDown", "AlarmNotDelivered", "DecisionMissed")
    faults.sink.status = 500
    try:
        with faults.stopped(fleet.owner("btc-5m").life):
            faults.await_alerts("a slot's process is stopped", "SlotDown", "AlarmLatched")
        faults.await_alerts("the alarms' webhook answers 500", "AlarmNotDelivered")
    finally:
        faults.sink.status = 200
    fleet.wait(faults.live, "live slots")
    again_and_again(faults, "btc-5m", "DecisionMissed", 60.0)
    faults.await_alerts("a slot is stopped whenever it is back", "DecisionMissed")
    fleet.wait(faults.live, "live slots")
    again_and_again(faults, "eth-5m", "LatenessP99", 3.0)
    faults.await_alerts("a slot's process stands still for 3 s at a time", "LatenessP99")


def again_and_again(faults: Faults, slot: str, alert: str, seconds: float) -> None:
    """Stop the slot's process for so long, or until it was ended, until the alert fires."""
    deadline = time.monotonic() + ALERT_SECONDS
    while alert not in faults.seen.messages.firing and time.monotonic() < deadline:
        life = faults.fleet.owner(slot).life
        until = time.monotonic() + seconds
        with faults.stopped(life):
            while time.monotonic() < until and life_alive(life):
                time.sleep(0.1)
        time.sleep(0.5)


def disk_faults(faults: Faults) -> None:
    file = faults.fleet.state.root / "large"
    with file.open("wb") as opened:
        os.posix_fallocate(opened.fileno(), 0, FILE_BYTES)
    try:
        faults.await_alerts("a file of 2 GB", "DiskLow")
    finally:
        file.unlink()
    folder = faults.fleet.state.storage / "checkpoints" / "xrp-5m"
    aside = folder.with_name("xrp-5m.aside")
    folder.rename(aside)
    folder.write_bytes(b"no folder")
    try:
        faults.await_alerts("no checkpoint can be written", "CheckpointOld")
    finally:
        folder.unlink()
        aside.rename(folder)
    faults.fleet.wait(faults.live, "live slots")


def roll_faults(faults: Faults) -> None:
    fleet = faults.fleet
    changed = copy_tree(fleet.folder / "changed")
    prepared(faults.sink.url)(changed)
    file = changed / "signals/factors/volume.py"
    file.write_text(file.read_text(encoding="utf-8") + "\n# another release\n", encoding="utf-8")
    driver, active = begun(fleet, changed)
    with faults.stopped(active.driver):
        faults.await_alerts("the driver of a roll is stopped", "RolloutStuck", "LeaseNotRenewed")
    driver.communicate(timeout=300)
    fleet.await_no_roll()


def begun(fleet: Fleet, tree: Path) -> tuple[subprocess.Popen[str], Active]:
    """Start a roll; one that is refused for an alarm of a fault before is started again."""
    said = ""
    for _ in range(5):
        clear_alarms(fleet)
        driver = fleet.start_command("rolling-update", "apply", tree=tree)
        while driver.poll() is None:
            active = read_active(fleet.storage)
            if active is not None:
                return driver, active
            time.sleep(0.05)
        said, _ = driver.communicate()
    raise AssertionError(said)


def clear_alarms(fleet: Fleet) -> None:
    store = AlarmStore(fleet.storage)
    for state in store.latched():
        store.clear(state.alarm.id, "seen by the test", "test", int(wire_ms()))


def head_faults(faults: Faults) -> None:
    head = faults.fleet.state.read_run().head
    assert head is not None
    faults.calm("TargetDown", "FleetSilent")
    head.signal(signal.SIGKILL)
    faults.await_alerts("Ray's head is killed", "TargetDown", "FleetSilent")
    faults.fleet.wait(faults.live, "fleet that the watcher brought back")


GROUPS = (venue_faults, slot_faults, disk_faults, roll_faults, head_faults)
