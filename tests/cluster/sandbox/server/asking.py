"""Plain HTTP questions to a running server, with and without a key."""

import json
from time import time

import httpx
import msgspec

from cluster.sandbox.auth import Account, sign_request
from tests.cluster.sandbox.server.examples import UP
from tests.cluster.sandbox.server.running import WAIT_S, Running
from tests.cluster.sandbox.server.test_signing import signed, unsigned

CLIENT = httpx.Client(timeout=WAIT_S)
"""One for all: each new one would read the system's certificates."""


def get(server: Running, path: str, **query: object) -> httpx.Response:
    return CLIENT.get(f"http://127.0.0.1:{server.port}{path}", params=query)


def call(
    server: Running, account: Account, method: str, path: str, body: object = None, query: str = ""
) -> httpx.Response:
    content = b"" if body is None else json.dumps(body).encode()
    stamp = str(int(time()))
    message = f"{stamp}{method}{path}".encode() + content
    headers = {
        "POLY_ADDRESS": account.address,
        "POLY_API_KEY": account.api_key,
        "POLY_PASSPHRASE": account.passphrase,
        "POLY_TIMESTAMP": stamp,
        "POLY_SIGNATURE": sign_request(account.secret, message),
    }
    url = f"http://127.0.0.1:{server.port}/clob{path}{query}"
    return CLIENT.request(method, url, content=content, headers=headers)


def order_body(account: Account, **changes: object) -> dict[str, object]:
    order = signed(unsigned(token_id=UP, **changes))
    return {
        "order": msgspec.to_builtins(order),
        "owner": account.api_key,
        "orderType": "GTC",
        "deferExec": False,
    }
