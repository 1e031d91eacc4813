"""A scripted HTTP server on loopback, for answers that no healthy exchange gives.

Each route answers what the test put there; every request is kept.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from actors.config import Venue
from tests.loopback_server import served

CONDITION = "0x" + "ab" * 32
UP_TOKEN = str(int("7f" * 32, 16))
DOWN_TOKEN = str(int("6e" * 32, 16))
PRIVATE_KEY = "0x" + "11" * 32
"""A key of nobody's, for tests only."""


@dataclass
class Answer:
    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    """Close the connection without an answer."""


@dataclass
class Request:
    method: str
    path: str
    body: Any


class Loopback:
    """Routes are keyed by method and path without query; unknown ones answer 404."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.routes: dict[tuple[str, str], Answer] = {
            ("POST", "/auth/api-key"): Answer(
                {"apiKey": "key-1", "secret": "c2VjcmV0c2VjcmV0", "passphrase": "pass"}
            ),
            ("GET", "/deployed"): Answer({"deployed": True}),
            ("GET", f"/markets-by-token/{UP_TOKEN}"): Answer(
                {
                    "condition_id": CONDITION,
                    "primary_token_id": UP_TOKEN,
                    "secondary_token_id": DOWN_TOKEN,
                }
            ),
            ("GET", f"/clob-markets/{CONDITION}"): Answer(
                {
                    "t": [{"t": UP_TOKEN, "o": "Up"}, {"t": DOWN_TOKEN, "o": "Down"}],
                    "mos": 5,
                    "mts": 0.01,
                    "nr": False,
                    "fd": {"r": 0.07, "e": 1, "to": True},
                }
            ),
        }
        self.url = ""

    def answer(self, method: str, path: str, answer: Answer) -> None:
        self.routes[method, path] = answer

    def asked(self, method: str, path: str) -> list[Request]:
        return [r for r in self.requests if (r.method, r.path) == (method, path)]

    def venue(self) -> Venue:
        socket = self.url.replace("http", "ws", 1)
        return Venue(
            clob_url=self.url,
            gamma_url=self.url,
            data_url=self.url,
            relayer_url=self.url,
            market_ws_url=socket,
            user_ws_url=socket,
            prices_ws_url=socket,
            binance_url=self.url,
            private_key_env="MIDSTRIDE_TEST_KEY",
        )


def _handler(loopback: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            path = self.path.partition("?")[0]
            length = int(self.headers.get("Content-Length", 0))
            raw = self.rfile.read(length)
            loopback.requests.append(Request(self.command, path, json.loads(raw) if raw else None))
            answer = loopback.routes.get((self.command, path), Answer({"error": "no"}, 404))
            if answer.hang_up:
                self.close_connection = True
                return
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            data = text.encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            kind = "text/html" if text.startswith("<") else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = respond  # noqa: N815 the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler


@contextmanager
def loopback() -> Iterator[Loopback]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    state = Loopback()
    with served(_handler(state)) as address:
        state.url = f"http://{address}"
        yield state
