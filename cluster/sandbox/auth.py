"""Who is calling: L1 logins (a signed message) and L2 requests (an HMAC with an API key).

Pure: time comes as an argument; `AccountFile` is the thin shell that keeps the keys over a restart.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from cluster.sandbox.numbers import whole_number
from cluster.sandbox.signing import SignatureError, recover_login

STAMP_AGE_S_MAX: Final = 60
"""How old a request's stamp may be: about a minute, as operators report; the venue documents no
limit."""
STAMP_AHEAD_S_MAX: Final = 5
"""How far it may lie in the future: reports say not at all; stamps are whole seconds and clocks
differ a little."""
NONCE_MAX: Final = (1 << 63) - 1
STAMP_S_MAX: Final = 10**11
"""Far beyond any stamp in seconds, so that milliseconds and nonsense are refused as text."""
ACCOUNTS_MAX: Final = 1_000
"""API keys that one sandbox keeps; a runaway test must not grow the file for ever."""

ACCOUNTS_NAME: Final = "api-keys.json"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One API key and the address that owns it."""

    address: str
    """Lower-case address of the signing key."""
    nonce: int
    api_key: str
    secret: str
    """URL-safe base64."""
    passphrase: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a caller was not let in; becomes the answer's status and `error` text."""

    status: int
    error: str


UNAUTHORIZED: Final = Refusal(status=401, error="Unauthorized/Invalid api key")
BAD_L1: Final = Refusal(status=401, error="Invalid L1 Request headers")


class Accounts:
    """The API keys that the exchange has issued. Deterministic for (seed, address, nonce)."""

    def __init__(self, seed: int, accounts: tuple[Account, ...] = ()) -> None:
        self._seed = seed
        self._by_key = {account.api_key: account for account in accounts}
        self._by_login = {(account.address, account.nonce): account for account in accounts}

    def all(self) -> tuple[Account, ...]:
        return tuple(self._by_key.values())

    def of_key(self, api_key: str) -> Account | None:
        return self._by_key.get(api_key)

    def of_address(self, address: str) -> tuple[Account, ...]:
        return tuple(a for a in self._by_key.values() if a.address == address.lower())

    def find(self, address: str, nonce: int) -> Account | None:
        return self._by_login.get((address.lower(), nonce))

    def create(self, address: str, nonce: int) -> Account | Refusal:
        """Issue a key; an address and nonce that have one must derive it instead."""
        if self.find(address, nonce) is not None:
            return Refusal(status=400, error="Could not create api key")
        if len(self._by_key) >= ACCOUNTS_MAX:
            return Refusal(status=400, error=f"more than {ACCOUNTS_MAX} api keys in one sandbox")
        account = self._issue(address.lower(), nonce)
        self._by_key[account.api_key] = account
        self._by_login[(account.address, nonce)] = account
        return account

    def relayer_key(self, address: str) -> str:
        """Return the key that the owner of an address would make on the venue's settings page."""
        text = f"midstride sandbox/{self._seed}/{address.lower()}/relayer"
        digest = hashlib.sha256(text.encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"

    def delete(self, api_key: str) -> None:
        account = self._by_key.pop(api_key)
        del self._by_login[(account.address, account.nonce)]

    def _issue(self, address: str, nonce: int) -> Account:
        def bytes_for(purpose: str) -> bytes:
            text = f"midstride sandbox/{self._seed}/{address}/{nonce}/{purpose}"
            return hashlib.sha256(text.encode()).digest()

        key = bytes_for("key").hex()
        return Account(
            address=address,
            nonce=nonce,
            api_key=f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:32]}",
            secret=base64.urlsafe_b64encode(bytes_for("secret")).decode(),
            passphrase=bytes_for("passphrase").hex(),
        )

    def authorize(
        self, headers: Mapping[str, str], method: str, path: str, body: bytes, wire_ms: int
    ) -> Account | Refusal:
        """Check an L2 request: key, passphrase, address, stamp and HMAC over the exact bytes.

        `path` is without the query, as the venue signs it.
        """
        account = self._by_key.get(headers.get("poly_api_key", ""))
        if account is None:
            return UNAUTHORIZED
        stamp = headers.get("poly_timestamp", "")
        if not _stamp_is_near(stamp, wire_ms):
            return Refusal(status=401, error="Invalid timestamp")
        message = f"{stamp}{method}{path}".encode() + body
        expected = sign_request(account.secret, message)
        agree = (
            hmac.compare_digest(headers.get("poly_signature", "").encode(), expected.encode())
            and hmac.compare_digest(
                headers.get("poly_passphrase", "").encode(), account.passphrase.encode()
            )
            and headers.get("poly_address", "").lower() == account.address
        )
        return account if agree else UNAUTHORIZED

    def authorize_socket(self, api_key: str, secret: str, passphrase: str) -> Account | None:
        """Check the credentials that the first frame of a websocket carries."""
        account = self._by_key.get(api_key)
        if account is None:
            return None
        agree = hmac.compare_digest(secret.encode(), account.secret.encode())
        agree &= hmac.compare_digest(passphrase.encode(), account.passphrase.encode())
        return account if agree else None


def sign_request(secret: str, message: bytes) -> str:
    """Return the URL-safe base64 of HMAC-SHA256(base64-decoded secret, message)."""
    try:
        key = base64.urlsafe_b64decode(secret)
    except (binascii.Error, ValueError) as error:
        raise ValueError("an issued secret is always base64") from error
    return base64.urlsafe_b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def _stamp_is_near(stamp: str, wire_ms: int) -> bool:
    found = whole_number(stamp, STAMP_S_MAX)
    if found is None:
        return False
    return -STAMP_AHEAD_S_MAX <= wire_ms // 1000 - found <= STAMP_AGE_S_MAX


def check_login(headers: Mapping[str, str], wire_ms: int) -> tuple[str, int] | Refusal:
    """Check an L1 request's headers; return the address and nonce that it proves."""
    address = headers.get("poly_address", "")
    stamp = headers.get("poly_timestamp", "")
    nonce = whole_number(headers.get("poly_nonce", "0"), NONCE_MAX)
    if nonce is None or not _stamp_is_near(stamp, wire_ms):
        return BAD_L1
    try:
        signer = recover_login(address, stamp, nonce, headers.get("poly_signature", ""))
    except SignatureError as error:
        return Refusal(status=401, error=f"{BAD_L1.error}: {error}")
    return (signer, nonce) if signer == address.lower() else BAD_L1


class AccountFile:
    """Keeps the issued keys in the state folder, so that a client outlives an exchange restart."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ACCOUNTS_NAME

    def read(self) -> tuple[Account, ...]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return ()
        return msgspec.json.decode(data, type=tuple[Account, ...])

    def write(self, accounts: tuple[Account, ...]) -> None:
        """Replace the file atomically; readable by its owner only."""
        temporary = self._path.with_suffix(".part")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.encode(accounts))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self._path)
