"""Debian's Prometheus and Alertmanager as processes of a test's own, and a webhook that they reach.

Own ports on loopback, own folders; the files are those that `cluster.deploy` writes. So that a test
ends soon, figures are read each two seconds and rules evaluated each second, and the rules' waits
are shortened as the test says; the expressions stay.
"""

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import yaml
from msgspec.structs import replace

from cluster.deploy.files import Place, write_files
from cluster.local.state_folder import StateFolder
from tests.cluster.deploy.tools import tool
from tests.loopback_server import served

WAIT_SECONDS = 300.0
Shorten = Callable[[dict[str, Any]], None]
"""Changes one rule in place."""


class Receiver:
    """A webhook on loopback: what came, when, and what it answers."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 200
        self.firing: dict[str, float] = {}
        """Alert to the moment at which its first message came."""
        self.url = ""

    def take(self, body: bytes) -> int:
        if self.status != 200:
            return self.status
        found = json.loads(body)
        self.bodies.append(found)
        for alert in found.get("alerts", ()):
            if alert["status"] == "firing":
                self.firing.setdefault(alert["labels"]["alertname"], time.monotonic())
        return self.status


@contextmanager
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = found.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with served(Handler) as address:
        found.url = f"http://{address}/"
        yield found


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


class Outside:
    """A running Prometheus, and what it knows."""

    def __init__(self, address: str, messages: Receiver) -> None:
        self._url = f"http://{address}"
        self.messages = messages

    def ask(self, expr: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self._url}/api/v1/query", params={"query": expr}, timeout=30)
        assert answer.status_code == 200, (expr, answer.text)
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def names(self) -> set[str]:
        """Return the names of all series that are there now."""
        return {one["metric"]["__name__"] for one in self.ask('{__name__=~".+"}')}

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self._url}/-/ready", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


def wait(condition: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"no {what} in {seconds} s"
        time.sleep(0.1)


@contextmanager
def outside(
    folder: Path,
    state: StateFolder,
    shorten: Shorten,
    targets: Path | None = None,
) -> Iterator[Outside]:
    """Run both beside a fleet. `targets`: another list of ports than Ray's."""
    prometheus, alertmanager = tool("prometheus"), tool("prometheus-alertmanager")
    place = Place(
        state=state,
        folder=folder,
        webhook="",
        user="",
        alertmanager=free_address(),
        prometheus=free_address(),
    )
    with receiver() as messages:
        list(write_files(replace(place, webhook=messages.url)))
        _quicken(folder, shorten, targets)
        commands = (
            (
                prometheus,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address={place.prometheus}",
            ),
            (
                alertmanager,
                f"--config.file={folder}/alertmanager.yml",
                f"--storage.path={folder}/alerts",
                f"--web.listen-address={place.alertmanager}",
                "--cluster.listen-address=",
            ),
        )
        children = [_started(folder, command) for command in commands]
        try:
            found = Outside(place.prometheus, messages)
            wait(found.answers, "answer of Prometheus")
            yield found
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(60)


def _started(folder: Path, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _quicken(folder: Path, shorten: Shorten, targets: Path | None) -> None:
    config = folder / "prometheus.yml"
    text = re.sub(
        r"(evaluation_interval|refresh_interval): 10s",
        r"\1: 1s",
        config.read_text(encoding="utf-8").replace("scrape_interval: 10s", "scrape_interval: 2s"),
    )
    document = yaml.safe_load(text)
    if targets is not None:
        document["scrape_configs"][0]["file_sd_configs"][0]["files"] = [str(targets)]
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    manager = folder / "alertmanager.yml"
    text = manager.read_text(encoding="utf-8")
    text = text.replace("group_wait: 5s", "group_wait: 0s")
    text = text.replace("group_interval: 1m", "group_interval: 1s")
    manager.write_text(text.partition("inhibit_rules:")[0], encoding="utf-8")
    rules = folder / "alert_rules.yml"
    document = yaml.safe_load(rules.read_text(encoding="utf-8"))
    for rule in document["groups"][0]["rules"]:
        shorten(rule)
    rules.write_text(yaml.safe_dump(document), encoding="utf-8")


def sooner(rule: dict[str, Any]) -> None:
    """Let a rule fire as soon as its expression holds."""
    if "for" in rule:
        rule["for"] = "1s"
