"""Which files hold a secret of a fleet: its trading key, and what the venue gave for it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from actors.feeds.price_credential import credential_file
from cluster.local.state_folder import StateFolder
from cluster.sandbox.auth import ACCOUNTS_NAME

PART_BYTES = 1 << 20


def secrets_written(state: StateFolder) -> list[str]:
    """Return the files of a fleet that hold a secret, but for the key's own and the exchange's.

    The credential of the price stream has a file of its own, that only its owner may read.
    """
    if not (state.private_key.exists() and (state.sandbox / ACCOUNTS_NAME).exists()):
        return []  # the launch failed before there was a secret
    secrets = [secret.encode() for secret in _secrets(state)]
    assert len(secrets) > 1, "the key and what the exchange gave for it"
    return [str(file) for file in _files(state) if any(_holds(file, secret) for secret in secrets)]


def _secrets(state: StateFolder) -> Iterator[str]:
    yield state.private_key.read_text(encoding="ascii").strip().lower().removeprefix("0x")
    stored = msgspec.json.decode((state.sandbox / ACCOUNTS_NAME).read_bytes())
    for account in stored:
        yield account["secret"]
        yield account["passphrase"]


def _files(state: StateFolder) -> Iterator[Path]:
    own = {
        file
        for file in (state.private_key, credential_file(str(state.storage)))
        if _is_private(file)
    }
    for folder in (state.root, state.ray):
        for file in folder.rglob("*"):
            outside = file.is_relative_to(state.sandbox) or file in own
            if file.is_file() and not file.is_symlink() and not outside:
                yield file


def _is_private(file: Path) -> bool:
    return file.exists() and not file.stat().st_mode & 0o077


def _holds(file: Path, secret: bytes) -> bool:
    """Search a file of any size, also where a secret lies across two parts of it."""
    kept = b""
    try:
        with file.open("rb") as stream:
            while part := stream.read(PART_BYTES):
                if secret in (kept + part).lower() or secret in kept + part:
                    return True
                kept = part[-len(secret) :]
    except OSError:
        pass  # a socket, or gone meanwhile
    return False
