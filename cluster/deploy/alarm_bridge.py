"""Alarms to a phone: takes the fleet's and Alertmanager's messages and hands them to apprise.

A process of its own, with the standard library and, for ``--urls``, the package apprise in an
environment of its own (``python3 -m venv ~/alarms && ~/alarms/bin/pip install apprise``)::

    ~/alarms/bin/python alarm_bridge.py --urls ~/alarms/urls     # one address a line, mode 0600
    python3 alarm_bridge.py                                      # without: prints each message

In the fleet's configuration: ``[alarms] webhook_url = "http://127.0.0.1:9095/"``. Alertmanager's
webhook is the same address. A message is answered 200 once it was handed on and 502 otherwise: both
senders then come again. ``--stdin`` takes one message and ends, for ``[alarms] command``.
"""

import argparse
import importlib
import json
import os
import stat
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BODY_MAX = 1_000_000
"""Bytes of one message."""
KEYS_KEPT = 1_000
"""Messages of which a repeat is known."""
TEXT_MAX = 2_000
"""Characters: what a phone shows."""
READ_SECONDS = 10.0
MESSAGES = frozenset({"still_well", "test"})
"""Kinds that have the shape of an alarm and are none: nothing is wrong and nothing will end."""

Hand = Callable[[str, str], bool]
"""Hands on a title and a text; False where it was not taken."""


def read(body: bytes) -> tuple[str, str, str]:
    """Return key, title and text of a message of the fleet or of Alertmanager."""
    found = json.loads(body)
    if not isinstance(found, dict):
        raise TypeError("a message is a JSON object")
    if isinstance(found.get("alerts"), list):
        return of_alertmanager(found)
    status = str(found.get("status", "raised")).upper()
    title = f"{status} {found['severity']} {found['kind']} {found['subject']}"
    if found["kind"] in MESSAGES:
        title = f"{found['kind'].replace('_', ' ')} {found['subject']}"
    lines = [str(found.get("action", ""))]
    lines += [f"{name}: {value}" for name, value in dict(found.get("evidence") or {}).items()]
    lines += [f"over: {found['reason']}"] if found.get("reason") else []
    key = str(found.get("key") or f"{found.get('id')}/{status}")
    return key, title, "\n".join(lines)[:TEXT_MAX]


def of_alertmanager(found: dict[str, Any]) -> tuple[str, str, str]:
    lines = []
    for alert in found["alerts"]:
        notes = dict(alert.get("annotations") or {})
        lines.append(
            f"{alert.get('status')}: {notes.get('summary', '')} ({notes.get('runbook', '')})"
        )
    name = dict(found.get("groupLabels") or {}).get("alertname", "alert")
    return "", f"{str(found.get('status')).upper()} {name}", "\n".join(lines)[:TEXT_MAX]


class Bridge:
    """Hands on each message once; one that was not taken may come again."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._taken: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, body: bytes) -> int:
        try:
            key, title, text = read(body)
        except (ValueError, KeyError, TypeError, AttributeError):
            return 400
        with self._lock:  # one at a time: a repeat waits for the first
            if key and key in self._taken:
                return 200
            if not self._hand(title, text):
                return 502
            if key:
                self._taken[key] = None
                while len(self._taken) > KEYS_KEPT:
                    self._taken.popitem(last=False)
        return 200


def apprise_hand(file: Path) -> Hand:
    """Read the addresses, which are secrets, from a file of this user alone."""
    with file.open("rb") as opened:
        kept = os.fstat(opened.fileno())
        if kept.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SystemExit(f"{file} must be yours alone: chmod 600 {file}")
        lines = opened.read().decode().splitlines()
    urls = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    services: Any = importlib.import_module("apprise").Apprise()
    for number, url in enumerate(urls, 1):
        if not services.add(url):
            raise SystemExit(f"{file}: address {number} is not one that apprise knows")
    if not urls:
        raise SystemExit(f"{file} holds no address")
    return lambda title, text: bool(services.notify(title=title, body=text))


def printing_hand(title: str, text: str) -> bool:
    shown = f"{title}\n{text}".encode("unicode_escape").decode().replace("\\n", "\n  ")
    sys.stdout.write(f"{shown}\n")
    sys.stdout.flush()
    return True


def handler(bridge: Bridge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = READ_SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not length.isdigit() or int(length) > BODY_MAX:
                self.close_connection = True
                self._answer(413)
                return
            self._answer(bridge.answer(self.rfile.read(int(length))))

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing: a request line may hold what is nobody's business."""

    return Handler


def main() -> int:
    parser = argparse.ArgumentParser(description="Hand alarms on to apprise, or print them.")
    parser.add_argument("--urls", type=Path, help="file with apprise addresses, mode 0600")
    parser.add_argument("--port", type=int, default=9095, help="on 127.0.0.1 [default: 9095]")
    parser.add_argument("--stdin", action="store_true", help="take one message and end")
    asked = parser.parse_args()
    bridge = Bridge(apprise_hand(asked.urls) if asked.urls else printing_hand)
    if asked.stdin:
        return 0 if bridge.answer(sys.stdin.buffer.read(BODY_MAX)) == 200 else 1  # noqa: PLR2004
    server = ThreadingHTTPServer(("127.0.0.1", asked.port), handler(bridge))
    sys.stdout.write(f"listening on 127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
