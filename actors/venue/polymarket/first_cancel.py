"""Cancel all orders of an account with as little as can be: no SDK, two requests.

A halt does this before anything else. The venue's SDK takes more than a second to load, and could
be broken; this needs the key, one hash and one signature. Whether nothing rests afterwards is for
the adapter to prove.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

from coincurve import PrivateKey
from Crypto.Hash import keccak

from actors.clock import wall_ms
from actors.config import Venue
from actors.venue.keys import load_private_key
from actors.venue.port import Cancelled, NotCancelled, Unknown

TRIES: Final = 3
"""Of each request: the venue answers 401 in passing."""
MESSAGE: Final = "This message attests that I control the given wallet"
DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId)"
LOGIN_TYPE: Final = "ClobAuth(address address,string timestamp,uint256 nonce,string message)"
NONCE: Final = 0
"""Of the credentials that the adapter derives."""
RECOVERY_BASE: Final = 27
MS_PER_S: Final = 1_000


def first_cancel(venue: Venue, timeout_s: float) -> Cancelled | Unknown:
    """Cancel everything of the account; raises `PrivateKeyError`. Blocks for two requests."""
    key = PrivateKey(bytes.fromhex(load_private_key(venue)[2:]))
    try:
        login = _asked(venue, timeout_s, "GET", "/auth/derive-api-key", key)
        if not isinstance(login, dict):
            return Unknown(reason=f"no credentials: {login}")
        answer = _asked(venue, timeout_s, "DELETE", "/cancel-all", key, login)
        if not isinstance(answer, dict):
            return Unknown(reason=str(answer))
        held = answer.get("not_canceled") or {}
        return Cancelled(
            cancelled=tuple(map(str, answer.get("canceled") or ())),
            not_cancelled=tuple(
                NotCancelled(order_id=str(name), reason=str(why)) for name, why in held.items()
            ),
        )
    except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError) as error:
        return Unknown(reason=f"{type(error).__name__}: {error}")


def _asked(
    venue: Venue,
    timeout_s: float,
    method: str,
    path: str,
    key: PrivateKey,
    login: Mapping[str, Any] | None = None,
) -> Any:
    """Ask once, and again where it is answered 401; return its JSON, or the text of a refusal.

    A machine whose clock is wrong must be able to cancel: after a 401 the venue's own time is used.
    """
    said: Any = None
    ahead_s = 0
    for _ in range(TRIES):
        stamp = str(int(wall_ms()) // MS_PER_S + ahead_s)
        headers = (
            _login_headers(key, stamp, venue.chain_id)
            if login is None
            else _request_headers(key, stamp, f"{method}{path}", login)
        )
        status, body = _send(venue.clob_url, timeout_s, method, path, headers)
        if status == HTTPStatus.OK:
            return json.loads(body)
        said = f"HTTP {status}: {body[:200].decode(errors='replace')}"
        if status != HTTPStatus.UNAUTHORIZED:
            break
        ahead_s = _venue_ahead_s(venue, timeout_s)
    return said


def _venue_ahead_s(venue: Venue, timeout_s: float) -> int:
    """Return by how much the venue's clock is ahead of this machine's."""
    status, body = _send(venue.clob_url, timeout_s, "GET", "/time", {"User-Agent": "midstride"})
    if status != HTTPStatus.OK:
        return 0
    return int(body) - int(wall_ms()) // MS_PER_S


def _send(
    base_url: str, timeout_s: float, method: str, path: str, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    base = urlsplit(base_url)
    made = HTTPSConnection if base.scheme == "https" else HTTPConnection
    connection = made(base.netloc, timeout=timeout_s)
    try:
        connection.request(method, base.path.rstrip("/") + path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


# ---- who asks ---------------------------------------------------------------------------------


def _login_headers(key: PrivateKey, stamp: str, chain_id: int) -> dict[str, str]:
    """Sign in: the key attests that it controls its address."""
    address = address_of(key)
    domain = _hash(
        _text(DOMAIN_TYPE) + _text("ClobAuthDomain") + _text("1") + chain_id.to_bytes(32, "big")
    )
    login = _hash(
        _text(LOGIN_TYPE)
        + bytes.fromhex(address[2:]).rjust(32, b"\0")
        + _text(stamp)
        + NONCE.to_bytes(32, "big")
        + _text(MESSAGE)
    )
    signature = key.sign_recoverable(_hash(b"\x19\x01" + domain + login), hasher=None)
    whole = signature[:64] + bytes([signature[64] + RECOVERY_BASE])
    return {
        "POLY_ADDRESS": address,
        "POLY_SIGNATURE": f"0x{whole.hex()}",
        "POLY_TIMESTAMP": stamp,
        "POLY_NONCE": str(NONCE),
        "User-Agent": "midstride",
    }


def _request_headers(
    key: PrivateKey, stamp: str, asked: str, login: Mapping[str, Any]
) -> dict[str, str]:
    """Sign a request without a body by the credentials."""
    secret = base64.urlsafe_b64decode(login["secret"])
    digest = hmac.new(secret, f"{stamp}{asked}".encode(), hashlib.sha256).digest()
    return {
        "POLY_ADDRESS": address_of(key),
        "POLY_API_KEY": login["apiKey"],
        "POLY_PASSPHRASE": login["passphrase"],
        "POLY_TIMESTAMP": stamp,
        "POLY_SIGNATURE": base64.urlsafe_b64encode(digest).decode(),
        "User-Agent": "midstride",
    }


def address_of(key: PrivateKey) -> str:
    """Return the key's address with its checksum in the letters' case (EIP-55)."""
    plain = _hash(key.public_key.format(compressed=False)[1:])[-20:].hex()
    marks = _text(plain).hex()
    letters = (
        letter.upper() if int(mark, 16) >= 8 else letter  # noqa: PLR2004 EIP-55
        for letter, mark in zip(plain, marks, strict=False)
    )
    return f"0x{''.join(letters)}"


def _text(text: str) -> bytes:
    return _hash(text.encode())


def _hash(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()
