"""The operator's ed25519 key: made once, kept in a file that only its owner reads, never shared."""

import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from checkpoints.approvals import APPROVALS, Approval, Statement, signed_bytes
from checkpoints.records import canonical_json
from checkpoints.storage import Storage
from cluster.gate.errors import GateError

KEY_BYTES: Final = 32
OTHERS: Final = 0o077


def make_key(file: Path) -> str:
    """Write a new private key with mode 0600 and return the public one; never overwrite."""
    key = Ed25519PrivateKey.generate()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise GateError(f"{file} exists and is not overwritten: name another file") from None
    except OSError as error:
        raise GateError(f"cannot write {file}: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(f"{key.private_bytes_raw().hex()}\n")
        stream.flush()
        os.fsync(stream.fileno())
    return key.public_key().public_bytes_raw().hex()


def read_key(file: Path) -> Ed25519PrivateKey:
    """Read a private key; raise `GateError` if others may read it too."""
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise GateError(f"cannot read the operator key {file}: {error}") from error
    if mode & OTHERS:
        raise GateError(
            f"other users can read {file}: `chmod 600` it; if they may have read it, make a new key"
        )
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))
    except ValueError:
        raise GateError(
            f"{file} holds no operator key ({2 * KEY_BYTES} hex digits); `midstride gate "
            "key` makes one"
        ) from None


def public_of(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def sign(key: Ed25519PrivateKey, statement: Statement) -> bytes:
    """Return the approval's file."""
    signature = key.sign(signed_bytes(statement)).hex()
    return canonical_json(Approval(statement=statement, signature=signature))


def store_approval(storage: Storage, data: bytes, statement: Statement) -> str:
    """Keep an approval and return its name in the storage."""
    name = f"{APPROVALS}/{statement.id}.json"
    storage.write(name, data)
    return name
