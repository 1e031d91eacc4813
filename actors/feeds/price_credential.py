"""The price socket's credential: one for the life of a fleet, kept in a file of its owner.

The socket wants API credentials, any account's. Market data holds no trading key: the key behind
them is made at random, owns nothing and signs nothing but its own log-in. A venue that has
forgotten the credential is asked again with the same key; none is made for a reconnect.
"""

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final

import msgspec
from eth_account import Account
from polymarket import AsyncSecureClient

from actors.config import Venue
from actors.runtime import log_event
from actors.venue.polymarket.environment import venue_environment

BYTES_MAX: Final = 4_096
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class CredentialError(Exception):
    """The kept credential cannot be used; the operator must mend what the message names."""


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    """Whose it is: the venue's address."""
    private_key: str
    api_key: str = ""
    secret: str = ""
    passphrase: str = ""

    def __repr__(self) -> str:
        return f"Credential(host={self.host!r})"


def credential_file(storage_root: str) -> Path:
    """Name the file: beside the storage, which is copied as evidence, and not inside it."""
    root = Path(storage_root)
    return root.with_name(f".{root.name}-price-credential")


def read_credential(path: Path) -> Credential | None:
    """Read the kept credential; None: there is none. Raises `CredentialError`."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CredentialError(f"{path} cannot be read: {error.strerror}") from None
    try:
        seen = os.fstat(handle)
        if not stat.S_ISREG(seen.st_mode) or seen.st_uid != os.geteuid():
            raise CredentialError(f"{path} is not a file of this user: move it away")
        if seen.st_mode & OTHERS:
            raise CredentialError(f"others may read {path}: delete it, a new one is made")
        data = os.read(handle, BYTES_MAX)
    finally:
        os.close(handle)
    try:
        return msgspec.json.decode(data, type=Credential)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise CredentialError(f"{path} is damaged: delete it, a new one is made") from None


def write_credential(path: Path, credential: Credential) -> None:
    """Replace the file in one step; it is never readable by others, nor half written."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(beside, flags, 0o600), "wb") as file:  # noqa: PTH123 a mode from the start
        file.write(msgspec.json.encode(credential))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


class PriceLogin:
    """The kept credential, made once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: Credential | None = None

    async def credential(self, venue: Venue) -> Credential:
        """Return the one of this venue. Raises the SDK's errors and `CredentialError`."""
        kept = self._known or read_credential(self._file)
        if kept is None or kept.host != venue.clob_url:
            kept = Credential(host=venue.clob_url, private_key="0x" + secrets.token_bytes(32).hex())
        if not kept.api_key:
            kept = await self._asked(venue, kept)
        self._known = kept
        return kept

    async def renew(self, venue: Venue) -> None:
        """The venue does not know the credential any more: ask again, with the same key."""
        if self._known is not None:
            self._known = await self._asked(venue, self._known)

    async def _asked(self, venue: Venue, credential: Credential) -> Credential:
        client = await AsyncSecureClient.create(
            private_key=credential.private_key,
            wallet=Account.from_key(credential.private_key).address,
            environment=venue_environment(venue),
        )
        try:
            found = client.credentials
        finally:
            await client.close()
        credential = msgspec.structs.replace(
            credential, api_key=found.key, secret=found.secret, passphrase=found.passphrase
        )
        try:
            write_credential(self._file, credential)
        except OSError as error:
            log_event("price_credential_not_kept", file=str(self._file), reason=str(error.strerror))
        return credential
