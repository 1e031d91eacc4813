"""Hostile clients of a sandbox process: raw bytes, wrong requests and wrong frames."""

import json
import socket
from pathlib import Path
from time import time

import httpx
from eth_account import Account as Key

from cluster.sandbox.auth import Account, sign_request
from cluster.sandbox.server.serving import Ready
from tests.cluster.sandbox.server.running import WAIT_S
from tests.cluster.sandbox.server.test_auth import signed_login

CLIENT = httpx.Client(timeout=WAIT_S)
SIGNER = Key.from_key("0x" + "33" * 32)


class Attacker:
    """One account at the sandbox, and no manners."""

    def __init__(self, ready: Ready, folder: Path) -> None:
        self.ready = ready
        self.base = f"http://127.0.0.1:{ready.port}"
        self._log = folder / "log.txt"
        self.account = self._login()

    def _login(self) -> Account:
        headers = signed_login(SIGNER, str(int(time())))
        made = CLIENT.post(f"{self.ready.urls.clob_url}/auth/api-key", headers=headers)
        assert made.status_code == 200, made.text
        said = made.json()
        return Account(
            address=SIGNER.address.lower(),
            nonce=0,
            api_key=said["apiKey"],
            secret=said["secret"],
            passphrase=said["passphrase"],
        )

    @property
    def auth(self) -> dict[str, str]:
        account = self.account
        return {
            "apiKey": account.api_key,
            "secret": account.secret,
            "passphrase": account.passphrase,
        }

    def headers(self, method: str, path: str, body: bytes) -> dict[str, str]:
        stamp = str(int(time()))
        message = f"{stamp}{method}{path}".encode() + body
        return {
            "POLY_ADDRESS": self.account.address,
            "POLY_API_KEY": self.account.api_key,
            "POLY_PASSPHRASE": self.account.passphrase,
            "POLY_TIMESTAMP": stamp,
            "POLY_SIGNATURE": sign_request(self.account.secret, message),
        }

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """Ask with a right signature; headers replace those of the signature."""
        content = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        bare = path.partition("?")[0].removeprefix("/clob")
        signed = self.headers(method, bare, content) | headers
        encoded = {name: value.encode("utf-8", "replace") for name, value in signed.items()}
        return CLIENT.request(method, self.base + path, content=content, headers=encoded)

    def send_raw(self, data: bytes, *, answer: bool = True) -> bytes:
        """Send bytes on a connection of its own; return what comes before it is closed."""
        with socket.create_connection(("127.0.0.1", self.ready.port), WAIT_S) as line:
            line.sendall(data)
            if not answer:
                return b""
            line.shutdown(socket.SHUT_WR)
            found = b""
            while part := line.recv(65_536):
                found += part
            return found

    def is_well(self) -> None:
        """Fail if the sandbox has died, or logged a traceback."""
        assert CLIENT.get(f"{self.ready.urls.clob_url}/time").status_code == 200
        assert "Traceback" not in self._log.read_text()


def _json(body: object) -> bytes:
    return json.dumps(body).encode()
