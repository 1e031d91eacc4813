"""The bridge to apprise: a process of its own, from the fleet's and Alertmanager's messages."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from actors.supervisor.alarm_messages import raised
from checkpoints.alarms import Alarm
from checkpoints.severity import Severity
from cluster.daily_audit.announce import WELL
from cluster.deploy import alarm_bridge
from cluster.status.alarm_test import KIND
from tests.cluster.deploy.outside import Receiver, receiver, wait

APPRISE = '''"""A stand-in with apprise's two calls: each address gets a POST."""
import json
import urllib.request


class Apprise:
    def __init__(self):
        self.urls = []

    def add(self, url):
        self.urls.append(url)
        return url.startswith("json://")

    def notify(self, title, body):
        data = json.dumps({"title": title, "message": body}).encode()
        done = True
        for url in self.urls:
            asked = urllib.request.Request(url.replace("json", "http", 1), data=data)
            try:
                urllib.request.urlopen(asked, timeout=10).close()
            except OSError:
                done = False
        return done
'''
ALARM = Alarm(
    id="no_decision.btc-5m.1",
    kind="no_decision",
    subject="btc-5m",
    severity=Severity.CRITICAL,
    action="look at the slot",
    evidence={"due_ms": "7"},
    raised_wire_ms=1,
)
MANAGERS = json.dumps(
    {
        "status": "firing",
        "groupLabels": {"alertname": "FleetSilent"},
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "FleetSilent"},
                "annotations": {"summary": "silent", "runbook": "docs/runbook.md#FleetSilent"},
            }
        ],
    }
)


def message() -> bytes:
    return msgspec.json.encode(raised(ALARM))


@contextmanager
def bridge(folder: Path, *words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    child = subprocess.Popen(
        [sys.executable, alarm_bridge.__file__, "--port=0", *words],
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        yield f"http://{child.stdout.readline().split()[-1]}/", child
    finally:
        child.terminate()
        child.wait(60)
        child.stdout.close()


@contextmanager
def with_apprise(folder: Path) -> Iterator[tuple[str, Receiver]]:
    """Run the bridge with the stand-in of apprise and a loopback service behind it."""
    (folder / "apprise.py").write_text(APPRISE, encoding="utf-8")
    urls = folder / "urls"
    with receiver() as service:
        urls.write_text(f"# the phone\n{service.url.replace('http', 'json')}\n", encoding="utf-8")
        urls.chmod(0o600)
        with bridge(folder, f"--urls={urls}") as (url, _):
            yield url, service


def test_both_kinds_of_messages_reach_the_service(tmp_path: Path) -> None:
    with with_apprise(tmp_path) as (url, service):
        assert httpx.post(url, content=message()).status_code == 200
        assert httpx.post(url, content=MANAGERS).status_code == 200
    first, second = service.bodies
    assert first["title"] == "RAISED critical no_decision btc-5m"
    assert "look at the slot" in first["message"]
    assert "due_ms: 7" in first["message"]
    assert second["title"] == "FIRING FleetSilent"
    assert "docs/runbook.md#FleetSilent" in second["message"]


def test_a_message_that_is_no_alarm_has_a_title_that_alarms_nobody() -> None:
    assert {WELL, KIND} == alarm_bridge.MESSAGES
    for kind, title in ((WELL, "still well 2026-03-04"), (KIND, "test 2026-03-04")):
        alarm = replace(ALARM, kind=kind, subject="2026-03-04", severity=Severity.NOTICE)
        assert alarm_bridge.read(msgspec.json.encode(raised(alarm)))[1] == title
    notice = replace(ALARM, severity=Severity.NOTICE)
    _, title, _ = alarm_bridge.read(msgspec.json.encode(raised(notice)))
    assert title == "RAISED notice no_decision btc-5m"


def test_a_service_that_is_down_is_answered_502_and_reached_when_it_is_back(
    tmp_path: Path,
) -> None:
    with with_apprise(tmp_path) as (url, service):
        service.status = 500
        assert httpx.post(url, content=message()).status_code == 502
        service.status = 200
        assert httpx.post(url, content=message()).status_code == 200
        assert len(service.bodies) == 1


def test_a_repeat_of_a_message_is_taken_and_not_handed_on_again(tmp_path: Path) -> None:
    with with_apprise(tmp_path) as (url, service):
        for _ in range(3):
            assert httpx.post(url, content=message()).status_code == 200
        assert len(service.bodies) == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"{}", b'{"alerts": [1]}', b"\xff"])
def test_what_is_no_message_is_refused(tmp_path: Path, body: bytes) -> None:
    with bridge(tmp_path) as (url, _):
        assert httpx.post(url, content=body).status_code == 400


def test_a_body_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with bridge(tmp_path) as (url, _):
        asked = HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=60)
        asked.putrequest("POST", "/")
        asked.putheader("content-length", str(alarm_bridge.BODY_MAX + 1))
        asked.endheaders()
        assert asked.getresponse().status == 413
        asked.close()


def test_without_a_service_each_message_is_printed_as_plain_text(tmp_path: Path) -> None:
    alarm = raised(ALARM)
    import msgspec

    odd = msgspec.structs.replace(alarm, action="\x1b[2Jgone\u202e", key="other")
    with bridge(tmp_path) as (url, child):
        assert httpx.post(url, content=msgspec.json.encode(odd)).status_code == 200
        assert child.stdout is not None
        title, first = child.stdout.readline(), child.stdout.readline()
    assert title == "RAISED critical no_decision btc-5m\n"
    assert first == "  \\x1b[2Jgone\\u202e\n"


@pytest.mark.parametrize(
    ("mode", "text", "wrong"),
    [
        (0o644, "json://127.0.0.1:9/", "chmod 600"),
        (0o600, "", "holds no address"),
        (0o600, "nonsense", "address 1 is not one"),
    ],
)
def test_a_file_of_addresses_that_is_open_empty_or_wrong_is_refused_without_saying_them(
    tmp_path: Path, mode: int, text: str, wrong: str
) -> None:
    (tmp_path / "apprise.py").write_text(APPRISE, encoding="utf-8")
    urls = tmp_path / "urls"
    urls.write_text(text, encoding="utf-8")
    urls.chmod(mode)
    done = subprocess.run(
        [sys.executable, alarm_bridge.__file__, f"--urls={urls}", "--port=0"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert wrong in done.stderr
    assert "nonsense" not in done.stderr


def test_as_a_command_it_takes_one_message_on_stdin(tmp_path: Path) -> None:
    words = [sys.executable, alarm_bridge.__file__, "--stdin"]
    done = subprocess.run(words, input=message(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith(b"RAISED critical no_decision btc-5m\n")
    assert subprocess.run(words, input=b"{", timeout=60, check=False).returncode == 1
    del tmp_path


@pytest.mark.nemesis
def test_apprise_itself_hands_a_message_on(tmp_path: Path) -> None:
    """The real package, from the registry, in an environment of its own."""
    made = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(made)], check=True, timeout=300)
    python = str(made / "bin/python")
    subprocess.run([python, "-m", "pip", "install", "-q", "apprise"], check=True, timeout=300)
    urls = tmp_path / "urls"
    with receiver() as service:
        urls.write_text(service.url.replace("http", "json"), encoding="utf-8")
        urls.chmod(0o600)
        words = [python, alarm_bridge.__file__, f"--urls={urls}", "--stdin"]
        assert subprocess.run(words, input=message(), timeout=120, check=False).returncode == 0
        wait(lambda: bool(service.bodies), "message by apprise")
        assert service.bodies[0]["title"] == "RAISED critical no_decision btc-5m"
        service.status = 500
        assert subprocess.run(words, input=message(), timeout=120, check=False).returncode == 1
